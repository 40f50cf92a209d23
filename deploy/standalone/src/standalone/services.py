"""What Mainstay consists of on one machine: the services, their ports and the histories of their schemas."""

from dataclasses import dataclass
from typing import Final

from mainstay.db.migrate import History
from mainstay.web.keys import ACCESS_HISTORY


@dataclass(frozen=True, slots=True)
class Service:
    """A service: `python -m <module>`, answering HTTP on its port."""

    name: str
    module: str
    default_port: int

    @property
    def port_variable(self) -> str:
        """The environment variable that moves its port."""
        return f"MAINSTAY_{self.module.upper()}_PORT"


INGEST: Final = Service("ingest", "ingest", 8001)
HEALTH_SCORE: Final = Service("health-score", "health_score", 8002)
ALERTS: Final = Service("alerts", "alerts", 8003)
RENEWALS: Final = Service("renewals", "renewals", 8004)
SERVICES: Final = (INGEST, HEALTH_SCORE, ALERTS, RENEWALS)

EVENT_LOG: Final = History("event_log", "mainstay.messaging.migrations")

HISTORIES: Final = (
    ACCESS_HISTORY,
    *(History(service.module, f"{service.module}.migrations") for service in SERVICES),
)
"""All schemas but the event log's, which lives wherever MAINSTAY_EVENT_LOG_URL says."""
