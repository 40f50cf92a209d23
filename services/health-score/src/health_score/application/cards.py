"""The scorecards in force, compiled once for a process and kept until the journal has another activation."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple

import msgspec

from health_score.application.document_ports import StoredDocument
from health_score.application.journal import ACTIVATED, activation_entry, activations_of
from health_score.application.ports import Work
from health_score.application.rules import Rulebooks
from health_score.domain.metrics.catalogue import BUILT_IN, METRICS, Catalogue
from health_score.domain.metrics.custom import as_metrics
from health_score.domain.rulebook import Rulebook
from health_score.domain.scorecard import CardKey
from health_score.domain.scoring import Scorer
from health_score.domain.selection import Activation, Deployment
from health_score.scorecards.reading import SHIPPED, ScorecardDocument, check_scorecard, shipped

SCORECARD: Final = "scorecard"
"""The kind of document."""

SYSTEM: Final = "mainstay"
"""Who saves and activates what comes with Mainstay, or with its settings."""

SYSTEM_PRIORITY: Final = -1
"""Behind whatever people activate."""


class _Compiled(NamedTuple):
    digest: str
    scorer: Scorer


class Cards:
    """Answers which scorecards are in force. One a process: its scorers remember scores by their values.

    `initial` is the card that is there for every account as long as no person activated any; `is_set` says that the
    operator's settings name it, so it is there whatever people activated beside it.
    """

    def __init__(self, initial: ScorecardDocument, *, is_set: bool = False, catalogue: Catalogue = BUILT_IN) -> None:
        self._initial = initial
        self._is_set = is_set
        self._catalogue = catalogue
        self._compiled: dict[CardKey, _Compiled] = {}
        self._defined: frozenset[str] = frozenset()
        self._known: tuple[int, Catalogue, Rulebook, Deployment] | None = None
        self._rulebooks = Rulebooks()

    @property
    def catalogue(self) -> Catalogue:
        """The metrics that scorecards may name."""
        return self._catalogue

    def learn(self, catalogue: Catalogue) -> None:
        """From now on other metrics are defined: every card is compiled anew."""
        self._catalogue = catalogue
        self._compiled.clear()
        self._known = None

    async def deployment(self, work: Work, at: datetime) -> Deployment:
        """The activations so far, with their cards, and the rules.

        The first time in a database, what comes along is put in force.
        """
        catalogue = await self.defined_now(work)
        last = await work.decisions.last_about_all(ACTIVATED)
        if not last:
            await self.install(work, at)
            last = await work.decisions.last_about_all(ACTIVATED)
        known, rules = self._known, await self.rules(work)
        if known is None or known[0] != last or known[1] is not catalogue or known[2] is not rules:
            activations = activations_of(await work.decisions.about_all([ACTIVATED]))
            scorers = await self._scorers(work, activations, catalogue)
            known = self._known = (last, catalogue, rules, Deployment(activations, scorers, rules))
        return known[3]

    async def rules(self, work: Work) -> Rulebook:
        """The operator's rules about accounts, every version."""
        return await self._rulebooks.in_force(work.documents, await self.defined_now(work))

    async def defined_now(self, work: Work) -> Catalogue:
        """The catalogue with the operator's metrics as they can be read now."""
        versions = await work.customs.versions()
        if versions != self._defined:
            customs = as_metrics(await work.customs.in_force(), METRICS)
            self.learn(Catalogue(customs))
            self._defined = versions
        return self._catalogue

    async def install(self, work: Work, at: datetime) -> bool:
        """Save what comes along, where it is new, and put the initial card in force; says whether that is another."""
        await work.documents.lock()
        for document in [shipped(id_) for id_ in SHIPPED if id_ != self._initial.id] + [self._initial]:
            stored = await save_card(work, document, by=SYSTEM, at=at)
        activations = activations_of(await work.decisions.about_all([ACTIVATED]))
        mine = [each for each in activations if each.card_id == self._initial.id]
        if mine and (mine[-1].by != SYSTEM or mine[-1].version == stored.version):
            return False
        if not self._is_set and any(each.by != SYSTEM for each in activations):
            return False
        card = Activation(at, SYSTEM, self._initial.id, stored.version, priority=SYSTEM_PRIORITY)
        await work.decisions.add(ACTIVATED, activation_entry(card), by=SYSTEM, at=at)
        return bool(activations)

    async def _scorers(
        self, work: Work, activations: Sequence[Activation], catalogue: Catalogue
    ) -> Mapping[CardKey, Scorer]:
        keys = {CardKey(each.card_id, each.version) for each in activations if each.version is not None}
        scorers = {}
        for key in sorted(keys):
            stored = await work.documents.version(SCORECARD, *key)
            if stored is None:
                raise KeyError(key)
            scorers[key] = self._compile(stored, catalogue).scorer
        return scorers

    def _compile(self, stored: StoredDocument, catalogue: Catalogue) -> _Compiled:
        key = CardKey(stored.id, stored.version)
        known = self._compiled.get(key)
        # Another digest is another transaction's, which was rolled back.
        if known is None or known.digest != stored.digest or known.scorer.catalogue is not catalogue:
            document = read_stored(stored, catalogue)
            known = _Compiled(stored.digest, Scorer(document.as_version(stored.version), catalogue))
            self._compiled[key] = known
        return known


def read_stored(stored: StoredDocument, catalogue: Catalogue) -> ScorecardDocument:
    """A saved document, which was checked when it was saved."""
    body: Any = msgspec.json.decode(stored.body)
    return check_scorecard(body, source=f"{stored.id} version {stored.version}", catalogue=catalogue)


async def save_card(work: Work, document: ScorecardDocument, *, by: str, at: datetime) -> StoredDocument:
    """Save a scorecard as its next version, with a number for closes; the same as the latest is not saved again."""
    after = await work.scorecards.last_version(document.id)
    stored = await work.documents.save(SCORECARD, document.id, document.body, by=by, at=at, after_version=after)
    await work.scorecards.register(CardKey(stored.id, stored.version), stored.digest, at)
    return stored
