"""What goes in and out over HTTP about channels. Secrets go in, and out only where they are made."""

from datetime import datetime, timedelta
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, model_validator

from alerts.application.channels import ChannelChange
from alerts.application.delivery_ports import Refused
from alerts.domain.channels import Channel, Filter
from alerts.domain.destinations import ChannelKind, DingTalk, Email, Feishu, Webhook
from alerts.domain.words import Category, Language, Severity


def _line(text: str) -> str:
    if not text.isprintable():
        raise ValueError("control characters are not accepted")
    return text


Name = Annotated[
    str, StringConstraints(strip_whitespace=True), Field(min_length=1, max_length=100), AfterValidator(_line)
]
Owner = Annotated[str, Field(min_length=1, max_length=200), AfterValidator(_line)]
Url = Annotated[str, Field(min_length=1, max_length=2_000)]
Address = Annotated[str, Field(min_length=1, max_length=254)]
Secret = Annotated[str, Field(min_length=1, max_length=200), AfterValidator(_line)]


class _NewChannel(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: Name
    language: Language = Field(default=Language.EN, description="What its readers read")
    operator: bool = Field(
        default=False,
        strict=True,
        description="It takes what the operator has to know (a channel was switched off), and no alerts",
    )
    owners: list[Owner] = Field(default=[], max_length=500, description="Only accounts of these owners; empty: all")
    categories: list[Category] = Field(default=[], description="Only these categories; empty: all")
    min_severity: Severity = Severity.INFO

    @property
    def filter(self) -> Filter:
        """What the channel takes."""
        return Filter(frozenset(self.owners), frozenset(self.categories), self.min_severity)


class NewWebhook(_NewChannel):
    """A receiver of signed webhooks."""

    kind: Literal["webhook"]
    url: Url


class NewSlack(_NewChannel):
    """An incoming webhook of Slack, or of a chat that speaks its format."""

    kind: Literal["slack"]
    url: Url


class NewTeams(_NewChannel):
    """A workflow of Microsoft Teams that starts with a web request and posts its card."""

    kind: Literal["teams"]
    url: Url


class NewWeCom(_NewChannel):
    """A group robot of WeCom (企业微信)."""

    kind: Literal["wecom"]
    url: Url


class NewDingTalk(_NewChannel):
    """A group robot of DingTalk (钉钉)."""

    kind: Literal["dingtalk"]
    url: Url
    secret: Secret | None = Field(default=None, description="Where the robot asks for signatures (加签)")


class NewFeishu(_NewChannel):
    """A group robot of Feishu or Lark (飞书)."""

    kind: Literal["feishu"]
    url: Url
    secret: Secret | None = Field(default=None, description="Where the robot asks for signatures (签名校验)")


class NewEmail(_NewChannel):
    """A mailbox."""

    kind: Literal["email"]
    to: Address = Field(description="An address, or `owner`: the account's owner where that is an address")
    fallback: Address | None = Field(default=None, description="For accounts whose owner is no address")


NewChannel = Annotated[
    NewWebhook | NewSlack | NewTeams | NewWeCom | NewDingTalk | NewFeishu | NewEmail, Field(discriminator="kind")
]


class ChannelPatch(BaseModel):
    """What to change; members left out stay as they are."""

    model_config = ConfigDict(extra="forbid")

    name: Name | None = None
    enabled: bool | None = Field(default=None, strict=True)
    language: Language | None = None
    operator: bool | None = Field(default=None, strict=True)
    url: Url | None = None
    secret: Secret | None = Field(default=None, description="Of a robot of DingTalk or Feishu")
    to: Address | None = None
    fallback: Address | None = None
    owners: list[Owner] | None = Field(default=None, max_length=500)
    categories: list[Category] | None = None
    min_severity: Severity | None = None

    @model_validator(mode="after")
    def _null_is_no_change(self) -> Self:
        nulls = sorted(name for name in self.model_fields_set if getattr(self, name) is None)
        if nulls:
            raise ValueError(f"null is not a value for {', '.join(nulls)}; leave it out to keep what is")
        return self

    @property
    def change(self) -> ChannelChange:
        """The command."""
        return ChannelChange(
            name=self.name,
            enabled=self.enabled,
            language=self.language,
            operator=self.operator,
            url=self.url,
            secret=self.secret,
            to=self.to,
            fallback=self.fallback,
            owners=None if self.owners is None else frozenset(self.owners),
            categories=None if self.categories is None else frozenset(self.categories),
            min_severity=self.min_severity,
        )


class RotateBody(BaseModel):
    """How long messages are signed with the previous secret too."""

    model_config = ConfigDict(extra="forbid")

    keep_hours: int = Field(default=24, ge=0, le=24 * 30, strict=True)

    @property
    def keep_for(self) -> timedelta:
        """The time in which receivers take on the new secret."""
        return timedelta(hours=self.keep_hours)


class RefusedView(BaseModel):
    """An address that a mail server refused."""

    address: str
    refused_at: datetime
    until: datetime = Field(description="From then on mail to it is tried again")
    reason: str

    @classmethod
    def of(cls, refused: Refused) -> Self:
        """The view of a refused address."""
        return cls(address=refused.address, refused_at=refused.refused_at, until=refused.until, reason=refused.reason)


class ChannelView(BaseModel):
    """A channel. Secrets are never shown: of a URL only the server, since the rest of it may be a credential."""

    id: str
    name: str
    kind: ChannelKind
    language: Language
    operator: bool
    server: str | None = Field(description="Scheme and host of the URL")
    signed: bool = Field(description="Requests to it carry a signature")
    previous_secret_until: datetime | None = Field(
        description="Until then a webhook's messages are signed with its previous secret too"
    )
    to: str | None
    fallback: str | None
    owners: list[str]
    categories: list[Category]
    min_severity: Severity
    enabled: bool
    disabled_at: datetime | None
    disabled_reason: str | None = Field(
        description="Why Mainstay switched it off; `enabled: true` switches it on again"
    )
    failing_since: datetime | None
    created_at: datetime
    updated_at: datetime

    @classmethod
    def of(cls, channel: Channel) -> Self:
        """The view of a channel."""
        return cls.model_validate(_shown(channel))


class ChannelCreated(ChannelView):
    """A channel with the signing secret just made for it, where it has one: this is the only time it is shown."""

    secret: str | None

    @classmethod
    def of(cls, channel: Channel) -> Self:
        """The view of a channel just made, or of one whose secret was."""
        destination = channel.destination
        secret = destination.secret if isinstance(destination, Webhook) else None
        return cls.model_validate({**_shown(channel), "secret": secret})


def _shown(channel: Channel) -> dict[str, object]:
    destination, server, to, fallback = channel.destination, None, None, None
    if isinstance(destination, Email):
        to, fallback = destination.to, destination.fallback
    elif destination.url:
        server = _server(destination.url)
    signed = isinstance(destination, Webhook | DingTalk | Feishu) and destination.secret is not None
    return {
        "id": channel.id,
        "name": channel.name,
        "kind": channel.kind,
        "language": channel.language,
        "operator": channel.operator,
        "server": server,
        "signed": signed,
        "previous_secret_until": destination.previous_until if isinstance(destination, Webhook) else None,
        "to": to,
        "fallback": fallback,
        "owners": sorted(channel.filter.owners),
        "categories": sorted(channel.filter.categories),
        "min_severity": channel.filter.min_severity,
        "enabled": channel.enabled,
        "disabled_at": channel.disabled_at,
        "disabled_reason": channel.disabled_reason,
        "failing_since": channel.failing_since,
        "created_at": channel.created_at,
        "updated_at": channel.updated_at,
    }


def _server(url: str) -> str | None:
    """Scheme and host of a stored address; None where it cannot be read, so that its channel can still be deleted."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return None
    return f"{parts.scheme}://{parts.netloc}"
