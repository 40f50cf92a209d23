"""The settings of the alerts service: variables `MAINSTAY_ALERTS_…`, besides those that all services share."""

import ssl
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Self

from pydantic import Field, model_validator
from pydantic_settings import SettingsConfigDict

from alerts.channels.email import MailServer
from alerts.domain.destinations import is_address
from alerts.domain.words import Language
from alerts.domain.worklist import TIER_WEIGHTS
from mainstay.service.process import ServiceSettings


class Settings(ServiceSettings):
    """What alerts needs to know of its surroundings."""

    model_config = SettingsConfigDict(env_prefix="MAINSTAY_ALERTS_", populate_by_name=True, extra="ignore")

    port: int = Field(default=8003, ge=0, le=65535)
    work_port: int = Field(default=8103, ge=0, le=65535)

    quiet_after_hours: int = Field(default=168, ge=1)
    """A transition that lies further back than this many hours is recorded and told to nobody."""

    facts_days: int = Field(default=400, ge=180, le=3_650)
    """Days for which facts about health are kept at least; older ones go once no open alert and no rule needs them."""

    attempts_days: int = Field(default=90, ge=7, le=3_650)
    """Days for which the attempts of settled deliveries are kept."""

    public_url: str = "http://127.0.0.1:8003"
    """Where people and their tools reach this service; messages link to it. Empty: no link."""

    health_url: str = "http://127.0.0.1:8002"
    """Where they reach health-score. Empty: no link."""

    rule_pages_url: str = ""
    """Where the pages of rules are; messages link to `<url>/<rule>.md`. Empty: no link."""

    templates: Path | None = None
    """A folder with the operator's own templates and words, over the shipped ones. None: only those."""

    operator_email: str = ""
    """Who reads that a channel was switched off, besides the channels marked `operator`. Empty: nobody else."""

    operator_language: Language = Language.EN
    """The language of what goes to `operator_email`."""

    tier_weights: dict[str, Annotated[float, Field(gt=0, le=100)]] = Field(default={})
    """What accounts of a tier count for in the worklist, by its name, as JSON: {"gold": 1.5}; over the usual ones."""

    rates: dict[str, Annotated[float, Field(gt=0, le=1e9)]] = Field(default={})
    """What a unit of a currency is worth in the main one, as JSON: {"JPY": 0.006}. For the worklist's order only."""

    allow_private_destinations: bool = False
    """Allow http and addresses of private networks and of this machine; for a trial on one machine."""

    smtp_host: str = ""
    """The mail server. Empty: email channels cannot deliver."""

    smtp_port: int = Field(default=587, ge=1, le=65535)
    """465: TLS from the first byte. Any other: STARTTLS is required."""

    smtp_user: str = ""
    smtp_password: str = Field(default="", repr=False)
    smtp_from: str = "mainstay@localhost.localdomain"
    smtp_ca: Path | None = None
    """A file with the certificates that may have signed the mail server's (PEM). None: those the system trusts."""

    smtp_insecure: bool = False
    """Send mail, and the password, without encryption; for a trial on one machine."""

    @model_validator(mode="after")
    def _the_sender_is_an_address(self) -> Self:
        if not is_address(self.smtp_from):
            raise ValueError("MAINSTAY_ALERTS_SMTP_FROM is not an email address")
        if bool(self.smtp_user) != bool(self.smtp_password):
            raise ValueError("MAINSTAY_ALERTS_SMTP_USER and MAINSTAY_ALERTS_SMTP_PASSWORD go together")
        return self

    @model_validator(mode="after")
    def _the_operator_can_be_told(self) -> Self:
        if self.operator_email and not is_address(self.operator_email):
            raise ValueError("MAINSTAY_ALERTS_OPERATOR_EMAIL is not an email address")
        if self.templates is not None and not self.templates.is_dir():
            raise ValueError("MAINSTAY_ALERTS_TEMPLATES is not a folder")
        if self.smtp_ca is not None and not self.smtp_ca.is_file():
            raise ValueError("MAINSTAY_ALERTS_SMTP_CA is not a file")
        return self

    @property
    def weights_of_tiers(self) -> Mapping[str, float]:
        """The weights of tiers by their names in lower case."""
        return {**TIER_WEIGHTS, **{tier.casefold(): weight for tier, weight in self.tier_weights.items()}}

    @property
    def quiet_after(self) -> timedelta:
        """The age beyond which a transition is quiet."""
        return timedelta(hours=self.quiet_after_hours)

    @property
    def facts_kept_for(self) -> timedelta:
        """For how long facts are kept at least."""
        return timedelta(days=self.facts_days)

    @property
    def attempts_kept_for(self) -> timedelta:
        """For how long attempts are kept."""
        return timedelta(days=self.attempts_days)

    @property
    def mail_server(self) -> MailServer | None:
        """The mail server, if one is set."""
        if not self.smtp_host:
            return None
        return MailServer(
            host=self.smtp_host,
            port=self.smtp_port,
            sender=self.smtp_from,
            user=self.smtp_user or None,
            password=self.smtp_password or None,
            insecure=self.smtp_insecure,
            trusted=ssl.create_default_context(cafile=self.smtp_ca) if self.smtp_ca is not None else None,
        )
