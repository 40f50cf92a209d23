"""Where the inbox listens and keeps its messages."""

from pathlib import Path

from pydantic import AliasChoices, Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from standalone.settings import default_home


class InboxSettings(BaseSettings):
    """Settings of the inbox; `home` is the state folder of the standalone form."""

    model_config = SettingsConfigDict(env_prefix="MAINSTAY_INBOX_", populate_by_name=True, extra="ignore")

    host: str = "127.0.0.1"
    port: int = Field(default=8009, ge=0, le=65535)
    """The page, its JSON, chat and webhooks."""

    smtp_port: int = Field(default=8025, ge=0, le=65535)
    """Plain SMTP without TLS: for this machine only."""

    home: Path = Field(default_factory=default_home, validation_alias=AliasChoices("MAINSTAY_HOME", "home"))
    capacity: int = Field(default=1_000, ge=1)
    """How many messages are kept; the oldest leave first."""

    @property
    def messages_file(self) -> Path:
        """Where messages survive a restart, one JSON object a line."""
        return self.home / "inbox.ndjson"

    @property
    def secrets_file(self) -> Path:
        """The secrets of the webhooks that point here, one a line; whoever makes such a webhook writes it."""
        return self.home / "inbox-webhook.secrets"
