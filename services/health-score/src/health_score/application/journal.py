"""The journal's entries: what a decision's body holds, by its kind, and the decision that it means."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

import msgspec

from health_score.application.document_ports import StoredDecision
from health_score.domain.conditions import Condition
from health_score.domain.decisions import Decision, Decisions, Override, OverrideLifted, Sentiment, SentimentGiven
from health_score.domain.selection import Activation

ACTIVATED: Final = "scorecard.activated"
SENTIMENT_GIVEN: Final = "sentiment.given"
OVERRIDDEN: Final = "score.overridden"
OVERRIDE_LIFTED: Final = "score.override_lifted"


class ConditionEntry(msgspec.Struct, frozen=True, omit_defaults=True):
    """A condition on an attribute."""

    attribute: str
    values: tuple[str, ...]
    negated: bool = False


class ActivationEntry(msgspec.Struct, frozen=True):
    """A scorecard's version put in force, or (`version` null) taken out of it."""

    id: str
    version: int | None
    when: tuple[ConditionEntry, ...] = ()
    priority: int = 0


class SentimentEntry(msgspec.Struct, frozen=True):
    """A sentiment given; null: withdrawn."""

    sentiment: Sentiment | None
    note: str | None = None


class OverrideEntry(msgspec.Struct, frozen=True):
    """A score set by hand; `measure` null: the account's."""

    measure: str | None
    score: int
    reason: str
    expires_at: datetime


class LiftEntry(msgspec.Struct, frozen=True):
    """A score set by hand was taken back."""

    measure: str | None


_activation = msgspec.json.Decoder(ActivationEntry)
_sentiment = msgspec.json.Decoder(SentimentEntry)
_override = msgspec.json.Decoder(OverrideEntry)
_lift = msgspec.json.Decoder(LiftEntry)


def activation_entry(activation: Activation) -> ActivationEntry:
    """An activation as the journal has it."""
    return ActivationEntry(
        activation.card_id,
        activation.version,
        tuple(ConditionEntry(each.attribute, each.values, each.negated) for each in activation.when),
        activation.priority,
    )


def activations_of(stored: Sequence[StoredDecision]) -> tuple[Activation, ...]:
    """The activations in the journal, oldest first."""
    found = []
    for decision in stored:
        entry = _activation.decode(decision.body)
        when = tuple(Condition(each.attribute, each.values, each.negated) for each in entry.when)
        found.append(
            Activation(decision.at, decision.by, entry.id, entry.version, when, entry.priority, decision.number)
        )
    return tuple(found)


def decisions_of(stored: Sequence[StoredDecision], zone: ZoneInfo) -> Decisions:
    """The decisions about one account, oldest first; other kinds than those that scores look at are left out."""
    steps: list[Decision] = []
    for each in stored:
        match each.kind:
            case "sentiment.given":
                given = _sentiment.decode(each.body)
                steps.append(SentimentGiven(each.at, each.by, given.sentiment, given.note))
            case "score.overridden":
                over = _override.decode(each.body)
                steps.append(Override(each.at, each.by, over.measure, over.score, over.reason, over.expires_at))
            case "score.override_lifted":
                steps.append(OverrideLifted(each.at, each.by, _lift.decode(each.body).measure))
    return Decisions(tuple(steps), zone)
