"""The settings of renewals, from the environment."""

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from mainstay.service.process import ServiceSettings


class Settings(ServiceSettings):
    """The shared settings, and where renewals listens."""

    model_config = SettingsConfigDict(env_prefix="MAINSTAY_RENEWALS_")

    port: int = Field(default=8004, ge=0, le=65_535)
    """HTTP."""
    work_port: int = Field(default=8104, ge=0, le=65_535)
    """Operational routes of a process that only works."""
