"""What a customer is promised, by instant: the one place that says where the figures of support take targets from."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import NamedTuple

from health_score.domain.kpis.past import Past
from health_score.domain.kpis.ruled import services
from health_score.domain.metrics.counting import hours_for
from health_score.domain.rulebook import Rulebook

Hours = int | Mapping[str, int] | None
"""The same for every ticket, or by its priority; None: nothing is promised."""


class Promises(NamedTuple):
    """Within how many hours tickets are answered and resolved."""

    response: Hours = None
    resolution: Hours = None

    def for_ticket(self, priority: str | None) -> tuple[int | None, int | None]:
        """The hours for a ticket of a priority (None: none is stated)."""
        return hours_for(self.response, priority), hours_for(self.resolution, priority)


NOTHING_PROMISED = Promises()


def promises_at(past: Past, rules: Rulebook, instants: Iterable[datetime]) -> Mapping[datetime, Promises]:
    """What an account was promised at these instants: as stated for it, else by the service policy in force."""
    return {
        instant: NOTHING_PROMISED
        if service is None
        else Promises(service.promises.get("response_within_hours"), service.promises.get("resolution_within_hours"))
        for instant, service in services(past, rules, instants).items()
    }
