"""What operators do with scorecards: save versions of them, and put them in force."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import msgspec

from health_score.application.cards import SCORECARD, Cards, save_card
from health_score.application.document_ports import StoredDocument
from health_score.application.journal import ACTIVATED, activation_entry
from health_score.application.ports import OpenWork, Work
from health_score.application.rescoring import begin_rescoring
from health_score.domain.conditions import Condition
from health_score.domain.selection import Activation, Deployment, in_order
from health_score.scorecards.reading import check_scorecard
from mainstay.kernel.clock import Clock
from mainstay.kernel.differences import Difference, differences


class ScorecardUnknown(LookupError):
    """There is no such scorecard, or no such version of it."""

    def __init__(self, card_id: str, version: int | None = None) -> None:
        super().__init__(f"there is no scorecard {card_id}" + (f" of version {version}" if version else ""))


class ScorecardMovedOn(ValueError):
    """The scorecard has another version than the one that was to be replaced."""

    def __init__(self, card_id: str, latest: int) -> None:
        super().__init__(f"the latest version of {card_id} is {latest}")


class NobodysScorecard(ValueError):
    """Some accounts would be left without a scorecard."""

    def __init__(self) -> None:
        super().__init__("one scorecard in force has to be without conditions, for whom no other fits")


class NotInForce(LookupError):
    """The scorecard is not in force."""

    def __init__(self, card_id: str) -> None:
        super().__init__(f"scorecard {card_id} is not in force")


@dataclass(frozen=True, slots=True)
class SavedCard:
    """A version of a scorecard; `is_new` says that this saving made it."""

    stored: StoredDocument
    body: dict[str, Any]
    is_new: bool = False


@dataclass(frozen=True, slots=True)
class Version:
    """A version with what it changed against the one before it; None for the first one."""

    stored: StoredDocument
    changes: Sequence[Difference] | None


class SaveScorecard:
    """Save a checked document as the next version; the same as the latest one is not saved again."""

    def __init__(self, open_work: OpenWork, cards: Cards, clock: Clock) -> None:
        self._work = open_work
        self._cards = cards
        self._clock = clock

    async def __call__(self, card_id: str, body: Any, *, replaces: int | None, by: str) -> SavedCard:
        """Raises `ScorecardInvalid`, and `ScorecardMovedOn` where the latest version is not `replaces` (None: any)."""
        document = check_scorecard(body, source=card_id, catalogue=self._cards.catalogue, expected_id=card_id)
        async with self._work() as work:
            await work.documents.lock()
            latest = await work.documents.latest(SCORECARD, card_id)
            if replaces is not None and replaces != (latest.version if latest else 0):
                raise ScorecardMovedOn(card_id, latest.version if latest else 0)
            stored = await save_card(work, document, by=by, at=self._clock.now())
        return SavedCard(stored, document.body, is_new=latest is None or stored.version != latest.version)


class ActivateScorecard:
    """Put a version of a scorecard in force from now on, or take it out; the portfolio is scored anew, in parts."""

    def __init__(self, open_work: OpenWork, cards: Cards, clock: Clock) -> None:
        self._work = open_work
        self._cards = cards
        self._clock = clock

    async def __call__(
        self, card_id: str, version: int | None, when: tuple[Condition, ...], priority: int, *, by: str
    ) -> Activation:
        """Put a version (None: the latest) in force. Raises `ScorecardUnknown`, `NobodysScorecard`."""
        async with self._work() as work:
            await work.documents.lock()
            now = self._clock.now()
            deployment = await self._cards.deployment(work, now)
            stored = await find_card(work, card_id, version)
            activation = Activation(now, by, card_id, stored.version, when, priority)
            return await self._enact(work, deployment, activation)

    async def withdraw(self, card_id: str, *, by: str) -> Activation:
        """Take a scorecard out of force. Raises `NotInForce`, `NobodysScorecard`."""
        async with self._work() as work:
            await work.documents.lock()
            now = self._clock.now()
            deployment = await self._cards.deployment(work, now)
            if all(each.card_id != card_id for each in in_order(deployment.activations)):
                raise NotInForce(card_id)
            return await self._enact(work, deployment, Activation(now, by, card_id, None))

    async def _enact(self, work: Work, deployment: Deployment, activation: Activation) -> Activation:
        # A clock may have gone back; the journal is in the order of its instants.
        at = max(activation.at, deployment.activations[-1].at)
        activation = replace(activation, at=at)
        if all(each.when for each in in_order((*deployment.activations, activation))):
            raise NobodysScorecard
        await work.decisions.add(ACTIVATED, activation_entry(activation), by=activation.by, at=at)
        await begin_rescoring(work, at)
        return activation


class ReadScorecards:
    """Answers questions about scorecards."""

    def __init__(self, open_work: OpenWork, cards: Cards, clock: Clock) -> None:
        self._work = open_work
        self._cards = cards
        self._clock = clock

    async def all(self) -> Sequence[SavedCard]:
        """The latest version of every scorecard, by id."""
        async with self._work() as work:
            await self._cards.deployment(work, self._clock.now())
            stored = await work.documents.all(SCORECARD)
        return [SavedCard(each, msgspec.json.decode(each.body)) for each in stored]

    async def one(self, card_id: str, version: int | None) -> SavedCard:
        """A version, the latest one by default. Raises `ScorecardUnknown`."""
        async with self._work() as work:
            await self._cards.deployment(work, self._clock.now())
            stored = await find_card(work, card_id, version)
        return SavedCard(stored, msgspec.json.decode(stored.body))

    async def versions(self, card_id: str, before: int | None, limit: int) -> Sequence[Version]:
        """Up to `limit` versions, newest first, those below `before`. Raises `ScorecardUnknown`."""
        async with self._work() as work:
            await self._cards.deployment(work, self._clock.now())
            await find_card(work, card_id, None)
            stored = await work.documents.versions_before(SCORECARD, card_id, before, limit + 1)
        bodies = [msgspec.json.decode(each.body) for each in stored]
        return [
            Version(each, None if older is None else differences(older, newer))
            for each, newer, older in zip(stored[:limit], bodies, [*bodies[1:], None], strict=False)
        ]

    async def active(self) -> Sequence[Activation]:
        """What is in force, in the order in which it is tried."""
        async with self._work() as work:
            deployment = await self._cards.deployment(work, self._clock.now())
        return in_order(deployment.activations)


async def find_card(work: Work, card_id: str, version: int | None) -> StoredDocument:
    """A saved version, the latest by default. Raises `ScorecardUnknown`."""
    if version is None:
        stored = await work.documents.latest(SCORECARD, card_id)
    else:
        stored = await work.documents.version(SCORECARD, card_id, version)
    if stored is None:
        raise ScorecardUnknown(card_id, version)
    return stored
