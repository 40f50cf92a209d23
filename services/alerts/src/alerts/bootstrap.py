"""Wires the parts of alerts; the only place that knows all of them."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from fastapi import FastAPI
from prometheus_client import CollectorRegistry

from alerts.api.handlers import Handlers
from alerts.api.problems import PROBLEMS
from alerts.api.routes import routes
from alerts.application.cases import ManageCases
from alerts.application.channels import ManageChannels
from alerts.application.composing import Composing
from alerts.application.delivering import DEFAULT_LIMITS, Deliverer, Limits
from alerts.application.delivery_ports import Sender
from alerts.application.digesting import Digests
from alerts.application.directory import DirectoryInForce, ManageDirectory
from alerts.application.erasure import ObeyErasures
from alerts.application.escalating import Escalate
from alerts.application.figures import Figures
from alerts.application.forgetting import Forget, Retention
from alerts.application.gating import Gate
from alerts.application.handling import HandleAlerts, Snoozes
from alerts.application.interventions import Interventions
from alerts.application.playbooks import PlaybookDocuments, PlaybooksInForce
from alerts.application.playing import Playing
from alerts.application.pressing import PressLinks
from alerts.application.previewing import PreviewRules
from alerts.application.reassigning import Reassign
from alerts.application.replaying import ReplayDeliveries
from alerts.application.routing import Router
from alerts.application.rule_documents import RuleDocuments
from alerts.application.rules import RulesInForce
from alerts.application.run_reading import ReadRuns
from alerts.application.silencing import ManageSilences
from alerts.application.task_telling import TellTasks
from alerts.application.telling import Telling
from alerts.application.watching import KeepAccounts, Watch
from alerts.application.worklist import DailyAgenda, Worklist
from alerts.channels import dingtalk, email, feishu, slack, teams, wecom
from alerts.channels.dingtalk import DingTalkSender
from alerts.channels.email import EmailSender
from alerts.channels.feishu import FeishuSender
from alerts.channels.http import AddressCheck
from alerts.channels.rendering import Templates
from alerts.channels.slack import SlackSender
from alerts.channels.teams import TeamsSender
from alerts.channels.webhook import WebhookSender
from alerts.channels.wecom import WeComSender
from alerts.consumers import subscriptions
from alerts.domain.action_links import LinkSigner
from alerts.domain.destinations import ChannelKind
from alerts.domain.messages import Links
from alerts.domain.playbooks import Playbooks
from alerts.domain.rules import Rulebook
from alerts.domain.worklist import Weights
from alerts.jobs import (
    AuditEscalations,
    DigestsDue,
    EscalationsDue,
    ForgettingDue,
    LooksDue,
    ReassignmentsDue,
    ReplaysDue,
    SnoozesDue,
    deliver,
    prepare,
)
from alerts.playbook_reader import playbook_of, shipped_playbook_documents, shipped_playbooks
from alerts.public_holidays import public_holidays
from alerts.rulebook import rule_of, shipped_documents, shipped_rulebook
from alerts.sealing import Seal
from alerts.settings import Settings
from alerts.store.cases import StoredCaseReading
from alerts.store.digests import DIGEST_DUE, digest_of
from alerts.store.figures import StoredFigures
from alerts.store.looks import LOOK_DUE, subject_of
from alerts.store.past import FORGET_DUE
from alerts.store.people_reading import StoredPeopleReading
from alerts.store.playbook_timers import PLAYBOOK_DUE, thing_of
from alerts.store.reading import StoredReading
from alerts.store.reassignments import REASSIGN_DUE
from alerts.store.replays import REPLAY_DUE
from alerts.store.tables import HISTORY, kit
from alerts.store.timers import ESCALATION_DUE, SNOOZE_DUE, alert_of
from alerts.store.work import OpenStoreWork
from alerts.store.work_reading import StoredRuns
from alerts.store.worklist import StoredWorklist
from alerts.vocabulary import vocabularies
from mainstay.contracts.topics import ALERT_EVENTS
from mainstay.db.due_runner import DueRunner
from mainstay.db.engine import Database
from mainstay.db.work import Transactions
from mainstay.kernel.clock import Clock
from mainstay.service.chassis import Chassis
from mainstay.service.subjects import Subjects
from mainstay.web.client import OutgoingClient
from mainstay.web.serving import Background

NAME = "alerts"

PRIVATE_NETWORKS = ("127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "::1/128", "fc00::/7")
"""What MAINSTAY_ALERTS_ALLOW_PRIVATE_DESTINATIONS opens. Link-local stays shut: clouds keep credentials there."""


TEMPLATE_READERS: Mapping[ChannelKind, Callable[[str], Any]] = {
    ChannelKind.SLACK: slack.read,
    ChannelKind.EMAIL: email.read,
    ChannelKind.TEAMS: teams.read,
    ChannelKind.WECOM: wecom.read,
    ChannelKind.DINGTALK: dingtalk.read,
    ChannelKind.FEISHU: feishu.read,
}
"""What is made of the templates of each kind: an operator's own are tried with it at the start."""


@dataclass(frozen=True)
class Application:
    """What alerts does, bound to one database and one clock: no log, no HTTP server."""

    open_work: OpenStoreWork
    watch: Watch
    keep_accounts: KeepAccounts
    erase: ObeyErasures
    handlers: Handlers
    deliverer: Deliverer
    due: DueRunner
    audit: AuditEscalations


def build_application(
    settings: Settings,
    transactions: Transactions,
    database: Database,
    clock: Clock,
    client: OutgoingClient,
    registry: CollectorRegistry,
    *,
    rulebook: Rulebook | None = None,
    playbooks: Playbooks | None = None,
    limits: Limits = DEFAULT_LIMITS,
) -> Application:
    """The application: what tests drive, and what a service feeds."""
    seal = Seal(settings.secret_key, settings.previous_secret_keys)
    rules = RulesInForce(rulebook or shipped_rulebook(), rule_of)
    open_work = OpenStoreWork(transactions, seal, Subjects(settings.secret_key))
    directory = DirectoryInForce()
    router = Router(directory)
    telling = Telling(router, clock)
    words = vocabularies(settings.templates)
    templates = Templates(settings.templates)
    templates.check(words, TEMPLATE_READERS)
    senders: Mapping[ChannelKind, Sender] = {
        ChannelKind.WEBHOOK: WebhookSender(client),
        ChannelKind.SLACK: SlackSender(client, templates),
        ChannelKind.EMAIL: EmailSender(settings.mail_server, templates),
        ChannelKind.TEAMS: TeamsSender(client, templates),
        ChannelKind.WECOM: WeComSender(client, templates),
        ChannelKind.DINGTALK: DingTalkSender(client, templates),
        ChannelKind.FEISHU: FeishuSender(client, templates),
    }
    known_playbooks = PlaybooksInForce(shipped_playbooks() if playbooks is None else playbooks, playbook_of)
    worklist = Worklist(
        open_work,
        StoredWorklist(database),
        rules,
        known_playbooks,
        directory,
        Weights(settings.weights_of_tiers, settings.rates),
        words,
        clock,
    )
    digests = Digests(directory, rules, words, public_holidays, clock, DailyAgenda(worklist))
    links = Links(alerts=settings.public_url, health=settings.health_url, rules=settings.rule_pages_url)
    people_reading = StoredPeopleReading(database)
    reassign = Reassign(open_work, directory, known_playbooks, clock)
    signer = LinkSigner(settings.secret_key, settings.previous_secret_keys)
    playing = Playing(open_work, known_playbooks, TellTasks(directory), clock, quiet_after=settings.quiet_after)
    gate = Gate(directory, public_holidays, Interventions(known_playbooks))
    replays = ReplayDeliveries(open_work, clock)
    watch = Watch(open_work, rules, telling, playing, clock, quiet_after=settings.quiet_after)
    reading = StoredReading(database, seal)
    handle = HandleAlerts(open_work, rules, telling, clock)
    return Application(
        open_work=open_work,
        audit=AuditEscalations(people_reading, clock, registry),
        watch=watch,
        keep_accounts=KeepAccounts(open_work, rules, telling, playing, clock),
        erase=ObeyErasures(open_work, clock),
        handlers=Handlers(
            reading=reading,
            rules=rules,
            rule_documents=RuleDocuments(open_work, rules, rule_of, shipped_documents(), clock),
            preview=PreviewRules(open_work, router, public_holidays, clock),
            open_work=open_work,
            handle=handle,
            playbooks=PlaybookDocuments(
                open_work, known_playbooks, rules, playbook_of, shipped_playbook_documents(), clock
            ),
            playing=playing,
            worklist=worklist,
            figures=Figures(StoredFigures(database), clock),
            cases=ManageCases(open_work, clock),
            case_reading=StoredCaseReading(database),
            work_reading=ReadRuns(open_work, StoredRuns(database), known_playbooks, directory),
            pressing=PressLinks(reading, rules, handle, signer, words, clock),
            channels=ManageChannels(open_work, clock, AddressCheck(client)),
            replays=replays,
            directory=ManageDirectory(open_work, directory, clock, digests.plan),
            router=router,
            reassign=reassign,
            silences=ManageSilences(open_work, clock),
            people_reading=people_reading,
            clock=clock,
        ),
        deliverer=Deliverer(
            open_work, senders, Composing(rules, links, words, signer), gate, clock, registry, limits=limits
        ),
        due=DueRunner(
            database,
            transactions,
            kit,
            clock,
            {
                REPLAY_DUE: ReplaysDue(replays, open_work.within),
                LOOK_DUE: LooksDue(watch, open_work.within, subject_of),
                PLAYBOOK_DUE: LooksDue(playing, open_work.within, thing_of),
                REASSIGN_DUE: ReassignmentsDue(reassign, open_work.within),
                DIGEST_DUE: DigestsDue(digests, open_work.within, digest_of),
                ESCALATION_DUE: EscalationsDue(Escalate(router, clock), open_work.within, alert_of),
                FORGET_DUE: ForgettingDue(
                    Forget(rules, Retention(settings.facts_kept_for, settings.attempts_kept_for), clock),
                    open_work.within,
                ),
                SNOOZE_DUE: SnoozesDue(Snoozes(clock), open_work.within, alert_of),
            },
            batches={REPLAY_DUE: 1, REASSIGN_DUE: 1, DIGEST_DUE: 5},
            registry=registry,
        ),
    )


def outgoing_client(settings: Settings) -> OutgoingClient:
    """The way to webhooks and chats, as narrow as the settings say."""
    if settings.allow_private_destinations:
        return OutgoingClient(allow_http=True, allow=PRIVATE_NETWORKS)
    return OutgoingClient()


class Service:
    """One process of alerts: what its HTTP server and its work are made of."""

    def __init__(self, settings: Settings, *, clock: Clock | None = None) -> None:
        self.settings = settings
        self.chassis = Chassis(NAME, settings, HISTORY, kit, owns=[ALERT_EVENTS], clock=clock, pool_size=10)
        self.client = outgoing_client(settings)
        self.application = build_application(
            settings,
            self.chassis.transactions,
            self.chassis.database,
            self.chassis.clock,
            self.client,
            self.chassis.registry,
        )

    def app(self) -> FastAPI:
        """The HTTP side. Not idempotent by key: the answer to a new channel shows its secret, once."""
        return self.chassis.app(routes(self.application.handlers), PROBLEMS)

    def work_app(self) -> FastAPI:
        """The operational routes of a process that only works."""
        return self.chassis.work_app()

    def serving(self) -> dict[str, Background]:
        """What runs beside the HTTP server."""
        return {"keys": self.chassis.keys.run}

    def working(self) -> dict[str, Background]:
        """Consumers, the delivery worker, the timers of replays and the relay."""
        heard = subscriptions(self.application.watch, self.application.keep_accounts, self.application.erase)
        return {
            **{subscription.topic.name: self.chassis.reading(subscription) for subscription in heard},
            "deliveries": self._deliver,
            "timers": self.application.due.run,
            "escalations": self.application.audit.run,
            "relay": self.chassis.relay,
        }

    async def close(self) -> None:
        """Let go of open connections, the log and the database."""
        await self.client.close()
        await self.chassis.close()

    async def _deliver(self, stopping: asyncio.Event) -> None:
        channels, settings = self.application.handlers.channels, self.settings
        if await prepare(channels, settings.operator_email, settings.operator_language, stopping):
            await deliver(self.application.deliverer, stopping)
