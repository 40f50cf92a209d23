"""The settings of health-score: variables `MAINSTAY_HEALTH_SCORE_…`, besides the shared ones."""

from pathlib import Path

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from mainstay.service.process import ServiceSettings


class Settings(ServiceSettings):
    """What health-score needs to know."""

    model_config = SettingsConfigDict(env_prefix="MAINSTAY_HEALTH_SCORE_", populate_by_name=True, extra="ignore")

    port: int = Field(default=8002, ge=0, le=65_535)
    """Where the API listens."""

    work_port: int = Field(default=8102, ge=0, le=65_535)
    """Where a process that only works shows /healthz, /readyz and /metrics."""

    scorecard: Path | None = None
    """The scorecard's YAML file; unset: the default one that comes with the service."""

    pool_size: int = Field(default=8, ge=2)
    """Connections to the database, at most, for each process."""

    consumers: int = Field(default=1, ge=1, le=12)
    """How many consumers of usage events run in one process; more processes do the same with more cores."""
