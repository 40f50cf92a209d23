"""Looking at histories, in the words of the tests."""

from collections.abc import Sequence
from datetime import UTC, datetime

from alerts.domain.accounts import Account
from alerts.domain.episodes import Episode, look
from alerts.domain.observations import Observation
from alerts.domain.rules import Rulebook

LATER = datetime(2030, 1, 1, tzinfo=UTC)


def episodes(
    rulebook: Rulebook, history: Sequence[Observation], account: Account | None = None, now: datetime = LATER
) -> tuple[Episode, ...]:
    """The episodes in a history as they stand long after it."""
    return look(rulebook, history, account or Account(history[0].account_id if history else "acme"), now).episodes
