"""What the API answers about a change of health: measure by measure, with what lies behind each."""

from dataclasses import dataclass
from datetime import date, datetime

from health_score.application.health_views import SelectedCardView


@dataclass(frozen=True, slots=True)
class PhraseView:
    """Something said, by the key of a message and its parameters. Shares are 0–1, days `YYYY-MM-DD`."""

    key: str
    params: dict[str, str | int | float]


@dataclass(frozen=True, slots=True)
class StateView:
    """An account's health at the close of a day, or (`at`) in its course."""

    as_of: date
    at: datetime
    score: int | None
    band: str
    coverage: float
    scorecard: SelectedCardView


@dataclass(frozen=True, slots=True)
class MeasureStateView:
    """A measure's part in a score; as in the account's health."""

    metric: str
    value: int | float | None
    score: float | None
    weight: float
    effective_weight: float
    contribution: int
    status: str
    as_of: date | None


@dataclass(frozen=True, slots=True)
class FactView:
    """A fact: its event's id, what it is about, when it held, and a line for people."""

    id: str
    kind: str
    thing_id: str
    title: str
    at: datetime


@dataclass(frozen=True, slots=True)
class FactsView:
    """The newest facts that a measure reads and that were stated since; `more` others are older."""

    data: tuple[FactView, ...]
    more: int


@dataclass(frozen=True, slots=True)
class UseDayView:
    """A day of use: its events, and the users active on it."""

    day: date
    events: int
    users: int


@dataclass(frozen=True, slots=True)
class UseView:
    """Days with use that came into the measure's window, and that left it, each with how many more there are.

    `events` are that came in; `event_ids` are a few of them, the latest first.
    """

    entered: tuple[UseDayView, ...]
    entered_more: int
    left: tuple[UseDayView, ...]
    left_more: int
    events: int
    event_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class DecisionView:
    """What somebody decided: `sentiment.given`, `score.overridden`, `score.override_lifted`, `score.override_ended`.

    `scorecard.activated` is about the whole portfolio. `told` is the score, the sentiment, or the reason in words.
    """

    kind: str
    at: datetime
    by: str
    score: int | None
    told: str | None


@dataclass(frozen=True, slots=True)
class MeasureDifferenceView:
    """A measure before and after (null: that scorecard has none of the name), and the points between.

    `moved_by` is `events`, `decision`, `scorecard`, `weights` (it is as it was; others came or went) or `time` (nothing
    new: its windows slid, or its data grew older); null where it did not move. `text` is `phrase` in the reader's
    language.
    """

    measure: str
    group: str
    unit: str | None
    difference: int
    moved_by: str | None
    before: MeasureStateView | None
    after: MeasureStateView | None
    phrase: PhraseView | None
    text: str | None
    facts: FactsView
    use: UseView | None
    decisions: tuple[DecisionView, ...]


@dataclass(frozen=True, slots=True)
class CardChangeView:
    """Another scorecard, or version: what was activated since, and what was stated of the account since."""

    decisions: tuple[DecisionView, ...]
    facts: FactsView


@dataclass(frozen=True, slots=True)
class ExplanationView:
    """What changed, measure by measure, those first that gave most to the difference.

    `difference` is the score less the one before (no score counts 0); those of `measures` add up to it exactly.
    `sentence` is what `message` and `because` say, in `language`.
    """

    account_id: str
    language: str
    sentence: str
    message: PhraseView
    because: tuple[PhraseView, ...]
    before: StateView
    after: StateView
    difference: int
    scorecard_change: CardChangeView | None
    measures: tuple[MeasureDifferenceView, ...]
