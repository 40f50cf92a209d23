"""What the routes call."""

from dataclasses import dataclass

from mainstay.kernel.clock import Clock
from renewals.application.agendas import Calendars
from renewals.application.board import ReadRenewals
from renewals.application.calling import SayCall
from renewals.application.changing import AmendContract, AssignContracts, EnterContract
from renewals.application.churn import Outcomes
from renewals.application.cohorts import Cohorts
from renewals.application.consumption import BurnDowns
from renewals.application.economics import StateEconomics, UnitEconomics
from renewals.application.figures import Retention
from renewals.application.forecasting import Forecasts
from renewals.application.good_customers import GoodCustomers
from renewals.application.handing_over import HandOver, SavePolicy
from renewals.application.imports import ImportContracts
from renewals.application.inputs import StateRates
from renewals.application.opportunities import Opportunities
from renewals.application.ports import OpensWork
from renewals.application.resolving import ResolveConflict


@dataclass(frozen=True, slots=True)
class Handlers:
    """What the routes call."""

    work: OpensWork
    enter: EnterContract
    amend: AmendContract
    assign: AssignContracts
    retention: Retention
    state_rates: StateRates
    renewals: ReadRenewals
    hand_over: HandOver
    save_policy: SavePolicy
    forecasts: Forecasts
    say_call: SayCall
    cohorts: Cohorts
    economics: UnitEconomics
    state_economics: StateEconomics
    good_customers: GoodCustomers
    outcomes: Outcomes
    burn_downs: BurnDowns
    opportunities: Opportunities
    resolve: ResolveConflict
    imports: ImportContracts
    calendars: Calendars
    clock: Clock
