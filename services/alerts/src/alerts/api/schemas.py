"""What goes in and out over HTTP."""

from datetime import date, datetime
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, model_validator

from alerts.application.channels import ChannelChange
from alerts.application.ports import Delivery
from alerts.application.reading import DeliveryOnRecord
from alerts.domain.accounts import Account
from alerts.domain.alerts import Alert, State, Step, Transition
from alerts.domain.channels import Channel, ChannelKind, Email, Filter, Webhook
from alerts.domain.deliveries import DeliveryState
from alerts.domain.messages import text_of, title_of
from alerts.domain.rules import Rule, Rulebook
from alerts.domain.words import Category, Severity
from mainstay.kernel.money import Money


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


class MoneyView(BaseModel):
    """An exact amount and its ISO 4217 currency."""

    amount: str
    currency: str

    @classmethod
    def of(cls, money: Money) -> Self:
        """The view of an amount."""
        return cls(amount=str(money.amount), currency=money.currency)


class AccountView(BaseModel):
    """The account as alerts knows it now."""

    id: str
    name: str | None
    owner: str | None
    tier: str | None
    arr: list[MoneyView]
    next_renewal_on: date | None = Field(description="The first day after the next term that ends")

    @classmethod
    def of(cls, account: Account) -> Self:
        """The view of an account."""
        return cls(
            id=account.id,
            name=account.name,
            owner=account.owner,
            tier=account.tier,
            arr=[MoneyView.of(money) for money in account.arr],
            next_renewal_on=account.next_renewal_on,
        )


class AlertView(BaseModel):
    """An alert: what happened, why, where it stands, and what to do."""

    id: str
    identity: str = Field(description="Rule, account, and severity band or term: the same thing has the same identity")
    account: AccountView
    rule: str
    rule_version: int
    category: Category
    severity: Severity
    grade: str = Field(description="The band that was entered, `silent`, or the health at which a window opened")
    state: State
    title: str
    reason: str
    next_steps: list[str]
    opened_at: datetime = Field(description="When it began, which may lie long before it was recorded")
    recorded_at: datetime
    quiet: bool = Field(description="It lay too far in the past to tell anybody when it was recorded")
    told: bool = Field(description="A notification was made")
    acknowledged_at: datetime | None
    acknowledged_by: str | None
    resolved_at: datetime | None
    resolved_by: str | None = Field(description="Null where the condition passed by itself")
    resolution: str | None
    resolution_reason: str | None

    @classmethod
    def of(cls, alert: Alert, account: Account, rulebook: Rulebook) -> Self:
        """The view of an alert."""
        rule = rulebook.named(alert.rule)
        return cls(
            id=alert.id,
            identity=alert.identity,
            account=AccountView.of(account),
            rule=alert.rule,
            rule_version=alert.rule_version,
            category=alert.category,
            severity=alert.severity,
            grade=alert.grade,
            state=alert.state,
            title=title_of(alert, account, rule),
            reason=text_of(alert, account, rule),
            next_steps=list(rule.next_steps) if rule else [],
            opened_at=alert.opened_at,
            recorded_at=alert.recorded_at,
            quiet=alert.quiet,
            told=alert.told,
            acknowledged_at=alert.acknowledged_at,
            acknowledged_by=alert.acknowledged_by,
            resolved_at=alert.resolved_at,
            resolved_by=alert.resolved_by,
            resolution=alert.resolution,
            resolution_reason=alert.reason,
        )


class TransitionView(BaseModel):
    """One step of an alert's life."""

    step: Step
    occurred_at: datetime
    recorded_at: datetime
    quiet: bool
    by: str | None
    comment: str | None

    @classmethod
    def of(cls, transition: Transition) -> Self:
        """The view of a transition."""
        return cls(
            step=transition.step,
            occurred_at=transition.occurred_at,
            recorded_at=transition.recorded_at,
            quiet=transition.quiet,
            by=transition.by,
            comment=transition.comment,
        )


class AlertWithHistory(AlertView):
    """An alert with its life so far, oldest step first."""

    transitions: list[TransitionView] = []


class AcknowledgeBody(BaseModel):
    """Why, or how, somebody takes an alert on."""

    model_config = ConfigDict(extra="forbid")

    comment: str | None = Field(default=None, max_length=2_000)


class ResolveBody(BaseModel):
    """Why an alert is settled."""

    model_config = ConfigDict(extra="forbid")

    reason: str | None = Field(default=None, max_length=2_000)


class RuleView(BaseModel):
    """A rule in force."""

    id: str
    version: int
    kind: str
    category: Category
    severity: dict[str, Severity] = Field(description="By grade")
    title: str
    text: str
    next_steps: list[str]

    @classmethod
    def of(cls, rule: Rule) -> Self:
        """The view of a rule."""
        return cls(
            id=rule.id,
            version=rule.version,
            kind=rule.kind,
            category=rule.category,
            severity=dict(rule.severity),
            title=rule.title,
            text=rule.text,
            next_steps=list(rule.next_steps),
        )


class _NewChannel(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: Name
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


class NewEmail(_NewChannel):
    """A mailbox."""

    kind: Literal["email"]
    to: Address = Field(description="An address, or `owner`: the account's owner where that is an address")
    fallback: Address | None = Field(default=None, description="For accounts whose owner is no address")


NewChannel = Annotated[NewWebhook | NewSlack | NewEmail, Field(discriminator="kind")]


class ChannelPatch(BaseModel):
    """What to change; members left out stay as they are."""

    model_config = ConfigDict(extra="forbid")

    name: Name | None = None
    enabled: bool | None = Field(default=None, strict=True)
    url: Url | None = None
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
            url=self.url,
            to=self.to,
            fallback=self.fallback,
            owners=None if self.owners is None else frozenset(self.owners),
            categories=None if self.categories is None else frozenset(self.categories),
            min_severity=self.min_severity,
        )


class ChannelView(BaseModel):
    """A channel. Secrets are never shown: of a URL only the server, since the rest of it may be a credential."""

    id: str
    name: str
    kind: ChannelKind
    server: str | None = Field(description="Scheme and host of the URL")
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
    """A new channel, with its signing secret where it has one: this is the only time it is shown."""

    secret: str | None

    @classmethod
    def of(cls, channel: Channel) -> Self:
        """The view of a channel just made."""
        destination = channel.destination
        secret = destination.secret if isinstance(destination, Webhook) else None
        return cls.model_validate({**_shown(channel), "secret": secret})


class DeliveryView(BaseModel):
    """One notification on its way to one channel. `id` is what the destination sees, stable over retries."""

    id: str
    notification_id: str
    kind: str = Field(description="opened, resolved or test")
    channel_id: str
    alert_id: str | None
    account_id: str | None
    state: DeliveryState
    attempts: int
    next_attempt_at: datetime | None
    error: str | None = Field(description="Why the last attempt failed, or why nothing was sent")
    created_at: datetime
    delivered_at: datetime | None

    @classmethod
    def of(cls, record: DeliveryOnRecord) -> Self:
        """The view of a delivery."""
        return cls.about(record.delivery, record.kind, record.alert_id, record.account_id)

    @classmethod
    def about(cls, delivery: Delivery, kind: str, alert_id: str | None = None, account_id: str | None = None) -> Self:
        """The view of a delivery whose notification is known."""
        return cls(
            id=delivery.id,
            notification_id=delivery.notification_id,
            kind=kind,
            channel_id=delivery.channel_id,
            alert_id=alert_id,
            account_id=account_id,
            state=delivery.state,
            attempts=delivery.attempts,
            next_attempt_at=delivery.next_attempt_at,
            error=delivery.error,
            created_at=delivery.created_at,
            delivered_at=delivery.delivered_at,
        )


def _shown(channel: Channel) -> dict[str, object]:
    destination, server, to, fallback = channel.destination, None, None, None
    if isinstance(destination, Email):
        to, fallback = destination.to, destination.fallback
    elif destination.url:
        server = _server(destination.url)
    return {
        "id": channel.id,
        "name": channel.name,
        "kind": channel.kind,
        "server": server,
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
