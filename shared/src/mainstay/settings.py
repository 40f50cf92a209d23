"""The settings that every service shares: variables `MAINSTAY_…` without a service's name in them."""

import sys
from typing import Self, TypeVar

from pydantic import AliasChoices, Field, ValidationError, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

SECRET_KEY_MIN_CHARS = 32


def shared(name: str) -> AliasChoices:
    """The environment name of a shared setting; a subclass's own prefix does not apply to it."""
    return AliasChoices(f"MAINSTAY_{name.upper()}", name)


class SharedSettings(BaseSettings):
    """What each service needs to know of its surroundings.

    A service subclasses it with `model_config = SettingsConfigDict(env_prefix="MAINSTAY_INGEST_")`, which applies to
    its own fields only. Fields that hold secrets stay out of `repr`.
    """

    model_config = SettingsConfigDict(env_prefix="MAINSTAY_", populate_by_name=True, extra="ignore")

    database_url: str = Field(validation_alias=shared("database_url"), repr=False)
    """postgresql://user:password@host:port/database, or with ?host=/folder/of/the/socket."""

    event_log_url: str = Field(default="", validation_alias=shared("event_log_url"), repr=False)
    """postgresql://… or kafka://host:port[,host:port]. Empty: the database."""

    secret_key: str = Field(validation_alias=shared("secret_key"), min_length=SECRET_KEY_MIN_CHARS, repr=False)
    """Keys the hashes of API keys and encrypts channel secrets. Changing it invalidates both."""

    secret_key_previous: str = Field(default="", validation_alias=shared("secret_key_previous"), repr=False)
    """Secret keys that were used before, separated by commas: what was made with them can still be read."""

    log_level: str = Field(default="INFO", validation_alias=shared("log_level"))
    otlp_endpoint: str = Field(default="", validation_alias=shared("otlp_endpoint"))
    """Where spans go (OTLP over HTTP). Empty: nowhere."""

    host: str = Field(default="127.0.0.1", validation_alias=shared("host"))
    """The address that HTTP servers bind."""

    @property
    def previous_secret_keys(self) -> tuple[str, ...]:
        """The secret keys before the present one."""
        return tuple(key for key in (part.strip() for part in self.secret_key_previous.split(",")) if key)

    @model_validator(mode="after")
    def _previous_keys_are_keys(self) -> Self:
        if any(len(key) < SECRET_KEY_MIN_CHARS for key in self.previous_secret_keys):
            raise ValueError(f"each of MAINSTAY_SECRET_KEY_PREVIOUS has {SECRET_KEY_MIN_CHARS} characters or more")
        return self

    @model_validator(mode="after")
    def _the_log_is_in_the_database_unless_said(self) -> Self:
        self.event_log_url = self.event_log_url or self.database_url
        return self


S = TypeVar("S", bound=BaseSettings)


def load(settings: type[S]) -> S:
    """Settings from the environment; a missing or wrong one ends the process (status 2) with one line that names it."""
    try:
        return settings()
    except ValidationError as error:
        prefix = str(settings.model_config.get("env_prefix", ""))
        wrong = "; ".join(f"{_variable(prefix, e['loc'])}: {e['msg'].lower()}" for e in error.errors())
        sys.stderr.write(f"cannot start, check the settings: {wrong}\n")
        raise SystemExit(2) from None


def _variable(prefix: str, location: tuple[int | str, ...]) -> str:
    name = str(location[0]) if location else "settings"
    return name if name.startswith("MAINSTAY_") else f"{prefix}{name}".upper()
