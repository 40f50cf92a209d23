"""What changed in an account's health between two days, measure by measure, and what lies behind it."""

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import Final

from health_score.application.cards import Cards
from health_score.application.explain_views import (
    CardChangeView,
    DecisionView,
    ExplanationView,
    FactsView,
    FactView,
    MeasureDifferenceView,
    MeasureStateView,
    PhraseView,
    StateView,
    UseDayView,
    UseView,
)
from health_score.application.health import measure_view
from health_score.application.health_views import SelectedCardView
from health_score.application.ports import OpenWork, Work
from health_score.application.states import Compared, compare
from health_score.domain.behind import Between, DayOfEvidence, Slid, facts_behind, reads_use, slid
from health_score.domain.comparing import Line, MovedBy, State, because, headline, lines, moved_by, said_of
from health_score.domain.conditions import ATTRIBUTES
from health_score.domain.decisions import Decision, Override, OverrideLifted, SentimentGiven
from health_score.domain.facts.known import ACCOUNT, Statement
from health_score.domain.facts.titles import title_of
from health_score.domain.history import DAY, coverage_units
from health_score.domain.metrics.sentiment import SENTIMENT
from health_score.domain.scorecard import COVERAGE_UNITS
from health_score.domain.scoring import OVERRIDE, MeasureResult
from health_score.domain.telling.phrase import Phrase
from mainstay.kernel.clock import Clock, start_of_day
from mainstay.language.catalogue import phrases
from mainstay.language.negotiation import Language

FACTS_SHOWN: Final = 10
DAYS_SHOWN: Final = 31
EVENTS_SHOWN: Final = 5


class ExplainHealth:
    """Answers what changed, and why."""

    def __init__(self, open_work: OpenWork, cards: Cards, clock: Clock) -> None:
        self._work = open_work
        self._cards = cards
        self._clock = clock

    async def __call__(
        self, account_id: str, since: date | datetime | None, until: date | None, language: Language
    ) -> ExplanationView:
        """From the close of the day `since` to that of `until`, or to now.

        Raises `AccountUnknown`, `AsOfInFuture`, `SinceTooLate`.
        """
        now = self._clock.now()
        async with self._work() as work:
            compared = await compare(work, self._cards, account_id, since, until, now)
            return await Comparison(work, compared, language).view()


class Comparison:
    """One comparison, on its way to what is shown of it."""

    def __init__(self, work: Work, compared: Compared, language: Language) -> None:
        self._work = work
        self._compared = compared
        self._before, self._after = compared.before, compared.after
        self._language = language
        self._between = Between.of(compared.evidence.facts, self._before.at, self._ends_before())
        self._ids: dict[tuple[date, date], tuple[str, ...]] = {}

    async def view(self) -> ExplanationView:
        """All of it."""
        before, after = self._before, self._after
        told: list[tuple[Line, Phrase | None]] = []
        measures = []
        for line in lines(before.scored, after.scored):
            shown, phrase = await self._difference(line)
            told.append((line, phrase if shown.moved_by else None))
            measures.append(shown)
        about, said = headline(before, after), because(before, after, told)
        return ExplanationView(
            account_id=self._compared.account.id,
            language=self._language.value,
            sentence=phrases().sentence(said, self._language, about=about),
            message=phrase_view(about),
            because=tuple(phrase_view(each) for each in said),
            before=_state(before),
            after=_state(after),
            difference=(after.score or 0) - (before.score or 0),
            scorecard_change=None if self._same_card else self._card_change(),
            measures=tuple(measures),
        )

    @property
    def _same_card(self) -> bool:
        return self._before.basis.selected.scorer.key == self._after.basis.selected.scorer.key

    def _ends_before(self) -> datetime:
        """What is known afterwards was said of instants before this one."""
        known = self._after.reading.known.before
        return self._after.at if known is None else known

    async def _difference(self, line: Line) -> tuple[MeasureDifferenceView, Phrase | None]:
        part = line.part
        facts: Sequence[Statement] = ()
        moved_days: Slid | None = None
        if line.moved:
            facts, moved_days = self._behind(part)
        cause = moved_by(line, same_card=self._same_card, had_events=bool(facts or (moved_days and moved_days.entered)))
        decisions = self._decisions(part) if cause else ()
        if cause is MovedBy.TIME and decisions:
            cause = MovedBy.DECISION
        phrase = said_of(line, self._after, cause)
        view = MeasureDifferenceView(
            measure=line.measure,
            group=part.group,
            unit=part.unit and part.unit.value,
            difference=line.difference,
            moved_by=cause and cause.value,
            before=_part(line.before),
            after=_part(line.after),
            phrase=phrase and phrase_view(phrase),
            text=phrase and phrases().sentence([phrase], self._language),
            facts=_facts(facts),
            use=await self._use(moved_days) if moved_days else None,
            decisions=tuple(decisions),
        )
        return view, phrase

    def _behind(self, part: MeasureResult) -> tuple[Sequence[Statement], Slid | None]:
        """The facts since, and the days in and out, that the metric of a measure reads."""
        for state in (self._after, self._before):
            metric = state.basis.selected.scorer.metrics.get(part.metric)
            if metric is not None:
                facts = facts_behind(metric, self._before.reading, self._after.reading, self._between)
                days = slid(metric, self._before.reading, self._after.reading) if reads_use(metric) else None
                return facts, days
        return (), None

    async def _use(self, days: Slid) -> UseView:
        entered, left = days.entered, days.left
        ids: tuple[str, ...] = ()
        if entered:
            span = (entered[0].day, entered[-1].day)
            if span not in self._ids:
                self._ids[span] = await self._event_ids(*span)
            ids = self._ids[span]
        return UseView(
            entered=_days(entered),
            entered_more=max(0, len(entered) - DAYS_SHOWN),
            left=_days(left),
            left_more=max(0, len(left) - DAYS_SHOWN),
            events=sum(each.events for each in entered),
            event_ids=ids,
        )

    async def _event_ids(self, first: date, last: date) -> tuple[str, ...]:
        zone = self._compared.account.zone
        begin, end = start_of_day(first, zone), start_of_day(last + DAY, zone)
        return tuple(await self._work.events.latest_ids(self._compared.account.number, begin, end, EVENTS_SHOWN))

    def _decisions(self, part: MeasureResult) -> Sequence[DecisionView]:
        """What people decided about a measure since."""
        measure = None if part.measure == OVERRIDE else part.measure
        is_sentiment = part.metric in {metric.name for metric in SENTIMENT}
        begin, end = self._before.at, self._ends_before()
        found: list[DecisionView] = []
        for step in self._compared.evidence.decisions.steps:
            if isinstance(step, SentimentGiven):
                if is_sentiment and begin <= step.at < end:
                    found.append(_decision(step))
            elif step.measure == measure:
                if begin <= step.at < end:
                    found.append(_decision(step))
                if isinstance(step, Override) and begin <= step.expires_at < end and self._ended(step):
                    found.append(
                        DecisionView("score.override_ended", step.expires_at, step.by, step.score, step.reason)
                    )
        return sorted(found, key=lambda each: each.at)

    def _ended(self, override: Override) -> bool:
        """Whether it held until its time, and was not taken back or replaced before."""
        held = self._compared.evidence.decisions.until(override.expires_at)
        return (held.score if override.measure is None else held.measures.get(override.measure)) == override

    def _card_change(self) -> CardChangeView:
        begin, end = self._before.at, self._ends_before()
        names = {self._before.basis.selected.scorer.key.id, self._after.basis.selected.scorer.key.id}
        activations = [
            DecisionView(
                "scorecard.activated" if each.version else "scorecard.deactivated",
                each.at,
                each.by,
                None,
                f"{each.card_id} {each.version}" if each.version else each.card_id,
            )
            for each in self._compared.deployment.activations
            if each.card_id in names and begin <= each.at < end
        ]
        stated = [
            each for each in self._between.statements if each.kind == ACCOUNT and set(ATTRIBUTES) & each.fields.keys()
        ]
        return CardChangeView(tuple(activations), _facts(stated))


def phrase_view(phrase: Phrase) -> PhraseView:
    """A phrase as it is shown."""
    return PhraseView(phrase.key, dict(phrase.params))


def _state(state: State) -> StateView:
    selected = state.basis.selected
    return StateView(
        as_of=state.day,
        at=state.at,
        score=state.score,
        band=state.band.value,
        coverage=coverage_units(state.scored.total.coverage) / COVERAGE_UNITS,
        scorecard=SelectedCardView(*selected.scorer.key, selected.reason),
    )


def _part(part: MeasureResult | None) -> MeasureStateView | None:
    if part is None:
        return None
    shown = measure_view(part)
    return MeasureStateView(
        metric=shown.metric,
        value=shown.value,
        score=shown.score,
        weight=shown.weight,
        effective_weight=shown.effective_weight,
        contribution=shown.contribution,
        status=shown.status,
        as_of=shown.as_of,
    )


def _facts(stated: Sequence[Statement]) -> FactsView:
    newest = list(reversed(stated))[:FACTS_SHOWN]
    shown = tuple(
        FactView(each.by, each.kind, each.thing_id, title_of(each.kind, each.thing_id, each.fields), each.at)
        for each in newest
    )
    return FactsView(shown, len(stated) - len(shown))


def _days(days: Iterable[DayOfEvidence]) -> tuple[UseDayView, ...]:
    return tuple(UseDayView(*each) for each in list(days)[-DAYS_SHOWN:])


def _decision(step: Decision) -> DecisionView:
    match step:
        case SentimentGiven():
            told = step.sentiment.value if step.sentiment else None
            return DecisionView("sentiment.given", step.at, step.by, None, told)
        case Override():
            return DecisionView("score.overridden", step.at, step.by, step.score, step.reason)
        case OverrideLifted():
            return DecisionView("score.override_lifted", step.at, step.by, None, None)
