"""The part of a pack that only we see."""

from collections.abc import Iterable, Sequence
from decimal import Decimal

from health_score.application.explain_views import ExplanationView
from health_score.application.portfolio import money
from health_score.application.report_parts import Facts, reached, requests_of, touches_in
from health_score.application.report_views import (
    MOST,
    EffortReportView,
    HealthReportView,
    InternalGoalView,
    InternalPart,
    InternalRequestView,
    InternalStepView,
    MeasureReportView,
    NoteView,
)
from health_score.application.states import Compared
from health_score.domain.comparing import State
from health_score.domain.decisions import SentimentGiven
from health_score.domain.metrics.success import state_of
from health_score.domain.scoring import Status
from health_score.domain.telling.metrics import tell
from health_score.domain.telling.phrase import Phrase, distinct
from health_score.domain.workload import NOT_HELD
from mainstay.language.catalogue import phrases
from mainstay.language.negotiation import Language


def internal(compared: Compared, explained: ExplanationView, of: Facts, language: Language) -> InternalPart:
    """What only we see of an account at the end of a period."""
    account, attributes = compared.account, compared.after.basis.attributes
    return InternalPart(
        account_id=account.id,
        owner=account.said("owner"),
        tier=attributes.tier,
        stage=attributes.stage,
        arr=money({each.currency: each.amount for each in account.worth.arr}),
        next_renewal_on=account.worth.next_renewal_on,
        health=_health(explained),
        risks=tuple(phrases().sentence([risk], language) for risk in _risks(compared.after)),
        goals=tuple(
            InternalGoalView(
                each.said("words") or each.id, state_of(each), each.said("metric"), each.said("confirmed_by")
            )
            for each in of.known.of("objective")[:MOST]
        ),
        requests=tuple(
            InternalRequestView(
                each.said("words") or each.id,
                each.said("state"),
                each.said("theme"),
                each.said("severity"),
                each.said("eta_on"),
                each.said("effect"),
            )
            for each in requests_of(of)[:MOST]
        ),
        next_steps=_steps(of),
        effort=_effort(of),
        notes=tuple(sorted(_notes(compared, of), key=lambda note: note.at, reverse=True)[:MOST]),
    )


def _health(explained: ExplanationView) -> HealthReportView:
    return HealthReportView(
        score=explained.after.score,
        band=explained.after.band,
        score_before=explained.before.score,
        band_before=explained.before.band,
        sentence=explained.sentence,
        measures=tuple(
            MeasureReportView(each.measure, each.difference, each.text)
            for each in explained.measures
            if each.difference
        ),
    )


def _risks(state: State) -> Sequence[Phrase]:
    """What the measures say that lie in red by themselves, the costliest first."""
    scorer = state.basis.selected.scorer
    floor = scorer.card.bands.yellow.begins
    low = [
        part
        for part in state.scored.measures
        if part.score is not None and part.score < floor and part.status is Status.OK and part.metric in scorer.metrics
    ]
    low.sort(key=lambda part: part.effective_weight * (100 - (part.score or 0)), reverse=True)
    return distinct(tell(scorer.metrics[part.metric], part.value, state.reading) for part in low)


def _steps(of: Facts) -> tuple[InternalStepView, ...]:
    found = [
        InternalStepView(step["what"], step["due_on"], step.get("owner"), bool(each.said("is_internal")))
        for each in of.known.of("touchpoint")
        if (step := each.said("next_step")) and step["due_on"] >= of.period.first
    ]
    return tuple(sorted(found, key=lambda step: (step.due_on, step.what))[:MOST])


def _effort(of: Facts) -> EffortReportView:
    held = [each for each in touches_in(of) if each.said("result") not in NOT_HELD]
    cost: dict[str, Decimal] = {}
    for each in held:
        if (spent := each.said("cost")) is not None:
            cost[spent["currency"]] = cost.get(spent["currency"], Decimal()) + spent["amount"]
    return EffortReportView(
        touches=sum(reached(each) for each in held),
        internal_touches=sum(bool(each.said("is_internal")) for each in held),
        minutes=sum(each.said("minutes") or 0 for each in held),
        cost=money(cost),
    )


def _notes(compared: Compared, of: Facts) -> Iterable[NoteView]:
    """What was written in the period: around meetings, on feedback, with sentiments; and what customers commented."""
    for touch in touches_in(of):
        for name in ("purpose", "before", "after"):
            if touch.said(name):
                yield NoteView(touch.last_at, touch.said("kind"), touch.said(name), touch.said("by"))
    yield from _on_feedback(of)
    for answer in of.known.of("survey_response"):
        if answer.said("comment") and of.holds(answer.last_at):
            yield NoteView(answer.last_at, answer.said("kind"), answer.said("comment"), None)
    for step in compared.evidence.decisions.steps:
        if isinstance(step, SentimentGiven) and step.note and of.holds(step.at):
            yield NoteView(step.at, "sentiment", step.note, step.by)


def _on_feedback(of: Facts) -> Iterable[NoteView]:
    for feedback in of.known.of("feedback"):
        for note in feedback.each("progress").values():
            if of.holds(note["at"]):
                yield NoteView(note["at"], "feedback", note["text"], feedback.said("by"))
        if feedback.said("incident_report") and of.holds(feedback.said_at("incident_report")):
            yield NoteView(feedback.last_at, "feedback", feedback.said("incident_report"), feedback.said("by"))
