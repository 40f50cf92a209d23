"""What the demo needs to know: where the services listen, which key opens them, where its state lies."""

from pathlib import Path

from pydantic import AliasChoices, Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from standalone.demo.history import DEFAULT_SEED
from standalone.settings import default_home


class NoAdminKey(Exception):
    """There is no admin key where the standalone form leaves it."""

    def __init__(self, file: Path) -> None:
        super().__init__(f"there is no admin key at {file}; `mainstay up` writes one at its first start")


def _port(service: str) -> AliasChoices:
    return AliasChoices(f"MAINSTAY_{service.upper()}_PORT", f"{service}_port")


class DemoSettings(BaseSettings):
    """Settings of the demo. The services' ports are those that the services themselves read."""

    model_config = SettingsConfigDict(env_prefix="MAINSTAY_DEMO_", populate_by_name=True, extra="ignore")

    home: Path = Field(default_factory=default_home, validation_alias=AliasChoices("MAINSTAY_HOME", "home"))
    host: str = Field(default="127.0.0.1", validation_alias=AliasChoices("MAINSTAY_HOST", "host"))
    """Where the services listen; when that is every address, they are called on this machine's own."""

    ingest_port: int = Field(default=8001, validation_alias=_port("ingest"))
    health_score_port: int = Field(default=8002, validation_alias=_port("health_score"))
    alerts_port: int = Field(default=8003, validation_alias=_port("alerts"))
    renewals_port: int = Field(default=8004, validation_alias=_port("renewals"))
    inbox_port: int = Field(default=8009, validation_alias=_port("inbox"))

    seed: int = DEFAULT_SEED
    """Another seed draws other days for the same customers; it holds from the first run on."""

    events_per_second: float = Field(default=2.0, ge=0.0, le=50.0)
    """The live stream's rate."""

    ready_within_seconds: float = Field(default=60.0, gt=0.0)
    """How long the demo waits for the services at its start."""

    @property
    def ingest_url(self) -> str:
        """The base URL of ingest, without a slash at the end; the same for the others."""
        return self._url(self.ingest_port)

    @property
    def health_score_url(self) -> str:
        """See `ingest_url`."""
        return self._url(self.health_score_port)

    @property
    def alerts_url(self) -> str:
        """See `ingest_url`."""
        return self._url(self.alerts_port)

    @property
    def renewals_url(self) -> str:
        """See `ingest_url`."""
        return self._url(self.renewals_port)

    @property
    def inbox_url(self) -> str:
        """See `ingest_url`."""
        return self._url(self.inbox_port, "127.0.0.1")

    @property
    def service_urls(self) -> tuple[str, ...]:
        """The base URLs of all services."""
        return (self.ingest_url, self.health_score_url, self.alerts_url, self.renewals_url)

    @property
    def admin_key_file(self) -> Path:
        """Where `mainstay up` leaves the admin key."""
        return self.home / "admin.key"

    @property
    def state_file(self) -> Path:
        """What the demo remembers between runs."""
        return self.home / "demo.json"

    @property
    def webhook_secrets_file(self) -> Path:
        """Where the inbox looks for the secrets of the webhooks that point to it."""
        return self.home / "inbox-webhook.secrets"

    def admin_key(self) -> str:
        """The admin key. Raises `NoAdminKey`."""
        try:
            return self.admin_key_file.read_text().strip()
        except FileNotFoundError:
            raise NoAdminKey(self.admin_key_file) from None

    def _url(self, port: int, host: str | None = None) -> str:
        host = host or self.host
        return f"http://{'127.0.0.1' if host in {'0.0.0.0', '::', ''} else host}:{port}"  # noqa: S104 - compared, not bound
