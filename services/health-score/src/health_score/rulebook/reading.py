"""Reading a document of rules: JSON's types in, the rules out, or everything that is wrong with its place."""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from functools import cache
from importlib.resources import files
from typing import Any, Final, NamedTuple

from pydantic import ValidationError

from health_score.domain.metrics.catalogue import BUILT_IN, Catalogue
from health_score.domain.rules import DEFAULT_VERSION
from health_score.domain.stages import DAYS_IN_STAGE, StageRules, Transition
from health_score.domain.tiers import PROMISES, Policy, ServicePolicies, TierRule, TierRules
from health_score.rulebook.documents import (
    Document,
    PolicyPart,
    ServicePoliciesDocument,
    StageRulesDocument,
    TierRulesDocument,
    contradictions,
    schema_of,
)
from health_score.rulebook.parts import TAG, MetricBounds
from health_score.scorecards.plain_yaml import read_yaml
from mainstay.web.problems import pointer

MOST_FAULTS: Final = 100


class Kind(StrEnum):
    """The documents of rules. There is one of each."""

    STAGES = "stage-rules"
    TIERS = "tier-rules"
    POLICIES = "service-policies"


Rules = StageRules | TierRules | ServicePolicies

DOCUMENTS: Final[Mapping[Kind, type[StageRulesDocument | TierRulesDocument | ServicePoliciesDocument]]] = {
    Kind.STAGES: StageRulesDocument,
    Kind.TIERS: TierRulesDocument,
    Kind.POLICIES: ServicePoliciesDocument,
}
SCHEMAS: Final[Mapping[Kind, dict[str, Any]]] = {kind: schema_of(kind, of) for kind, of in DOCUMENTS.items()}


class Fault(NamedTuple):
    """One thing wrong with a document: a JSON pointer to the place, and what."""

    pointer: str
    detail: str


class RulesInvalid(ValueError):
    """A document that cannot be used, with everything that is wrong with it."""

    def __init__(self, kind: Kind, faults: tuple[Fault, ...]) -> None:
        super().__init__(f"{kind}: " + "; ".join(f"{fault.pointer or '/'}: {fault.detail}" for fault in faults))
        self.faults = faults


def check_rules(kind: Kind, body: Any, *, catalogue: Catalogue = BUILT_IN) -> Document:
    """The document, where it can be used. Raises `RulesInvalid`."""
    try:
        document: Document = DOCUMENTS[kind].model_validate(body, context={"catalogue": catalogue})
    except ValidationError as error:
        found = error.errors(include_url=False, include_context=False, include_input=False)
        faults = [Fault(_place(each["loc"]), each["msg"][:300]) for each in found[:MOST_FAULTS]]
        raise RulesInvalid(kind, tuple(faults)) from error
    wrong = [Fault(pointer(path), detail) for path, detail in contradictions(document)]
    if wrong:
        raise RulesInvalid(kind, tuple(wrong[:MOST_FAULTS]))
    return document


def read_rules(kind: Kind, body: Any, *, catalogue: Catalogue = BUILT_IN, version: int = DEFAULT_VERSION) -> Rules:
    """The rules that a document describes. Raises `RulesInvalid`."""
    document = check_rules(kind, body, catalogue=catalogue)
    match document:
        case StageRulesDocument():
            return _stages(document, catalogue, version)
        case TierRulesDocument():
            rules = tuple(
                TierRule(part.name, part.tier, tuple(each.test() for each in part.when), part.reason)
                for part in document.rules
            )
            return TierRules(rules, version)
        case ServicePoliciesDocument():
            return ServicePolicies(tuple(map(_policy, document.policies)), version)


@cache
def shipped_body(kind: Kind) -> dict[str, Any]:
    """The document that comes with Mainstay."""
    text = (files("health_score.rulebook") / f"{kind}.yaml").read_text(encoding="utf-8")
    body: dict[str, Any] = read_yaml(text)
    return body


def _place(path: Sequence[str | int]) -> str:
    """The place as the writer sees it: without the tags that say which of several shapes a part has."""
    return pointer(tuple(step for step in path if not str(step).startswith(TAG)))


def _stages(document: StageRulesDocument, catalogue: Catalogue, version: int) -> StageRules:
    names = {
        condition.metric
        for transition in document.transitions
        for condition in transition.when
        if isinstance(condition, MetricBounds) and condition.metric != DAYS_IN_STAGE
    }
    stated = document.target_dwell_days.model_dump()
    return StageRules(
        {stage: days for stage, days in stated.items() if days is not None},
        tuple(
            Transition(part.name, tuple(part.from_), part.to, tuple(each.test() for each in part.when), part.reason)
            for part in document.transitions
        ),
        {name: catalogue.get(name) for name in sorted(names)},
        version,
    )


def _policy(part: PolicyPart) -> Policy:
    stated = part.model_dump(include=set(PROMISES), exclude_none=True)
    return Policy(part.name, tuple(each.test() for each in part.when), stated, part.reason)
