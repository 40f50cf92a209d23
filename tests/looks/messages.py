"""Every message that there is, made by the domain from facts: one for each shipped rule, and all other kinds."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from alerts.domain.accounts import Account
from alerts.domain.action_links import LinkSigner, Who, WhoKind
from alerts.domain.alerts import Alert, Notice, follow, resolve, retire
from alerts.domain.digests import AgendaItem, DigestKind, Material, Move, NextStep, composed
from alerts.domain.effort import Touch
from alerts.domain.episodes import Episode, look, look_at_account
from alerts.domain.messages import (
    Digest,
    Links,
    Message,
    compose,
    digest_message,
    disabled_message,
    in_order,
    test_message,
    together,
)
from alerts.domain.observations import (
    BandEntered,
    Fact,
    MeasureWentStale,
    MetricDeviated,
    MilestoneMissed,
    Observation,
    Phrase,
    RenewalRisk,
    ScoreMoved,
    SourceQuiet,
    StageOverdue,
    Stated,
    TermMilestone,
    WentSilent,
    WindowOpened,
)
from alerts.domain.people import Person
from alerts.domain.rules import Rulebook
from alerts.domain.task_messages import ESCALATED, MESSAGE, OVERDUE, task_message
from alerts.domain.vocabulary import Vocabulary
from alerts.domain.words import Band, Language
from alerts.playbook_reader import shipped_playbooks
from alerts.rulebook import shipped_rulebook
from mainstay.kernel.money import Money
from mainstay.language.catalogue import phrases
from mainstay.language.negotiation import Language as Spoken

AT = datetime(2026, 11, 24, 9, 5, tzinfo=UTC)
NOW = AT + timedelta(minutes=1)
LINKS = Links("https://mainstay.example", "https://health.example", "https://mainstay.example/rules")
QUIET_AFTER = timedelta(days=400)
ENDS = date(2027, 1, 31)
WORTH = Money(Decimal(48_600), "GBP")
NORTHGATE = Account(
    "northgate",
    sequence=1,
    name="Northgate Utilities",
    owner="amelia.hart",
    tier="enterprise",
    zone="Europe/London",
    arr=(WORTH,),
    seats=240,
    next_renewal_on=ENDS,
    stage="growth",
    segment="enterprise",
    industry="utilities",
    response_within_hours={"urgent": 4, "any": 24},
)
PHRASES = (
    Phrase("usage-trend", {"direction": "fell", "change": 0.64, "days": 28}),
    Phrase("seats-active", {"used": 17, "seats": 240}),
    Phrase("measure-stale", {"measure": "csm_sentiment"}),
)


def _score(days_before: float, score: int, previous: int) -> tuple[float, Fact]:
    return days_before, ScoreMoved(score, previous, Band.YELLOW)


def _stated(days_before: float, thing: str, thing_id: str, **fields: object) -> tuple[float, Fact]:
    return days_before, Stated(thing, thing_id, fields)


def facts() -> Mapping[str, Sequence[tuple[float, Fact]]]:
    """By shipped rule: what opens it, each with how many days before `AT` it was."""
    why = phrases().sentence(PHRASES, Spoken.EN)
    day = AT.date()

    def ago(days: int) -> str:
        return (AT - timedelta(days=days)).isoformat()

    window = WindowOpened("C-17", "C-17/3", ENDS, WORTH, 240, Band.YELLOW, 61)
    milestone = TermMilestone("C-17", "C-17/3", "days_60", date(2026, 12, 3), ENDS, WORTH, Band.YELLOW, 61)
    return {
        "band-worsened": [(0, BandEntered(Band.RED, Band.YELLOW, 41, why, PHRASES))],
        "score-drop": [_score(5, 78, 80), _score(0, 52, 78)],
        "low-score": [_score(2, 24, 55)],
        "metric-deviated": [(0, MetricDeviated("active_users_1d", date(2026, 11, 23), 9, 41.0, -8.4))],
        "silent": [(0, WentSilent(date(2026, 11, 10), 9))],
        "ticket-urgent": [_stated(1, "ticket", "T-2041", opened_at=ago(1), priority="urgent")],
        "ticket-ageing": [_stated(20, "ticket", "T-1988", opened_at=ago(20), priority="normal")],
        "response-missed": [_stated(1, "ticket", "T-2041", opened_at=ago(1), priority="urgent")],
        "nps-detractor": [_stated(0, "survey", "S-5", kind="nps", score=3)],
        "nps-promoter": [_stated(0, "survey", "S-6", kind="nps", score=10)],
        "champion-left": [_stated(0, "contact", "P-9", role="economic_buyer", status="left")],
        "invoice-overdue": [_stated(9, "invoice", "INV-77", due_on=(day - timedelta(days=31)).isoformat())],
        "touch-overdue": [_stated(95, "touch", "V-3", result="held", is_internal=False)],
        "stage-overdue": [(0, StageOverdue("onboarding", date(2026, 11, 10)))],
        "milestone-overdue": [(0, MilestoneMissed("go_live", date(2026, 11, 10)))],
        "next-step-overdue": [
            _stated(
                9, "touch", "V-4", result="held", is_internal=False, next_due_on=(day - timedelta(days=3)).isoformat()
            )
        ],
        "feedback-untold": [
            _stated(10, "feedback", "F-12", kind="request", state="in_pool"),
            _stated(9, "feedback", "F-12", kind="request", state="wont_do"),
        ],
        "renewal-window": [(0, window)],
        "renewal-milestone": [(0, replace(milestone, late_by_seconds=3 * 86_400))],
        "renewal-at-risk": [(1.5, RenewalRisk("C-17", "C-17/3", "at_risk", ENDS, WORTH, Band.RED, 41))],
        "notice-deadline": [
            _stated(
                5,
                "contract",
                "C-17",
                state="active",
                ends_on="2027-01-03",
                notice={"amount": 1, "unit": "months"},
            )
        ],
        "entitlement-used": [_stated(0, "entitlement", "api_calls", bought=1_000_000, used=968_000)],
        "measure-stale": [(0, MeasureWentStale("csm_sentiment", date(2026, 7, 20), 120))],
        "source-silent": [(0, SourceQuiet("src-7", quiet=True, last_seen=AT - timedelta(hours=9)))],
        "red-before-renewal": [(0, BandEntered(Band.RED, Band.YELLOW, 41, why, PHRASES))],
    }


def rulebook() -> Rulebook:
    """The shipped rules, all switched on."""
    return Rulebook.of(replace(rule, enabled=True) for rule in shipped_rulebook().rules.values())


def alert_of(rule_id: str) -> Alert:
    """The alert that a shipped rule makes."""
    book = rulebook()
    rule = book.rules[rule_id]
    alone = Rulebook.of([rule])
    history = [
        Observation(_account(rule_id).id, f"{rule_id}-{number}", AT - timedelta(days=before), fact)
        for number, (before, fact) in enumerate(facts()[rule_id])
    ]
    looked = look_at_account if rule_id == "red-before-renewal" else look
    episodes: Sequence[Episode] = looked(alone, history, _account(rule_id), NOW).episodes
    return follow(episodes[-1], None, now=NOW, quiet_after=QUIET_AFTER).alert


def _account(rule_id: str) -> Account:
    return Account("source:src-7") if rule_id == "source-silent" else NORTHGATE


def opened(rule_id: str, words: Vocabulary) -> Message:
    """What a channel gets when a shipped rule's alert opens."""
    return _told(rule_id, Notice.OPENED, alert_of(rule_id), words)


def _told(rule_id: str, notice: Notice, alert: Alert, words: Vocabulary) -> Message:
    message = compose(f"n-{rule_id}", notice, alert, _account(rule_id), rulebook(), LINKS, words)
    if notice is Notice.RESOLVED:
        return message
    signer, who = LinkSigner("a secret key of the pictures, long"), Who(WhoKind.PERSON, "amelia.hart")
    return replace(message, links=(*message.links, *LINKS.to_do(alert, words, signer, who, AT)))


def messages(words: Vocabulary) -> Iterator[tuple[str, Message]]:
    """(name, message) of every kind there is."""
    for rule_id in facts():
        yield rule_id, opened(rule_id, words)
    yield from about_alerts(words)
    yield from others(words)


def about_alerts(words: Vocabulary) -> Iterator[tuple[str, Message]]:
    """An alert's further notices, and several in one message."""
    red = alert_of("band-worsened")
    yield "escalated", _told("band-worsened", Notice.ESCALATED, red, words)
    yield "returned", _told("band-worsened", Notice.RETURNED, red, words)
    by_hand = resolve(red, by="amelia.hart", reason=None, now=NOW).alert
    yield "resolved-by-hand", _told("band-worsened", Notice.RESOLVED, by_hand, words)
    recovered = replace(by_hand, resolution="recovered", reason="The account recovered from red to green.")
    yield "resolved", _told("band-worsened", Notice.RESOLVED, replace(recovered, resolved_by=None), words)
    low = replace(
        alert_of("low-score"), state=by_hand.state, resolved_at=NOW, resolution="recovered", reason="It is at 55 again."
    )
    yield "resolved-value", _told("low-score", Notice.RESOLVED, low, words)
    off = retire(alert_of("silent"), is_off=True, now=NOW).alert
    yield "resolved-rule-off", _told("silent", Notice.RESOLVED, off, words)
    yield "together", together(in_order([opened(one, words) for one in ("silent", "band-worsened", "ticket-urgent")]))


def others(words: Vocabulary) -> Iterator[tuple[str, Message]]:
    """What is about tasks, days and weeks, and channels."""
    playbook = shipped_playbooks().all["low-adoption"]
    step = next(step for step in playbook.steps if step.guidance)
    speak = {language.value: language for language in Language}
    about = {
        "category": "risk",
        "playbook": {name: playbook.name.in_(one) for name, one in speak.items()},
        "title": {name: step.title.in_(one) for name, one in speak.items()},
        "guidance": {name: step.guidance.in_(one) for name, one in speak.items()} if step.guidance else None,
        "due_on": "2026-11-20",
        "assignee": "amelia.hart",
        "text": {
            name: next(one.action.text.in_(spoken) for one in playbook.steps if one.action is not None)  # type: ignore[union-attr]  # its one action is a message
            for name, spoken in speak.items()
        },
    }
    for kind in (OVERDUE, ESCALATED, MESSAGE):
        yield kind, task_message("n-task", kind, about, NORTHGATE, AT, words, LINKS)
    for digest in DigestKind:
        found = composed(_material(digest, words), rulebook(), words)
        if found is not None:
            said = {"title": found.title, "text": found.text, "sections": found.sections, "at": AT.isoformat()}
            yield digest.value, digest_message("n-digest", digest, said, words, LINKS.to_worklist("amelia.hart", words))
    yield "test", test_message("n-test", "customer success", AT, words)
    gone = {"id": "5f1c", "channel": "customer success", "reason": "the robot answered errcode 93000: invalid webhook"}
    yield "channel-disabled", disabled_message("n-off", gone, AT, words)


def overflow(words: Vocabulary) -> Digest:
    """More than a chat may be sent, in one message."""
    names = ("band-worsened", "silent", "ticket-urgent", "renewal-window", "nps-promoter", "invoice-overdue")
    return Digest("d", tuple(in_order([opened(name, words) for name in names])), words)


def _material(kind: DigestKind, words: Vocabulary) -> Material:
    lagoa = replace(NORTHGATE, id="lagoa", name="Lagoa Turismo", next_renewal_on=date(2026, 12, 12))
    accounts = {one.id: one for one in (NORTHGATE, lagoa)}
    alerts = [alert_of(name) for name in ("band-worsened", "silent", "ticket-urgent")]
    title = words.title(alerts[0], NORTHGATE, rulebook().named("band-worsened"))
    return Material(
        person=Person("amelia.hart", "Amelia Hart"),
        kind=kind,
        since=AT - kind.covers,
        until=AT,
        accounts=accounts,
        reports=[Person("jonas.weber", "Jonas Weber", manager="amelia.hart")] if kind is DigestKind.WEEKLY else [],
        kept=[alert_of("nps-promoter")],
        opened=alerts[:2],
        resolved=[alert_of("invoice-overdue")],
        open=alerts,
        moves=[Move("northgate", "yellow", "red"), Move("lagoa", "yellow", "green")],
        next_steps=[NextStep("lagoa", date(2026, 11, 24))],
        touches=[Touch("northgate", AT, 45, Money(Decimal(180), "GBP")), Touch("lagoa", AT, 30)],
        agenda=[
            AgendaItem(title, account_id="northgate"),
            AgendaItem(
                words.label("titled", account=lagoa.label, rule=words.label("work_next_step")),
                is_task=True,
                account_id="lagoa",
            ),
        ],
    )
