"""Daily and weekly digests: what changed, what is due, what is open, for a CSM and for whoever manages them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum

from alerts.domain.accounts import Account
from alerts.domain.alerts import Alert
from alerts.domain.calendars import PublicHolidays, is_workday, next_time
from alerts.domain.effort import OTHER_CURRENCY, WITHOUT_ARR, Effort, Touch, classes, of_little_value, split
from alerts.domain.people import Person
from alerts.domain.rules import Rulebook
from alerts.domain.vocabulary import Vocabulary
from alerts.domain.words import Severity
from mainstay.kernel.money import Money

MOST_LINES = 10
"""Of a section; how many more there are is said."""
RENEWALS_WITHIN = timedelta(days=30)


class DigestKind(StrEnum):
    """Which digest."""

    DAILY = "daily"
    WEEKLY = "weekly"

    @property
    def covers(self) -> timedelta:
        """How far back the first one looks."""
        return timedelta(days=1) if self is DigestKind.DAILY else timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Move:
    """An account went from one health band to another."""

    account_id: str
    previous: str | None
    band: str


@dataclass(frozen=True, slots=True)
class NextStep:
    """A next step that was promised at the last touch."""

    account_id: str
    due_on: date


@dataclass(frozen=True, slots=True)
class AgendaItem:
    """A line of the day's work, in words: of the worklist, or a task that is due; and the account it is about."""

    text: str
    is_task: bool = False
    account_id: str | None = None


@dataclass(frozen=True, slots=True)
class Material:
    """What a digest is made of: accounts that are the reader's, or of those they manage, and what went on there.

    `kept` are openings that were over the day's budget; `opened` and `resolved` since the digest before; `open` all.
    """

    person: Person
    kind: DigestKind
    since: datetime
    until: datetime
    accounts: Mapping[str, Account]
    reports: Sequence[Person] = ()
    kept: Sequence[Alert] = ()
    opened: Sequence[Alert] = ()
    resolved: Sequence[Alert] = ()
    open: Sequence[Alert] = ()
    moves: Sequence[Move] = ()
    next_steps: Sequence[NextStep] = ()
    touches: Sequence[Touch] = ()
    agenda: Sequence[AgendaItem] = ()

    @property
    def told_of(self) -> frozenset[str]:
        """The accounts that it may name: as long as it is kept, it is among what is held about them."""
        return frozenset(
            [
                *(alert.account_id for alert in (*self.kept, *self.opened, *self.resolved, *self.open)),
                *(move.account_id for move in self.moves),
                *(step.account_id for step in self.steps_due),
                *(item.account_id for item in self.agenda if item.account_id is not None),
                *(account.id for account in self.renewals),
            ]
        )

    @property
    def today(self) -> date:
        """The reader's day."""
        return self.person.day_of(self.until)

    @property
    def renewals(self) -> Sequence[Account]:
        """Accounts with a term that ends soon, the soonest first."""
        last = self.today + RENEWALS_WITHIN
        soon = [
            account
            for account in self.accounts.values()
            if account.next_renewal_on is not None and self.today <= account.next_renewal_on <= last
        ]
        return sorted(soon, key=lambda account: (account.next_renewal_on or date.max, account.id))

    @property
    def steps_due(self) -> Sequence[NextStep]:
        """Next steps promised until the end of the day, or of the coming week."""
        ahead = timedelta(days=0 if self.kind is DigestKind.DAILY else 6)
        due = [step for step in self.next_steps if step.due_on <= self.today + ahead]
        return sorted(due, key=lambda step: (step.due_on, step.account_id))


@dataclass(frozen=True, slots=True)
class DigestText:
    """A digest in words: a heading and lines for each of its sections."""

    title: str
    text: str
    sections: Sequence[tuple[str, Sequence[str]]]


def next_digest(person: Person, kind: DigestKind, after: datetime, holidays: PublicHolidays) -> datetime | None:
    """When the next digest of a kind is due: on workdays; a weekly one on its day, or the first workday behind it."""
    times = person.digests
    if not person.can_be_told:
        return None
    if kind is DigestKind.DAILY:
        minute = times.daily_at
        return minute if minute is None else next_time(person, minute, after, lambda day: _works(person, day, holidays))
    minute = times.weekly_at

    def is_meant(day: date) -> bool:
        since = day - timedelta(days=(day.isoweekday() - times.weekly_on) % 7)
        between = [since + timedelta(days=number) for number in range((day - since).days)]
        return _works(person, day, holidays) and not any(_works(person, each, holidays) for each in between)

    return minute if minute is None else next_time(person, minute, after, is_meant)


def composed(material: Material, rulebook: Rulebook, words: Vocabulary) -> DigestText | None:
    """The digest in words; None for a daily one that has nothing to say, and for somebody who has no accounts."""
    if not (material.accounts or material.kept or material.agenda):
        return None
    sections = [
        *_kept(material, rulebook, words),
        *_agenda(material, words),
        *_due(material, words),
        *_changed(material, rulebook, words),
        *_open(material, rulebook, words),
        *_team(material, words),
    ]
    if material.kind is DigestKind.WEEKLY:
        sections += _effort(material, words)
    elif not sections:
        return None
    due = len(material.steps_due) + sum(item.is_task for item in material.agenda)
    critical = sum(alert.severity is Severity.CRITICAL for alert in material.open)
    title = words.label(f"{material.kind}_title", open=len(material.open), critical=critical, due=due)
    text = words.label("digest_about", accounts=len(material.accounts), since=words.day(material.since.date()))
    return DigestText(title, text, sections)


def _works(person: Person, day: date, holidays: PublicHolidays) -> bool:
    return is_workday(person, day, holidays)


Section = tuple[str, Sequence[str]]


def _kept(material: Material, rulebook: Rulebook, words: Vocabulary) -> Iterator[Section]:
    if material.kept:
        yield (
            words.label("digest_kept"),
            [_alert(alert, material, rulebook, words) for alert in worst_first(material.kept)],
        )


def _agenda(material: Material, words: Vocabulary) -> Iterator[Section]:
    yield from _section(words, "digest_worklist", [item.text for item in material.agenda if not item.is_task])
    yield from _section(words, "digest_tasks", [item.text for item in material.agenda if item.is_task])


def _due(material: Material, words: Vocabulary) -> Iterator[Section]:
    steps = [
        words.label("digest_dated", day=words.day(step.due_on), what=_name(material, step.account_id))
        for step in material.steps_due
    ]
    yield from _section(words, "digest_steps", steps)
    renewals = [
        words.label("digest_renewal", account=account.label, worth=words.worth(account.arr, account.next_renewal_on))
        for account in material.renewals
    ]
    yield from _section(words, "digest_renewals", renewals)


def _changed(material: Material, rulebook: Rulebook, words: Vocabulary) -> Iterator[Section]:
    kept = {alert.id for alert in material.kept}
    opened = [alert for alert in worst_first(material.opened) if alert.id not in kept]
    yield from _section(words, "digest_opened", [_alert(alert, material, rulebook, words) for alert in opened])
    resolved = [_alert(alert, material, rulebook, words) for alert in worst_first(material.resolved)]
    yield from _section(words, "digest_resolved", resolved)
    moves = [
        words.label(
            "digest_move",
            account=_name(material, move.account_id),
            previous=words.bands.get(move.previous or "unknown", move.previous or ""),
            band=words.bands.get(move.band, move.band),
        )
        for move in material.moves
    ]
    yield from _section(words, "digest_moves", moves)


def _open(material: Material, rulebook: Rulebook, words: Vocabulary) -> Iterator[Section]:
    said = {alert.id for alert in (*material.kept, *material.opened)}
    longer = [alert for alert in worst_first(material.open, material.accounts) if alert.id not in said]
    yield from _section(words, "digest_open", [_alert(alert, material, rulebook, words) for alert in longer])


def _team(material: Material, words: Vocabulary) -> Iterator[Section]:
    lines = []
    minutes = split(material.touches, lambda account_id: material.accounts[account_id].owner or "")
    for report in material.reports:
        theirs = {account.id for account in material.accounts.values() if account.owner == report.id}
        alerts = [alert for alert in material.open if alert.account_id in theirs]
        lines.append(
            words.label(
                "digest_report",
                who=report.name,
                accounts=len(theirs),
                open=len(alerts),
                critical=sum(alert.severity is Severity.CRITICAL for alert in alerts),
                unacknowledged=sum(alert.acknowledged_at is None for alert in alerts),
                minutes=minutes.get(report.id, Effort()).minutes,
            )
        )
    if lines:
        yield words.label("digest_team"), lines


def _effort(material: Material, words: Vocabulary) -> Iterator[Section]:
    if not material.touches:
        yield words.label("digest_by_tier"), [words.label("digest_no_touches")]
        return
    accounts = material.accounts
    by_tier = split(material.touches, lambda account_id: accounts[account_id].tier or words.label("none"))
    yield words.label("digest_by_tier"), [_spent(name, effort, words) for name, effort in by_tier.items()]
    class_of = classes(accounts.values())
    named = {WITHOUT_ARR: words.label("digest_without_arr"), OTHER_CURRENCY: words.label("digest_other_currency")}
    by_class = split(material.touches, lambda account_id: class_of[account_id])
    lines = [
        _spent(named.get(name) or words.label("digest_class", which=name), effort, words)
        for name, effort in by_class.items()
    ]
    little, every = of_little_value(material.touches, class_of)
    if every:
        lines.append(words.label("digest_little", minutes=little, every=every, share=round(100 * little / every)))
    yield words.label("digest_by_arr"), lines


def _spent(name: str, effort: Effort, words: Vocabulary) -> str:
    spend = " + ".join(f"{amount:,.2f} {currency}" for currency, amount in sorted(effort.spend.items()))
    line = words.label("digest_effort", of=name, touches=effort.touches, minutes=effort.minutes)
    return words.label("between").join((line, spend)) if spend else line


def worst_first(alerts: Sequence[Alert], accounts: Mapping[str, Account] | None = None) -> Sequence[Alert]:
    """The most severe first; of those, where `accounts` are given, what is worth most; then the oldest."""

    def worth(alert: Alert) -> Money | int:
        arr = accounts[alert.account_id].arr if accounts and alert.account_id in accounts else ()
        return -int(max((money.amount for money in arr), default=0))

    return sorted(alerts, key=lambda alert: (-alert.severity.rank, worth(alert), alert.opened_at, alert.id))


def _alert(alert: Alert, material: Material, rulebook: Rulebook, words: Vocabulary) -> str:
    account = material.accounts.get(alert.account_id) or Account(alert.account_id)
    title = words.title(alert, account, rulebook.named(alert.rule))
    return words.label("digest_alert", severity=words.severities[alert.severity], title=title)


def _name(material: Material, account_id: str) -> str:
    return material.accounts[account_id].label if account_id in material.accounts else account_id


def _section(words: Vocabulary, heading: str, lines: Sequence[str]) -> Iterator[Section]:
    if not lines:
        return
    shown = list(lines[:MOST_LINES])
    if len(lines) > MOST_LINES:
        shown.append(words.label("digest_rest", count=len(lines) - MOST_LINES))
    yield words.label(heading), shown
