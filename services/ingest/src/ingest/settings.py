"""The settings of ingest, from the environment."""

from datetime import timedelta

from pydantic import Field
from pydantic_settings import SettingsConfigDict

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
    """Of all bodies held at one time; a process takes about six times as much memory for them."""
    body_within_seconds: float = Field(default=10, gt=0, le=300)
    """A body that takes longer to arrive is cut off."""
    append_within_seconds: float = Field(default=5, gt=0, le=60)
    """When the log has not acknowledged by then, the answer is 503."""

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
