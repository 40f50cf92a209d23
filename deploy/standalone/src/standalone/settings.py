"""The settings of the standalone form, read from the environment once, and what children are given of them."""

import os
import secrets
from collections.abc import Mapping
from pathlib import Path

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from mainstay.settings import SECRET_KEY_MIN_CHARS
from standalone.folders import make_folder, write_private
from standalone.services import ALERTS, HEALTH_SCORE, INGEST, RENEWALS, Service


def default_home() -> Path:
    """`.mainstay` in the checkout this runs from, whatever the current folder; without one, in the home folder."""
    checkout = Path(__file__).resolve().parents[4]
    if (checkout / "deploy" / "standalone" / "pyproject.toml").exists():
        return checkout / ".mainstay"
    return Path.home() / ".mainstay"


class NoSecretKey(Exception):
    """There is no secret key yet, and this is not the place to make one."""

    def __init__(self, file: Path) -> None:
        super().__init__(f"MAINSTAY_SECRET_KEY is not set and {file} does not exist; `mainstay up` makes it")


class StandaloneSettings(BaseSettings):
    """Settings of the command `mainstay`. All have defaults: on one machine nothing needs to be set."""

    model_config = SettingsConfigDict(env_prefix="MAINSTAY_", env_ignore_empty=True, extra="ignore")

    home: Path = Field(default_factory=default_home)
    """The state folder."""

    database_url: str = Field(default="", repr=False)
    """A PostgreSQL of your own. Empty: the embedded one."""

    event_log_url: str = Field(default="", repr=False)
    """postgresql://… or kafka://host:port[,host:port]. Empty: the database."""

    secret_key: str = Field(default="", repr=False)
    """32 characters or more. Empty: made at the first start and kept in the state folder."""

    host: str = "127.0.0.1"
    """The address that the services listen on."""

    postgres_port: int = Field(default=15432, ge=1, le=65535)
    """The embedded PostgreSQL's; below the range from which systems take ports for outgoing connections."""

    ingest_port: int = Field(default=INGEST.default_port, ge=1, le=65535)
    health_score_port: int = Field(default=HEALTH_SCORE.default_port, ge=1, le=65535)
    alerts_port: int = Field(default=ALERTS.default_port, ge=1, le=65535)
    renewals_port: int = Field(default=RENEWALS.default_port, ge=1, le=65535)
    inbox_port: int = Field(default=8009, ge=1, le=65535)
    inbox_smtp_port: int = Field(default=8025, ge=1, le=65535)

    def port_of(self, service: Service) -> int:
        """The HTTP port of a service."""
        port: int = getattr(self, f"{service.module}_port")
        return port

    def url_of(self, service: Service) -> str:
        """Where a service answers, seen from this machine."""
        return f"http://{self.reachable_host}:{self.port_of(service)}"

    @property
    def reachable_host(self) -> str:
        """The host to call: the loopback address when the services listen on all."""
        return "127.0.0.1" if self.host in {"0.0.0.0", "::", ""} else self.host  # noqa: S104 - compared, not bound

    @property
    def is_embedded(self) -> bool:
        """Whether we run the database."""
        return not self.database_url

    @property
    def uses_kafka(self) -> bool:
        """Whether the event log is Kafka."""
        return self.event_log_url.startswith("kafka://")

    @field_validator("secret_key")
    @classmethod
    def _long_enough(cls, value: str) -> str:
        if value and len(value) < SECRET_KEY_MIN_CHARS:
            raise ValueError(f"it needs {SECRET_KEY_MIN_CHARS} characters or more")
        return value

    @field_validator("home")
    @classmethod
    def _absolute(cls, value: Path) -> Path:
        return value.expanduser().absolute()

    # -- the state folder ---------------------------------------------------------------------------------------------

    @property
    def admin_key_file(self) -> Path:
        """The API key made at the first start."""
        return self.home / "admin.key"

    @property
    def secret_key_file(self) -> Path:
        """What hashes API keys and encrypts channel secrets, when the environment does not say it."""
        return self.home / "secret.key"

    @property
    def logs(self) -> Path:
        """The children's output, a file each."""
        return self.home / "logs"

    @property
    def postgres_directory(self) -> Path:
        """The embedded PostgreSQL's folder."""
        return self.home / "postgres"

    @property
    def lock_file(self) -> Path:
        """Held by the one supervisor of this state folder."""
        return self.home / "up.lock"

    @property
    def demo_file(self) -> Path:
        """What the demo remembers; where it is, the inbox is wanted too."""
        return self.home / "demo.json"

    @property
    def children_file(self) -> Path:
        """The supervisor's record of its child processes."""
        return self.home / "children.json"

    def make_home(self) -> None:
        """Make the state folder and the folder of the logs."""
        make_folder(self.home)
        make_folder(self.logs)
        self.logs.chmod(0o700)

    def known_secret_key(self) -> str:
        """The secret key, without making one. Raises `NoSecretKey`."""
        if not self.secret_key and not self.secret_key_file.exists():
            raise NoSecretKey(self.secret_key_file)
        return self.resolved_secret_key()

    def resolved_secret_key(self) -> str:
        """The secret key: the environment's, or the one kept in the state folder, made when there is none."""
        if self.secret_key:
            return self.secret_key
        if not self.secret_key_file.exists():
            write_private(self.secret_key_file, secrets.token_urlsafe(48))
        return self.secret_key_file.read_text().strip()


def child_environment(settings: StandaloneSettings, database_url: str, *, inbox: bool) -> Mapping[str, str]:
    """The environment of every child: ours, with what we have decided; `inbox` also lets alerts reach the inbox.

    What the environment says already is kept.
    """
    neighbours = {
        "MAINSTAY_ALERTS_PUBLIC_URL": settings.url_of(ALERTS),
        "MAINSTAY_ALERTS_HEALTH_URL": settings.url_of(HEALTH_SCORE),
    }
    decided = {
        "MAINSTAY_HOME": str(settings.home),
        "MAINSTAY_DATABASE_URL": database_url,
        "MAINSTAY_SECRET_KEY": settings.resolved_secret_key(),
        "PYTHONSAFEPATH": "1",  # a folder `ingest` where we were started is not the service
        "PYTHONUNBUFFERED": "1",
    }
    towards_inbox = {
        "MAINSTAY_ALERTS_ALLOW_PRIVATE_DESTINATIONS": "true",
        "MAINSTAY_ALERTS_SMTP_HOST": "127.0.0.1",
        "MAINSTAY_ALERTS_SMTP_PORT": str(settings.inbox_smtp_port),
        "MAINSTAY_ALERTS_SMTP_INSECURE": "true",
    }
    return {**neighbours, **(towards_inbox if inbox else {}), **os.environ, **decided}
