"""The settings of ingest, from the environment."""

from datetime import timedelta

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from ingest.application.quarantine import KEPT_FOR, MOST_BYTES
from ingest.domain.limits import Limits
from mainstay.service.process import ServiceSettings


class Settings(ServiceSettings):
    """The shared settings, where ingest listens, and how much it takes."""

    model_config = SettingsConfigDict(env_prefix="MAINSTAY_INGEST_")

    port: int = Field(default=8001, ge=0, le=65_535)
    """HTTP."""
    work_port: int = Field(default=8101, ge=0, le=65_535)
    """Operational routes of a process that only works."""
    max_event_bytes: int = Field(default=32 * 1024, ge=1024, le=512 * 1024)
    max_body_bytes: int = Field(default=500 * 1024, ge=1024, le=32 * 1024 * 1024)
    """Of a body, decompressed. One official client sends up to 4 MB."""
    max_events: int = Field(default=2_500, ge=1, le=100_000)
    """In one batch."""
    max_bytes_in_flight: int = Field(default=64 * 1024 * 1024, ge=1024)
    """Of all bodies held at one time; a process takes about ten times as much memory where all has to be set aside."""
    body_within_seconds: float = Field(default=10, gt=0, le=300)
    """A body that takes longer to arrive is cut off."""
    append_within_seconds: float = Field(default=5, gt=0, le=60)
    """When the log has not acknowledged by then, the answer is 503."""
    quarantine_bytes: int = Field(default=MOST_BYTES, ge=1024)
    """Of one source. Beyond it, refused events are only counted, and events without an account get a 503."""
    quarantine_days: int = Field(default=KEPT_FOR.days, ge=1, le=3_650)
    """What was put aside is deleted after this time."""
    import_lease_seconds: float = Field(default=20, gt=0, le=600)
    """An import whose request says nothing for so long (its process died) may be gone on with by another."""

    @property
    def limits(self) -> Limits:
        """What one request may carry."""
        return Limits(event_bytes=self.max_event_bytes, body_bytes=self.max_body_bytes, events=self.max_events)

    @property
    def body_within(self) -> timedelta:
        """See `body_within_seconds`."""
        return timedelta(seconds=self.body_within_seconds)

    @property
    def append_within(self) -> timedelta:
        """See `append_within_seconds`."""
        return timedelta(seconds=self.append_within_seconds)

    @property
    def import_lease(self) -> timedelta:
        """See `import_lease_seconds`."""
        return timedelta(seconds=self.import_lease_seconds)

    @property
    def quarantine_kept_for(self) -> timedelta:
        """See `quarantine_days`."""
        return timedelta(days=self.quarantine_days)
