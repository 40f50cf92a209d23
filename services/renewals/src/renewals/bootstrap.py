"""Wires renewals; the only module that knows all of its parts."""

from collections.abc import Sequence

from fastapi import FastAPI
from prometheus_client import CollectorRegistry

from mainstay.contracts.topics import RENEWAL_EVENTS
from mainstay.db.due_runner import DueRunner
from mainstay.db.migrate import History
from mainstay.kernel.clock import Clock
from mainstay.service.chassis import Chassis
from mainstay.service.subjects import Subjects
from mainstay.web.routes import Routes
from mainstay.web.serving import Background
from renewals.api.accuracy import accuracy_routes
from renewals.api.amendments import amendment_routes
from renewals.api.burn_down import burn_down_routes
from renewals.api.calendars import calendar_routes
from renewals.api.churn import churn_routes
from renewals.api.cohorts import cohort_routes
from renewals.api.conflicts import conflict_routes
from renewals.api.contract_reading import contract_reading_routes
from renewals.api.credits import credit_routes
from renewals.api.economics import economics_routes
from renewals.api.forecast import call_routes, forecast_routes
from renewals.api.good_customers import good_customer_routes
from renewals.api.handlers import Handlers
from renewals.api.imports import LARGER_BODIES, import_routes
from renewals.api.kpis import kpi_routes
from renewals.api.line_figures import line_figure_routes
from renewals.api.opportunities import opportunity_routes
from renewals.api.pictures import picture_routes
from renewals.api.policy import policy_routes
from renewals.api.problems import PROBLEMS
from renewals.api.rates import rate_routes
from renewals.api.renewals import renewal_routes
from renewals.api.routes import contract_routes
from renewals.application.agendas import Calendars
from renewals.application.board import ReadRenewals
from renewals.application.calling import SayCall
from renewals.application.changing import AmendContract, AssignContracts, EnterContract
from renewals.application.churn import Outcomes
from renewals.application.cohorts import Cohorts
from renewals.application.consumption import BurnDowns
from renewals.application.economics import StateEconomics, UnitEconomics
from renewals.application.erasure import ObeyErasures
from renewals.application.expansion import FindNeeds
from renewals.application.figures import Retention
from renewals.application.forecasting import Forecasts
from renewals.application.good_customers import GoodCustomers
from renewals.application.handing_over import HandOver, SavePolicy
from renewals.application.imports import ImportContracts
from renewals.application.inputs import RecordGroups, StateRates
from renewals.application.opportunities import Opportunities
from renewals.application.reconciling import ReconcileContracts
from renewals.application.recording import RecordHealth
from renewals.application.resolving import ResolveConflict
from renewals.application.settling import SettleAccounts
from renewals.application.signals import HearSignals
from renewals.consumers import subscriptions
from renewals.jobs import BATCHES
from renewals.jobs import handlers as due_handlers
from renewals.meters import Meters
from renewals.settings import Settings
from renewals.store.tables import SCHEMA, kit
from renewals.store.work import WorkFactory

NAME = "renewals"
HISTORY = History(SCHEMA, "renewals.migrations")


def routes(handlers: Handlers) -> Sequence[Routes]:
    """Every group of routes."""
    return (
        contract_routes(handlers),
        contract_reading_routes(handlers),
        amendment_routes(handlers),
        forecast_routes(handlers),
        calendar_routes(handlers),
        call_routes(handlers),
        accuracy_routes(handlers),
        cohort_routes(handlers),
        picture_routes(handlers),
        rate_routes(handlers),
        economics_routes(handlers),
        churn_routes(handlers),
        good_customer_routes(handlers),
        burn_down_routes(handlers),
        opportunity_routes(handlers),
        credit_routes(handlers),
        line_figure_routes(handlers),
        kpi_routes(handlers),
        conflict_routes(handlers),
        import_routes(handlers),
        policy_routes(handlers),
        renewal_routes(handlers),  # last: /renewals/{term_id} takes what no other route of /renewals does
    )


class Service:
    """The service's parts, made but not started; nothing connects before it is used."""

    def __init__(
        self, settings: Settings, *, clock: Clock | None = None, registry: CollectorRegistry | None = None
    ) -> None:
        self.settings = settings
        self.chassis = Chassis(NAME, settings, HISTORY, kit, owns=[RENEWAL_EVENTS], clock=clock, registry=registry)
        self.settle = SettleAccounts(self.chassis.clock, Meters(self.chassis.registry))
        self.work = WorkFactory(self.chassis.transactions, Subjects(settings.secret_key))
        self.reconcile = ReconcileContracts(self.settle, self.chassis.clock)
        self.signals = HearSignals(self.work, self.reconcile, FindNeeds(self.chassis.clock))
        self.imports = ImportContracts(self.work, self.reconcile, self.chassis.clock)
        self.timers = DueRunner(
            self.chassis.database,
            self.chassis.transactions,
            kit,
            self.chassis.clock,
            due_handlers(self.settle, self.imports, self.work.within, self.chassis.clock),
            batches=BATCHES,
            registry=self.chassis.registry,
        )

    def app(self) -> FastAPI:
        """The HTTP side."""
        return self.app_of(routes(self.handlers()))

    def app_of(self, routes: Sequence[Routes]) -> FastAPI:
        """The HTTP side with these routes."""
        return self.chassis.app(routes, PROBLEMS, idempotent=True, larger_bodies=LARGER_BODIES)

    def handlers(self) -> Handlers:
        """What the routes call."""
        clock = self.chassis.clock
        retention = Retention(self.work, clock)
        good_customers = GoodCustomers(self.work, clock)
        return Handlers(
            work=self.work,
            enter=EnterContract(self.work, self.settle, clock),
            amend=AmendContract(self.work, self.settle, clock),
            assign=AssignContracts(self.work, self.settle, clock),
            retention=retention,
            state_rates=StateRates(self.work, clock),
            renewals=ReadRenewals(self.work, clock),
            hand_over=HandOver(self.work, self.settle, clock),
            save_policy=SavePolicy(self.work, clock),
            forecasts=Forecasts(self.work, clock),
            say_call=SayCall(self.work, clock),
            cohorts=Cohorts(self.work, clock),
            economics=UnitEconomics(retention, self.work),
            state_economics=StateEconomics(self.work, clock),
            good_customers=good_customers,
            outcomes=Outcomes(self.work, good_customers, clock),
            burn_downs=BurnDowns(self.work, clock),
            opportunities=Opportunities(self.work, clock),
            resolve=ResolveConflict(self.work, self.settle, clock),
            imports=self.imports,
            calendars=Calendars(self.work, clock),
            clock=clock,
        )

    def work_app(self) -> FastAPI:
        """The operational routes of a process that only works."""
        return self.chassis.work_app()

    def serving(self) -> dict[str, Background]:
        """What runs beside the HTTP server."""
        return {"keys": self.chassis.keys.run}

    def working(self) -> dict[str, Background]:
        """Consumers, timers and the relay."""
        read = subscriptions(
            RecordHealth(self.work, self.chassis.clock),
            RecordGroups(self.work),
            self.signals,
            ObeyErasures(self.work, self.chassis.clock),
        )
        return {
            **{each.topic.name: self.chassis.reading(each) for each in read},
            "timers": self.timers.run,
            "relay": self.chassis.relay,
        }

    async def close(self) -> None:
        """Disconnect."""
        await self.chassis.close()
