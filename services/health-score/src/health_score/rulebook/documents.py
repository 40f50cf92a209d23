"""The three documents of rules: their shape with what each part means, from which their JSON Schemas are made."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag

from health_score.rulebook.parts import (
    AccountAttribute,
    ArrBounds,
    Days,
    MetricBounds,
    Name,
    Part,
    RecordAttribute,
    Words,
    hours_shape,
    shape_of,
)

Stage = Literal["onboarding", "growth", "nurture", "renewal", "will_churn", "churned"]
Fault = tuple[tuple[str | int, ...], str]

_StageCondition = Annotated[
    Annotated[AccountAttribute, Tag("<attribute>")] | Annotated[MetricBounds, Tag("<metric>")], Discriminator(shape_of)
]
_TierCondition = Annotated[
    Annotated[RecordAttribute, Tag("<attribute>")] | Annotated[ArrBounds, Tag("<arr>")], Discriminator(shape_of)
]
_WHEN: Any = Field(default=[], max_length=20, description="All have to hold; none: for every account")


class Targets(Part):
    """Days that an account is to stay in each stage at most; none: as long as it likes."""

    onboarding: Days | None = None
    growth: Days | None = None
    nurture: Days | None = None
    renewal: Days | None = None
    will_churn: Days | None = None
    churned: Days | None = None


class TransitionPart(Part):
    """Accounts in one of the stages `from` go `to` another when all of `when` holds. `from` null: in none yet."""

    name: Name
    from_: Annotated[list[Stage | None], Field(alias="from", min_length=1, max_length=7)]
    to: Stage
    when: list[_StageCondition] = _WHEN
    reason: Annotated[Words | None, Field(description="Why, for people")] = None


class StageRulesDocument(Part):
    """Stage rules: how long an account is to stay in each stage, and when it goes to another.

    Transitions are tried in order, each moves an account once a day at most. A stage that people state beats a move
    made before.
    """

    about: Words | None = None
    target_dwell_days: Targets = Targets()
    transitions: list[TransitionPart] = Field(default=[], max_length=100)


class TierRulePart(Part):
    """Accounts for which all of `when` holds are of this tier."""

    name: Name
    tier: Annotated[str, Field(min_length=1, max_length=200)]
    when: list[_TierCondition] = _WHEN
    reason: Annotated[Words | None, Field(description="Why, for people")] = None


class TierRulesDocument(Part):
    """Tier rules: an account without a stated tier has that of the first rule that fits; where none does, none."""

    about: Words | None = None
    rules: list[TierRulePart] = Field(default=[], max_length=100)


_Hours = Annotated[int, Field(ge=0, le=10_000)]


class HoursByPriority(Part):
    """Hours by the ticket's priority; without one a ticket counts as normal."""

    urgent: _Hours | None = None
    high: _Hours | None = None
    normal: _Hours | None = None
    low: _Hours | None = None


_Promised = Annotated[
    Annotated[HoursByPriority, Tag("<by priority>")] | Annotated[_Hours, Tag("<hours>")], Discriminator(hours_shape)
]


class BudgetPart(Part):
    """What may be spent on an account in a quarter."""

    amount: Annotated[str, Field(pattern=r"^\d{1,15}(\.\d{1,6})?$")]
    currency: Annotated[str, Field(pattern="^[A-Z]{3}$", description="ISO 4217")]
    per: Literal["quarter", "year"] = "quarter"


class PolicyPart(Part):
    """The service for accounts for which all of `when` holds."""

    name: Annotated[str, Field(min_length=1, max_length=200)]
    when: list[AccountAttribute] = _WHEN
    reason: Annotated[Words | None, Field(description="Why, for people")] = None
    touch_every_days: Annotated[int | None, Field(ge=1, le=3_660)] = None
    response_within_hours: _Promised | None = None
    resolution_within_hours: _Promised | None = None
    mode: Literal["onsite", "remote"] | None = None
    served_by: Literal["csm", "support_desk"] | None = None
    training: Words | None = None
    budget: BudgetPart | None = None


class ServicePoliciesDocument(Part):
    """Service policies: an account has the first one that fits, or the one stated for it by name."""

    about: Words | None = None
    policies: list[PolicyPart] = Field(default=[], max_length=100)


Document = StageRulesDocument | TierRulesDocument | ServicePoliciesDocument


def contradictions(document: Document) -> Iterator[Fault]:
    """What is wrong between the parts of a document whose parts are well: the path, and why."""
    match document:
        case StageRulesDocument():
            yield from _twice("transitions", document.transitions)
            for place, transition in enumerate(document.transitions):
                if transition.to in transition.from_:
                    yield ("transitions", place, "to"), f"{transition.to} is one of the stages it comes from"
                if len(set(transition.from_)) < len(transition.from_):
                    yield ("transitions", place, "from"), "a stage stands there twice"
        case TierRulesDocument():
            yield from _twice("rules", document.rules)
            yield from _never("rules", document.rules)
        case ServicePoliciesDocument():
            yield from _twice("policies", document.policies)
            yield from _never("policies", document.policies)


def _twice(where: str, parts: Iterable[TransitionPart | TierRulePart | PolicyPart]) -> Iterator[Fault]:
    seen: set[str] = set()
    for place, part in enumerate(parts):
        if part.name in seen:
            yield (where, place, "name"), f"{part.name} stands there twice"
        seen.add(part.name)


def _never(where: str, parts: Sequence[TierRulePart | PolicyPart]) -> Iterator[Fault]:
    """What stands behind one that is for every account."""
    for place, part in enumerate(parts[:-1]):
        if not part.when:
            yield (where, place, "when"), f"{part.name} is for every account, so nothing behind it is ever reached"


def schema_of(kind: str, document: type[Part]) -> dict[str, Any]:
    """The JSON Schema of a document. It cannot say everything that is checked: names of metrics, and what is twice."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:mainstay:schema:{kind}",
        **document.model_json_schema(by_alias=True),
    }
