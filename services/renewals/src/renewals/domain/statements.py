"""What another system says of a contract: fields by name, each with the moment of which it holds.

Values are as JSON has them, so that they can be kept and shown as they were said: days `YYYY-MM-DD`, amounts as decimal
text. Statements about one contract resolve by (occurred at, event id), field by field: their order does not matter.
"""

from bisect import insort
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, Final, TypeAlias

Value: TypeAlias = str | int | None

DRAFT: Final = "draft"
SIGNED: Final = "signed"
CANCELLED: Final = "cancelled"
ENDED: Final = "ended"

MOST_STATES: Final = 50
"""How many changes of its state a contract keeps; the oldest go first."""

HEADER: Final = (
    "account_id",
    "kind",
    "currency",
    "zone",
    "term_months",
    "at_end",
    "grace_days",
    "window_days",
    "notice_amount",
    "notice_unit",
    "notice_counted_from",
    "notice_roll",
    "notice_holidays",
    "next_amount",
    "renews",
    "co_terms_with",
    "cancelled_on",
)
"""The fields of a contract besides its terms, in the order in which differences are looked at.

`renews` and `co_terms_with` name other contracts, by the source's id or by the one here.
"""

NAMES: Final = ("renews", "co_terms_with")
"""Those of the fields that name another contract."""

BY_TERM: Final = ("entitlements", "price_schedule")
"""What is said of a term by itself: terms that are stated without it say nothing of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """What a source says of one contract at one moment.

    `fields` has what was said of `HEADER`, and `state`; a field that is absent was not said, and None withdraws.
    `terms` are all that the source has, in order, each with start, end (the last day) or months, amount, and seats,
    `entitlements` and `price_schedule` (start and amount of each step) where they were said; None: not said.
    """

    source: str
    external_id: str
    occurred_at: datetime
    event_id: str
    fields: Mapping[str, Value]
    terms: Sequence[Mapping[str, Any]] | None = None

    @property
    def key(self) -> tuple[str, str]:
        """Which contract, of which source."""
        return self.source, self.external_id

    @property
    def account_id(self) -> str:
        """Whose contract the source says it is."""
        return str(self.fields["account_id"])

    @property
    def place(self) -> tuple[str, str]:
        """Where it stands among statements about the contract."""
        return f"{self.occurred_at.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%f}", self.event_id


Said: TypeAlias = Mapping[str, Any]
"""Everything that a source said of a contract: by field `[occurred at, event id, value]`, and `states` in order."""


def merged(said: Said, statement: Statement) -> Said:
    """With a statement taken in; the same where it is older, in every field, than what was said already."""
    place = list(statement.place)
    found = dict(said)
    stated: dict[str, Any] = dict(statement.fields)
    state = stated.pop("state", None)
    if statement.terms is not None:
        stated["terms"] = [{name: term[name] for name in term if name not in BY_TERM} for term in statement.terms]
        for term in statement.terms:
            stated |= {_of_term(name, term): term[name] for name in BY_TERM if name in term}
    for field, value in stated.items():
        if field not in found or found[field][:2] < place:
            found[field] = [*place, value]
    if "state" in statement.fields:
        states = [list(each) for each in said.get("states", ())]
        if [*place, state] not in states:
            insort(states, [*place, state], key=lambda each: each[:2])
        found["states"] = states[-MOST_STATES:]
    return found


@dataclass(frozen=True, slots=True)
class StatedContract:
    """Everything that a source says of a contract now.

    `state` is None where it said none; `since` is the instant (UTC) from which on it says so without a break.
    """

    fields: Mapping[str, Value]
    terms: Sequence[Mapping[str, Any]]
    state: str | None
    since: datetime | None

    @property
    def is_draft(self) -> bool:
        """Whether nobody signed it yet."""
        return self.state == DRAFT


def read(said: Said) -> StatedContract:
    """What was said, as it holds now."""
    fields = {name: said[name][2] for name in HEADER if name in said}
    terms = list(_terms(said))
    state, since = None, None
    for at, _, each in said.get("states", ()):
        if each != state or since is None:
            since = datetime.fromisoformat(at).replace(tzinfo=UTC)
        state = each
    return StatedContract(fields, terms, state, since)


def _terms(said: Said) -> Iterator[Mapping[str, Any]]:
    """The terms with what was said of each; without a word on what one entitles to, it is what the one before did."""
    if "terms" not in said:
        return
    *place, terms = said["terms"]
    entitled: dict[str, Any] = {}
    for term in terms:
        own = {name: said[_of_term(name, term)] for name in BY_TERM if _of_term(name, term) in said}
        entitled = {"entitlements": own["entitlements"][2]} if "entitlements" in own else entitled
        found = {**term, **entitled}
        if "price_schedule" in own:
            *since, steps = own["price_schedule"]
            is_priced = since >= place or sum(Decimal(step["amount"]) for step in steps) == Decimal(term["amount"])
            found["price_schedule"] = steps if is_priced else []  # another amount since then is for the whole term
        yield found


def _of_term(name: str, term: Mapping[str, Any]) -> str:
    """Under which name something is kept that is said of a term by itself, which its first day tells from others."""
    return f"{name} {term['start']}"


def day(value: Value) -> date:
    """A day as it was said."""
    return date.fromisoformat(str(value))
