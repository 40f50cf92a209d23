"""What a person reads: what happened, why, what it is worth, what to do next, whose it is, and where to look."""

from dataclasses import dataclass
from datetime import date, datetime
from urllib.parse import quote

from alerts.domain.accounts import Account
from alerts.domain.alerts import Alert, Notice
from alerts.domain.rules import Rule, Rulebook
from alerts.domain.words import Category, Severity
from mainstay.kernel.money import Money

TEST = "test"


@dataclass(frozen=True, slots=True)
class Links:
    """Where people and their tools find more: the base URLs of this service and of health-score; empty: no link."""

    alerts: str = ""
    health: str = ""

    def to(self, alert: Alert) -> tuple[tuple[str, str], ...]:
        """(what it shows, address) pairs for an alert."""
        found = []
        if self.alerts:
            found.append(("Alert", f"{self.alerts.rstrip('/')}/v1/alerts/{alert.id}"))
        if self.health:
            account = quote(alert.account_id, safe="")
            found.append(("Account health", f"{self.health.rstrip('/')}/v1/accounts/{account}/health"))
        return tuple(found)


@dataclass(frozen=True, slots=True)
class Message:
    """One notification in words, before any channel's markup. It holds customers' text: channels escape it.

    `notification_id` is the same on every channel and over retries. `kind` is `opened`, `resolved` or `test`.
    """

    notification_id: str
    kind: str
    severity: Severity
    category: Category
    title: str
    text: str
    occurred_at: datetime
    account: Account
    next_steps: tuple[str, ...] = ()
    links: tuple[tuple[str, str], ...] = ()
    alert: Alert | None = None

    @property
    def worth(self) -> str:
        """ARR by currency and the next renewal, or what is not known of them."""
        return worth(self.account.arr, self.account.next_renewal_on)

    @property
    def owner(self) -> str:
        """Whose account it is."""
        return self.account.owner or "nobody yet"


def title_of(alert: Alert, account: Account, rule: Rule | None) -> str:
    """What happened, in one line."""
    if rule is None:
        return f"{account.label}: {alert.rule}"
    return rule.worded(rule.title, {**alert.words, "account": account.label})


def text_of(alert: Alert, account: Account, rule: Rule | None) -> str:
    """Why, in a sentence or two."""
    return rule.worded(rule.text, {**alert.words, "account": account.label}) if rule else ""


def compose(
    notification_id: str, notice: Notice, alert: Alert, account: Account, rulebook: Rulebook, links: Links
) -> Message:
    """The message for one notice of an alert."""
    rule = rulebook.named(alert.rule)
    title, text = title_of(alert, account, rule), text_of(alert, account, rule)
    if notice is Notice.RESOLVED:
        title, text = f"Resolved: {title}", alert.reason or ""
    resolved = notice is Notice.RESOLVED
    return Message(
        notification_id=notification_id,
        kind=notice.value,
        severity=alert.severity,
        category=alert.category,
        title=title,
        text=text,
        occurred_at=(alert.resolved_at if resolved else None) or alert.opened_at,
        account=account,
        next_steps=rule.next_steps if rule and not resolved else (),
        links=links.to(alert),
        alert=alert,
    )


def test_message(notification_id: str, channel_name: str, at: datetime) -> Message:
    """What a channel's test sends."""
    return Message(
        notification_id=notification_id,
        kind=TEST,
        severity=Severity.INFO,
        category=Category.ACTIVITY,
        title=f"Test message for the channel {channel_name}",
        text="Mainstay can reach this channel. Alerts that it takes will look like this.",
        occurred_at=at,
        account=Account("example", name="Example account"),
    )


def worth(arr: tuple[Money, ...], next_renewal_on: date | None) -> str:
    """A phrase like `ARR 12,000.00 EUR, next renewal 2026-09-30`."""
    amounts = " + ".join(f"{money.amount:,.2f} {money.currency}" for money in arr)
    renewal = f"next renewal {next_renewal_on.isoformat()}" if next_renewal_on else "no renewal date known"
    return f"{f'ARR {amounts}' if amounts else 'ARR not known'}, {renewal}"
