"""Previews step by step: a draft over the whole portfolio, and who would change band because of what."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

import msgspec

from health_score.application.backtesting import scorer_of
from health_score.application.cards import Cards
from health_score.application.evidence import load_evidence
from health_score.application.studies import (
    ChangePlace,
    Kind,
    RunStudies,
    Standings,
    Study,
    StudyWork,
    complete,
    keep_step,
)
from health_score.domain.backtest.scoring import FOR_EVER
from health_score.domain.closing import read_at
from health_score.domain.evidence import Evidence
from health_score.domain.metrics.windows import Windows
from health_score.domain.rulebook import Rulebook
from health_score.domain.scoring import Scorer, placed
from health_score.domain.selection import Bases, Deployment
from mainstay.kernel.clock import Clock


class PreviewSpec(msgspec.Struct, frozen=True):
    """A preview as it was asked for: of a scorecard document."""

    document: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Reason:
    """A measure that brings other points: `before` by the card in force, `after` by the draft; null: it brings none."""

    measure: str
    before: int | None
    after: int | None


@dataclass(frozen=True, slots=True)
class BandChange:
    """An account that would change band, and the measures behind it, the largest difference first."""

    account_id: str
    band_before: str
    band_after: str
    score_before: int | None
    score_after: int | None
    because: tuple[Reason, ...]


@dataclass(frozen=True, slots=True)
class Moves:
    """How many accounts would go from one band to another, or stay."""

    band_before: str
    band_after: str
    accounts: int


@dataclass
class PreviewPart:
    """What one step brought."""

    moves: dict[str, int] = field(default_factory=dict)
    changes: tuple[BandChange, ...] = ()


class PreviewResult(msgspec.Struct):
    """All moves, also from a band to itself."""

    moves: tuple[Moves, ...] = ()


_spec = msgspec.json.Decoder(PreviewSpec)
_part = msgspec.json.Decoder(PreviewPart)
_result = msgspec.json.Decoder(PreviewResult)
_json = msgspec.json.Encoder()


class StepPreview:
    """One step of a preview."""

    accounts = 500

    def __init__(self, cards: Cards, clock: Clock) -> None:
        self._cards = cards
        self._clock = clock

    async def __call__(self, work: StudyWork, study: Study) -> None:
        """Score the next accounts by the draft; after the last, add up."""
        standings = await work.pasts.standings_after(study.after, self.accounts)
        if not standings:
            parts = [_part.decode(part.body) for part in await work.studies.parts(study, 0)]
            complete(study, _json.encode(PreviewResult(_moves(parts))), self._clock.now())
            return
        await self._cards.defined_now(work)
        scorer = scorer_of(_spec.decode(study.spec).document, self._cards.catalogue)
        wanted = {
            each.account.number: (each.account, each.as_of - scorer.needs.reach) for each in standings if each.as_of
        }
        evidence = await load_evidence(work, wanted, scorer.needs)
        rules = await self._cards.rules(work)
        part = await work.in_thread(_preview, scorer, rules, standings, evidence, self._clock.now())
        await keep_step(work, study, _json.encode(part), standings)


def _preview(
    scorer: Scorer, rules: Rulebook, accounts: Sequence[Standings], evidence: Mapping[int, Evidence], now: datetime
) -> PreviewPart:
    moves: dict[str, int] = {}
    changes = []
    for account in accounts:
        if account.as_of is None:
            continue
        change = band_change(scorer, rules, account, account.as_of, evidence[account.account.number], now)
        key = f"{change.band_before} {change.band_after}"
        moves[key] = moves.get(key, 0) + 1
        if change.band_before != change.band_after:
            changes.append(change)
    return PreviewPart(moves, tuple(changes))


def band_change(
    scorer: Scorer, rules: Rulebook, of: Standings, as_of: date, evidence: Evidence, now: datetime
) -> BandChange:
    """An account by the draft, against its present health, as if the draft were put in force now.

    Hysteresis holds: the draft's score is judged against the band of the last close.
    """
    account, health = of.account, of.account.health
    bases = Bases(account, evidence, Deployment.of_one(scorer, FOR_EVER, rules))
    running = as_of == account.today(now)
    windows = Windows(evidence.activity, as_of, as_of, scorer.needs.reach)
    reading, basis = read_at(windows, bases, as_of, account.seats.on(as_of), now=now if running else None)
    scored = scorer.scored(reading, basis.attributes, basis.decided)
    band, _ = placed(scorer.card.bands, scored.outcome, account.standing, as_of)
    return BandChange(
        account.id,
        health.band.value,
        band.value,
        health.score,
        scored.total.score,
        _because(health.contributions, scored.contributions),
    )


def _because(before: Mapping[str, int], after: Mapping[str, int]) -> tuple[Reason, ...]:
    names = [*after, *(name for name in before if name not in after)]
    reasons = [Reason(name, before.get(name), after.get(name)) for name in names]
    differing = [reason for reason in reasons if reason.before != reason.after]
    return tuple(sorted(differing, key=lambda reason: -abs((reason.after or 0) - (reason.before or 0))))


def _moves(parts: Sequence[PreviewPart]) -> tuple[Moves, ...]:
    added: dict[str, int] = {}
    for part in parts:
        for key, accounts in part.moves.items():
            added[key] = added.get(key, 0) + accounts
    pairs = ((key.partition(" "), accounts) for key, accounts in sorted(added.items()))
    return tuple(Moves(before, after, accounts) for (before, _, after), accounts in pairs)


class Previews:
    """Begins previews, and answers how far they are and what they found."""

    def __init__(self, studies: RunStudies) -> None:
        self._studies = studies

    async def begin(self, document: Mapping[str, Any], *, by: str) -> tuple[Study, PreviewResult | None]:
        """Preview a checked document. Small portfolios are done at once."""
        spec = _json.encode(PreviewSpec(dict(document)))
        return _found(await self._studies.begin(Kind.PREVIEW, spec, b"", by=by))

    async def get(self, id_: str) -> tuple[Study, PreviewResult | None]:
        """A preview, and its moves once it is done. Raises `StudyUnknown`."""
        return _found(await self._studies.get(id_, Kind.PREVIEW))

    async def changes(self, id_: str, after: ChangePlace, limit: int) -> Sequence[tuple[ChangePlace, BandChange]]:
        """Up to `limit` changes behind a place, by account, each with its place. Raises `StudyUnknown`."""
        study = await self._studies.get(id_, Kind.PREVIEW)
        return await self._studies.places_after(study, after, limit, lambda body: _part.decode(body).changes)

    async def cancel(self, id_: str) -> None:
        """Do no more of a preview. Raises `StudyUnknown`."""
        await self._studies.cancel(id_, Kind.PREVIEW)


def _found(study: Study) -> tuple[Study, PreviewResult | None]:
    return study, None if study.result is None else _result.decode(study.result)
