"""The kinds of conditions that a rule can watch: what each looks at, its settings, and its words."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from alerts.domain.observations import ACTIVITY, BAND, MEASURES, SCORE, STAGE, TOUCHES


class Kind(StrEnum):
    """The conditions that a rule can watch."""

    BAND_WORSENED = "band-worsened"
    SCORE_DROP = "score-drop"
    METRIC_THRESHOLD = "metric-threshold"
    METRIC_DEVIATED = "metric-deviated"
    SILENT = "silent"
    TICKET_URGENT = "ticket-urgent"
    TICKET_AGEING = "ticket-ageing"
    RESPONSE_MISSED = "response-missed"
    NPS_DETRACTOR = "nps-detractor"
    NPS_PROMOTER = "nps-promoter"
    CHAMPION_LEFT = "champion-left"
    INVOICE_OVERDUE = "invoice-overdue"
    TOUCH_OVERDUE = "touch-overdue"
    STAGE_OVERDUE = "stage-overdue"
    MILESTONE_OVERDUE = "milestone-overdue"
    NEXT_STEP_OVERDUE = "next-step-overdue"
    FEEDBACK_UNTOLD = "feedback-untold"
    RENEWAL_WINDOW = "renewal-window"
    RENEWAL_MILESTONE = "renewal-milestone"
    RENEWAL_AT_RISK = "renewal-at-risk"
    NOTICE_DEADLINE = "notice-deadline"
    ENTITLEMENT_USED = "entitlement-used"
    MEASURE_STALE = "measure-stale"
    SOURCE_SILENT = "source-silent"
    CEL = "cel"


class Reaching(StrEnum):
    """When a value has reached a level."""

    AT_LEAST = "at least"
    AT_MOST = "at most"
    BELOW = "below"


class Setting(StrEnum):
    """What the value of a setting is."""

    DURATION = "a duration such as 30m, 6h or 7d"
    DAYS = "a whole number of days, 1 to 365"
    HOURS = "a whole number of hours, 1 to 8760"
    NAME = "a name"
    SIDE = "above, below or either"
    BOUND = "above or below"
    STATES = "a list of released, wont_do and not_within_three_months"
    CONDITION = "a condition in CEL"


@dataclass(frozen=True, slots=True)
class Spec:
    """One kind.

    `watches` are the subjects it looks at; those that end in a colon stand for all that begin so. `grades` are what it
    tells apart, the mildest first; without them a rule has `levels` by severity, in `unit`, that a value can be
    `reaching`. `settings` are what `when` may hold, with the value where it is left out (None: there is none).
    `quantity` is the word of the value in messages.
    """

    watches: tuple[str, ...]
    words: frozenset[str]
    grades: tuple[str, ...] = ()
    reaching: Reaching = Reaching.AT_LEAST
    unit: str = ""
    settings: Mapping[str, tuple[Setting, object]] = field(default_factory=dict)
    required: frozenset[str] = frozenset()

    @property
    def has_levels(self) -> bool:
        """Whether severity goes by the height of a value."""
        return not self.grades

    def looks_at(self, subject: str) -> bool:
        """Whether facts about the subject concern this kind."""
        return any(subject.startswith(one) if one.endswith(":") else subject == one for one in self.watches)


def _words(*names: str) -> frozenset[str]:
    return frozenset({"account", *names})


LASTS = "lasts"
CONDITIONS = ("info", "warning", "critical")

SPECS: Mapping[Kind, Spec] = {
    Kind.BAND_WORSENED: Spec((BAND,), _words("band", "previous", "score", "why", "since"), grades=("yellow", "red")),
    Kind.SCORE_DROP: Spec(
        (SCORE,),
        _words("points", "score", "before", "days"),
        unit="points of the score",
        settings={"days": (Setting.DAYS, 7)},
    ),
    Kind.METRIC_THRESHOLD: Spec(
        (SCORE, MEASURES),
        _words("metric", "value", "level"),
        unit="the metric's own",
        settings={"metric": (Setting.NAME, None), "is": (Setting.BOUND, "below")},
        required=frozenset({"metric"}),
    ),
    Kind.METRIC_DEVIATED: Spec(
        ("deviation:",),
        _words("metric", "day_on", "value", "expected", "spreads"),
        unit="usual spreads away from what is expected",
        settings={"metric": (Setting.NAME, None), "is": (Setting.SIDE, "below"), LASTS: (Setting.DURATION, "7d")},
    ),
    Kind.SILENT: Spec((ACTIVITY,), _words("last_activity_on", "habit_days"), grades=("silent",)),
    Kind.TICKET_URGENT: Spec(("ticket:",), _words("ticket", "priority", "opened_on"), grades=("high", "urgent")),
    Kind.TICKET_AGEING: Spec(("ticket:",), _words("ticket", "days", "opened_on"), unit="days open"),
    Kind.RESPONSE_MISSED: Spec(
        ("ticket:",),
        _words("ticket", "hours", "opened_on"),
        unit="hours beyond the promised response",
        settings={"hours": (Setting.HOURS, None)},
    ),
    Kind.NPS_DETRACTOR: Spec(
        ("survey:",),
        _words("score", "answered_on"),
        reaching=Reaching.AT_MOST,
        unit="NPS 0-10",
        settings={LASTS: (Setting.DURATION, "14d")},
    ),
    Kind.NPS_PROMOTER: Spec(
        ("survey:",), _words("score", "answered_on"), unit="NPS 0-10", settings={LASTS: (Setting.DURATION, "14d")}
    ),
    Kind.CHAMPION_LEFT: Spec(
        ("contact:",),
        _words("role", "left_on"),
        grades=("economic_buyer", "sponsor", "champion"),
        settings={LASTS: (Setting.DURATION, "90d")},
    ),
    Kind.INVOICE_OVERDUE: Spec(("invoice:",), _words("invoice", "days", "due_on"), unit="days overdue"),
    Kind.TOUCH_OVERDUE: Spec(
        (TOUCHES,),
        _words("last_on", "every_days", "days"),
        unit="days beyond the touch cadence",
        settings={"days": (Setting.DAYS, None)},
    ),
    Kind.STAGE_OVERDUE: Spec((STAGE,), _words("stage", "due_on", "days"), unit="days overdue"),
    Kind.MILESTONE_OVERDUE: Spec(("milestone:",), _words("milestone", "due_on", "days"), unit="days overdue"),
    Kind.NEXT_STEP_OVERDUE: Spec((TOUCHES,), _words("promised_on", "due_on", "days"), unit="days overdue"),
    Kind.FEEDBACK_UNTOLD: Spec(
        ("feedback:",),
        _words("feedback", "outcome", "since_on", "days"),
        unit="days since the outcome",
        settings={"states": (Setting.STATES, ("released", "wont_do"))},
    ),
    Kind.RENEWAL_WINDOW: Spec(
        ("term:",),
        _words("contract", "amount", "seats", "ends_before", "health", "late"),
        grades=("green", "unknown", "yellow", "red"),
    ),
    Kind.RENEWAL_MILESTONE: Spec(
        ("term:",),
        _words("contract", "amount", "ends_before", "days", "health", "late"),
        reaching=Reaching.AT_MOST,
        unit="days left of the term",
    ),
    Kind.RENEWAL_AT_RISK: Spec(
        ("term:",),
        _words("contract", "amount", "ends_before", "health"),
        grades=("unknown", "at_risk"),
    ),
    Kind.NOTICE_DEADLINE: Spec(
        ("contract:",),
        _words("contract", "notice_on", "ends_on", "days", "late"),
        reaching=Reaching.AT_MOST,
        unit="days left to give notice",
    ),
    Kind.ENTITLEMENT_USED: Spec(
        ("entitlement:",),
        _words("metric", "used", "bought", "percent"),
        unit="percent used",
        settings={"metric": (Setting.NAME, None)},
    ),
    Kind.MEASURE_STALE: Spec(
        ("measure:",),
        _words("measure", "last_seen_on", "fresh_for_days"),
        grades=("stale",),
        settings={LASTS: (Setting.DURATION, "14d")},
    ),
    Kind.SOURCE_SILENT: Spec(("source:",), _words("source", "last_seen_on"), grades=("silent",)),
    Kind.CEL: Spec(
        (),  # those of the variables that its conditions use
        _words("condition", "since_on"),
        settings=dict.fromkeys(CONDITIONS, (Setting.CONDITION, None)),
    ),
}

DATED = (
    Kind.INVOICE_OVERDUE,
    Kind.TOUCH_OVERDUE,
    Kind.STAGE_OVERDUE,
    Kind.MILESTONE_OVERDUE,
    Kind.NEXT_STEP_OVERDUE,
    Kind.NOTICE_DEADLINE,
)
"""The kinds whose days are those of the account's zone."""
