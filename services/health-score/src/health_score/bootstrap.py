"""Wires the parts of health-score; the only place that knows all of them."""

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta

from fastapi import FastAPI
from prometheus_client import CollectorRegistry

from health_score import consumers, jobs
from health_score.api.routes import PROBLEMS, ROUTES
from health_score.application.assessing import Assessor
from health_score.application.backtesting import Backtests, StepBacktest
from health_score.application.cards import Cards
from health_score.application.changes import Changes, OrderChanges
from health_score.application.customs import BuildSeries, DefineMetrics
from health_score.application.deciding import Decide, EndOverrides
from health_score.application.disagreement import ReadDisagreement
from health_score.application.erasure import ObeyErasures
from health_score.application.explaining import ExplainHealth
from health_score.application.facts import RecordFacts, RecordValues
from health_score.application.feedback import Feedback
from health_score.application.health import ReadHealth
from health_score.application.kpis import Kpis
from health_score.application.lifecycle import Lifecycles
from health_score.application.load import Loads
from health_score.application.metric_queries import MetricQueries
from health_score.application.midnight import CloseDays, MakeRoom, Rebuild
from health_score.application.pictures import Pictures
from health_score.application.portfolio import GatherPortfolio, Portfolio
from health_score.application.previewing import Previews, StepPreview
from health_score.application.queries import Queries
from health_score.application.report import Reports
from health_score.application.rescoring import Rescore, begin_rescoring
from health_score.application.rule_documents import RuleDocuments
from health_score.application.rules import Rulebooks
from health_score.application.rules_preview import RulesPreviews, StepRulesPreview
from health_score.application.scorecards import ActivateScorecard, ReadScorecards, SaveScorecard
from health_score.application.studies import Kind, RunStudies, Step
from health_score.application.success_plans import SuccessPlans
from health_score.application.timeline import Timelines
from health_score.application.usage import RecordUsage
from health_score.scorecards.reading import ScorecardDocument, ScorecardInvalid, read_scorecard
from health_score.settings import Settings
from health_score.store.changes import ChangeTable
from health_score.store.feedback import FeedbackStore
from health_score.store.health import HealthReading
from health_score.store.kpis import KpiStore
from health_score.store.load import LoadStore
from health_score.store.metric_reading import MetricReading
from health_score.store.portfolio import PortfolioStore
from health_score.store.reading import Reading
from health_score.store.report import ReportStore
from health_score.store.scorecards import ScorecardNumbers
from health_score.store.tables import HISTORY, kit
from health_score.store.timeline import TimelineReading
from health_score.store.work import Memory, Works
from mainstay.contracts.topics import ACCOUNT_EVENTS, HEALTH_EVENTS
from mainstay.db.due_runner import DueRunner
from mainstay.db.engine import Database
from mainstay.db.errors import is_transient
from mainstay.db.work import Transactions
from mainstay.kernel.clock import Clock
from mainstay.service.chassis import Chassis
from mainstay.service.process import CannotStart
from mainstay.service.subjects import Subjects
from mainstay.web.serving import Background

NAME = "health-score"

AGAIN_AFTER = 1.0
"""Seconds between attempts at what needs the database at the start."""


@dataclass(frozen=True)
class Handlers:
    """What health-score does, bound to one database and one clock."""

    works: Works
    usage: RecordUsage
    facts: RecordFacts
    values: RecordValues
    erase: ObeyErasures
    close: CloseDays
    rebuild: Rebuild
    room: MakeRoom
    queries: Queries
    portfolio: Portfolio
    gather_portfolio: GatherPortfolio
    loads: Loads
    kpis: Kpis
    pictures: Pictures
    order_changes: OrderChanges
    changes: Changes
    timelines: Timelines
    cards: Cards
    save_scorecard: SaveScorecard
    activate_scorecard: ActivateScorecard
    scorecards: ReadScorecards
    decide: Decide
    health: ReadHealth
    explain: ExplainHealth
    reports: Reports
    disagreement: ReadDisagreement
    metrics: DefineMetrics
    metric_queries: MetricQueries
    document: ScorecardDocument
    backtests: Backtests
    previews: Previews
    rule_documents: RuleDocuments
    rules_previews: RulesPreviews
    lifecycles: Lifecycles
    success_plans: SuccessPlans
    feedback: Feedback
    due: DueRunner
    studies_due: DueRunner


def build_handlers(
    database: Database,
    transactions: Transactions,
    document: ScorecardDocument,
    clock: Clock,
    *,
    subjects: Subjects,
    registry: CollectorRegistry | None = None,
    is_set: bool = False,
) -> Handlers:
    """The handlers, without a log and without HTTP: what tests drive.

    `document` is the scorecard for every account as long as nobody activated others; `is_set`: the settings name it.
    """
    works = Works(transactions, Memory(ScorecardNumbers(), subjects))
    cards = Cards(document, is_set=is_set)
    assessor = Assessor(cards)
    steps: dict[Kind, Step] = {
        Kind.BACKTEST: StepBacktest(cards, clock),
        Kind.PREVIEW: StepPreview(cards, clock),
        Kind.RULES: StepRulesPreview(cards, clock),
    }
    studies = RunStudies(works, steps, clock)
    close, rebuild, room = CloseDays(assessor, clock), Rebuild(assessor, clock), MakeRoom(clock)
    changes = ChangeTable(database.engine)
    health = ReadHealth(works, cards, HealthReading(database.engine), clock)
    metric_queries = MetricQueries(MetricReading(database.engine), Rulebooks(), clock)
    return Handlers(
        works=works,
        usage=RecordUsage(works, assessor, clock),
        facts=RecordFacts(works, assessor, clock),
        values=RecordValues(works, assessor, clock),
        erase=ObeyErasures(works, clock),
        close=close,
        rebuild=rebuild,
        room=room,
        queries=Queries(Reading(database.engine), clock),
        portfolio=Portfolio(PortfolioStore(database.engine), clock),
        gather_portfolio=GatherPortfolio(PortfolioStore(database.engine), is_transient),
        loads=Loads(LoadStore(database.engine), clock),
        kpis=Kpis(works, cards, KpiStore(database.engine), clock),
        pictures=Pictures(Reading(database.engine), works, subjects, health, clock),
        order_changes=OrderChanges(changes, clock, is_transient),
        changes=Changes(changes, is_transient),
        timelines=Timelines(TimelineReading(database.engine), clock),
        cards=cards,
        save_scorecard=SaveScorecard(works, cards, clock),
        activate_scorecard=ActivateScorecard(works, cards, clock),
        scorecards=ReadScorecards(works, cards, clock),
        decide=Decide(works, assessor, clock),
        health=health,
        explain=ExplainHealth(works, cards, clock),
        reports=Reports(works, cards, ReportStore(database.engine), metric_queries, clock),
        disagreement=ReadDisagreement(HealthReading(database.engine), clock),
        metrics=DefineMetrics(works, cards, clock),
        metric_queries=metric_queries,
        document=document,
        backtests=Backtests(studies, clock),
        previews=Previews(studies),
        rule_documents=RuleDocuments(works, cards, clock),
        rules_previews=RulesPreviews(studies),
        lifecycles=Lifecycles(works, cards, clock),
        success_plans=SuccessPlans(works, assessor, metric_queries, clock),
        feedback=Feedback(FeedbackStore(database.engine), clock),
        studies_due=DueRunner(
            database,
            transactions,
            kit,
            clock,
            jobs.study_handlers(works.within, studies),
            batch=1,
            poll=timedelta(milliseconds=100),
        ),
        due=DueRunner(
            database,
            transactions,
            kit,
            clock,
            jobs.handlers(
                works.within,
                close,
                rebuild,
                room,
                EndOverrides(assessor, clock),
                Rescore(assessor, clock),
                BuildSeries(cards, clock),
            ),
            batches=jobs.BATCHES,
            registry=registry,
        ),
    )


class Service:
    """One process of health-score: what its HTTP server and its work are made of."""

    def __init__(self, settings: Settings, *, clock: Clock | None = None) -> None:
        """Raises `CannotStart` when the scorecard cannot be read or is invalid."""
        try:
            document = read_scorecard(settings.scorecard)
        except (ScorecardInvalid, OSError) as error:
            raise CannotStart(f"the scorecard: {error}") from error
        self._consumers = settings.consumers
        self.chassis = Chassis(
            NAME,
            settings,
            HISTORY,
            kit,
            owns=[HEALTH_EVENTS, ACCOUNT_EVENTS],
            clock=clock,
            pool_size=settings.pool_size,
        )
        self.handlers = build_handlers(
            self.chassis.database,
            self.chassis.transactions,
            document,
            self.chassis.clock,
            subjects=Subjects(settings.secret_key),
            registry=self.chassis.registry,
            is_set=settings.scorecard is not None,
        )

    def app(self) -> FastAPI:
        """The HTTP side."""
        app = self.chassis.app(ROUTES, PROBLEMS)
        app.state.handlers = self.handlers
        return app

    def work_app(self) -> FastAPI:
        """The operational routes of a process that only works."""
        return self.chassis.work_app()

    def serving(self) -> dict[str, Background]:
        """What runs beside the HTTP server."""
        return {"keys": self.chassis.keys.run, "changes": self.handlers.changes.run}

    def working(self) -> dict[str, Background]:
        """Consumers, timers and the relay."""
        handlers, reading = self.handlers, self.chassis.reading
        usage = consumers.usage(handlers.usage)
        return {
            "start": self._start,
            **{f"usage-events {number}": reading(usage) for number in range(1, self._consumers + 1)},
            "customer-signals": reading(consumers.facts(handlers.facts)),
            "alert-events": reading(consumers.facts_of_alerts(handlers.facts)),
            "renewal-events": reading(consumers.values(handlers.values)),
            "privacy-requests": reading(consumers.erasures(handlers.erase)),
            "order of changes": handlers.order_changes.run,
            "cells of the portfolio": handlers.gather_portfolio.run,
            "timers": handlers.due.run,
            "studies": handlers.studies_due.run,
            "relay": self.chassis.relay,
        }

    async def close(self) -> None:
        """Let go of the log and the database."""
        await self.chassis.close()

    async def _start(self, stopping: asyncio.Event) -> None:
        """Install the scorecards and arm the timer for partitions, however long the database is away."""
        while not stopping.is_set():
            try:
                now = self.chassis.clock.now()
                async with self.handlers.works() as work:
                    if await self.handlers.cards.install(work, now):
                        await begin_rescoring(work, now)
                    await work.due.arm(jobs.ROOM, jobs.ROOM_KEY, now)
            except Exception as error:
                if not is_transient(error):
                    raise
                with suppress(TimeoutError):
                    await asyncio.wait_for(stopping.wait(), AGAIN_AFTER)
            else:
                await stopping.wait()
