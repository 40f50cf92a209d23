"""Routing: an ordered tree that says who hears of an alert, how it may disturb them, and who is next if nobody reacts.

As Alertmanager's: an alert goes into the first branch that matches, and past it only where that says `go on`. A branch
whose own branches do not match takes the alert itself; what it does not say, the one above it says.
"""

from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum

from alerts.domain.accounts import Account
from alerts.domain.alerts import Alert
from alerts.domain.people import OWNER, Directory
from alerts.domain.words import Category, Severity


class To(StrEnum):
    """What a receiver names. `filters`: every channel whose own filter takes the alert."""

    ROLE = "role"
    MANAGER_OF = "manager_of"
    PERSON = "person"
    TEAM = "team"
    CHANNEL = "channel"
    FILTERS = "filters"


@dataclass(frozen=True, slots=True)
class Receiver:
    """Who hears: a role of the account's team, the manager of whoever has it, a person, a team, or a channel."""

    to: To
    id: str = ""

    def __str__(self) -> str:
        return f"{self.to} {self.id}".strip()


class QuietHours(StrEnum):
    """What working hours mean to a message: it waits for them, waits unless it is critical, or does not wait."""

    HOLD = "hold"
    CRITICAL_THROUGH = "critical-through"
    IGNORE = "ignore"

    def holds(self, severity: Severity) -> bool:
        """Whether a message of a severity waits for working hours."""
        return self is QuietHours.HOLD or (self is QuietHours.CRITICAL_THROUGH and severity is not Severity.CRITICAL)


@dataclass(frozen=True, slots=True)
class Match:
    """What a branch, a silence or an inhibition is about; empty: all. Of each that is set one has to fit."""

    categories: frozenset[Category] = frozenset()
    severities: frozenset[Severity] = frozenset()
    rules: frozenset[str] = frozenset()
    accounts: frozenset[str] = frozenset()
    owners: frozenset[str] = frozenset()
    tiers: frozenset[str] = frozenset()
    segments: frozenset[str] = frozenset()
    stages: frozenset[str] = frozenset()

    def fits(self, about: "About") -> bool:
        """Whether an alert is meant."""
        account = about.account
        return (
            (not self.categories or about.category in self.categories)
            and (not self.severities or about.severity in self.severities)
            and (not self.rules or about.rule in self.rules)
            and (not self.accounts or account.id in self.accounts)
            and (not self.owners or account.owner in self.owners)
            and (not self.tiers or account.tier in self.tiers)
            and (not self.segments or account.segment in self.segments)
            and (not self.stages or account.stage in self.stages)
        )

    @property
    def is_everything(self) -> bool:
        """Whether nothing is set."""
        return self == Match()


@dataclass(frozen=True, slots=True)
class About:
    """What is routed: an alert, or one that might come."""

    rule: str
    category: Category
    severity: Severity
    account: Account

    @classmethod
    def of(cls, alert: Alert, account: Account) -> "About":
        """An alert and its account."""
        return cls(alert.rule, alert.category, alert.severity, account)


@dataclass(frozen=True, slots=True)
class EscalationStep:
    """Who hears when nobody has acknowledged so many minutes after the step before, or after the opening was told."""

    after_minutes: int
    to: tuple[Receiver, ...]


@dataclass(frozen=True, slots=True)
class Branch:
    """A branch of the tree. What is None is as in the branch above."""

    name: str
    match: Match = Match()
    to: tuple[Receiver, ...] | None = None
    go_on: bool = False
    group_minutes: int | None = None
    quiet_hours: QuietHours | None = None
    escalation: tuple[EscalationStep, ...] | None = None
    branches: tuple["Branch", ...] = ()


@dataclass(frozen=True, slots=True)
class Routed:
    """Where an alert goes, by the branches of `path`. What comes together within `group_minutes` is one message."""

    path: tuple[str, ...]
    to: tuple[Receiver, ...]
    group_minutes: int = 0
    quiet_hours: QuietHours = QuietHours.HOLD
    escalation: tuple[EscalationStep, ...] = ()


@dataclass(frozen=True, slots=True)
class Inhibition:
    """Nobody is told of alerts that are meant, as long as their account is so. `name` says why."""

    name: str
    match: Match


LEAVING = Inhibition(
    "the account is leaving",
    Match(categories=frozenset({Category.RISK}), stages=frozenset({"will_churn", "churned"})),
)
"""Whoever is known to leave, or has left, needs no warning that they might."""

EVERYTHING = Branch("everything", to=(Receiver(To.ROLE, OWNER), Receiver(To.FILTERS)))


@dataclass(frozen=True, slots=True)
class Routing:
    """The tree, and what mutes. `is_saved`: somebody wrote it, so that whoever it names has to be found."""

    root: Branch = EVERYTHING
    inhibitions: tuple[Inhibition, ...] = (LEAVING,)
    is_saved: bool = field(default=False, compare=False)

    def of(self, about: About) -> Sequence[Routed]:
        """Where an alert goes, in the order of the tree; the root takes what no branch takes."""
        start = Routed((), ())
        return list(_taken(replace(self.root, match=Match()), about, start))

    def inhibits(self, about: About) -> Inhibition | None:
        """What mutes an alert as its account is now."""
        return next((each for each in self.inhibitions if each.match.fits(about)), None)


@dataclass(frozen=True, slots=True)
class RoutingFault:
    """What is wrong with a tree: where, and what."""

    pointer: str
    detail: str


def faults_of(routing: Routing, directory: Directory, channels: frozenset[str]) -> Sequence[RoutingFault]:
    """Receivers that do not exist, branches nobody reaches, and a root that sends to nobody."""
    faults = list(_faults(routing.root, "/root", directory, channels))
    if not routing.root.to:
        faults.append(RoutingFault("/root/to", "the root takes what no branch takes, so it has to send it somewhere"))
    if not routing.root.match.is_everything:
        faults.append(RoutingFault("/root/match", "the root takes everything"))
    for number, inhibition in enumerate(routing.inhibitions):
        if inhibition.match.is_everything:
            faults.append(RoutingFault(f"/inhibitions/{number}/match", "this would mute everything"))
    return faults


def receivers_of(branch: Branch) -> Iterator[Receiver]:
    """Everybody whom a branch, its escalation and its own branches name."""
    yield from branch.to or ()
    for step in branch.escalation or ():
        yield from step.to
    for below in branch.branches:
        yield from receivers_of(below)


def _taken(branch: Branch, about: About, above: Routed) -> Iterator[Routed]:
    here = Routed(
        (*above.path, branch.name),
        above.to if branch.to is None else branch.to,
        above.group_minutes if branch.group_minutes is None else branch.group_minutes,
        above.quiet_hours if branch.quiet_hours is None else branch.quiet_hours,
        above.escalation if branch.escalation is None else branch.escalation,
    )
    taken = False
    for each in branch.branches:
        if each.match.fits(about):
            taken = True
            yield from _taken(each, about, here)
            if not each.go_on:
                break
    if not taken:
        yield here


def _faults(branch: Branch, at: str, directory: Directory, channels: frozenset[str]) -> Iterator[RoutingFault]:
    for number, receiver in enumerate(branch.to or ()):
        yield from _unknown(receiver, f"{at}/to/{number}", directory, channels)
    for number, step in enumerate(branch.escalation or ()):
        for each, receiver in enumerate(step.to):
            yield from _unknown(receiver, f"{at}/escalation/{number}/to/{each}", directory, channels)
    everything: str | None = None
    for number, below in enumerate(branch.branches):
        where = f"{at}/routes/{number}"
        if everything is not None:
            yield RoutingFault(where, f"nothing gets here: {everything!r} before it takes everything")
        elif below.match.is_everything and not below.go_on:
            everything = below.name
        yield from _faults(below, where, directory, channels)


def _unknown(receiver: Receiver, at: str, directory: Directory, channels: frozenset[str]) -> Iterator[RoutingFault]:
    known: dict[To, tuple[Container[str], str]] = {
        To.PERSON: (directory.people, f"PUT /v1/people/{receiver.id} first"),
        To.TEAM: (directory.teams, f"PUT /v1/teams/{receiver.id} first"),
        To.CHANNEL: (channels, "GET /v1/channels shows those that there are"),
    }
    if receiver.to in known:
        there, hint = known[receiver.to]
        if receiver.id not in there:
            yield RoutingFault(f"{at}/{receiver.to}", f"there is no {receiver.to} {receiver.id!r}; {hint}")
