"""What a person reads: what happened, why, what it is worth, what to do next, whose it is, and where to look."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from urllib.parse import quote

from alerts.domain.accounts import Account
from alerts.domain.action_links import HOLDS_FOR, Action, ActionLink, LinkSigner, Who
from alerts.domain.alerts import Alert, Notice
from alerts.domain.rules import Rulebook
from alerts.domain.vocabulary import Vocabulary
from alerts.domain.words import Category, Severity

TEST = "test"
CHANNEL_DISABLED = "channel-disabled"
DAILY = "daily"
WEEKLY = "weekly"

MOST_LINKS = 5
"""Of a message about several alerts: Slack and others take no more than so many buttons beside each other."""


@dataclass(frozen=True, slots=True)
class Links:
    """Where people and their tools find more: the base URLs of this service, of health-score, and of rules' pages.

    Empty: no link.
    """

    alerts: str = ""
    health: str = ""
    rules: str = ""

    def to(self, alert: Alert, words: Vocabulary) -> tuple[tuple[str, str], ...]:
        """(what it shows, address) pairs for an alert."""
        found = []
        if self.alerts:
            found.append((words.label("to_alert"), f"{self.alerts.rstrip('/')}/v1/alerts/{alert.id}"))
        found += self.to_account(Account(alert.account_id), words)
        if self.rules:
            found.append((words.label("to_rule"), f"{self.rules.rstrip('/')}/{quote(alert.rule, safe='')}.md"))
        return tuple(found)

    def to_account(self, account: Account, words: Vocabulary) -> tuple[tuple[str, str], ...]:
        """Where an account's health is; a source of data has none."""
        if not self.health or account.is_source:
            return ()
        address = f"{self.health.rstrip('/')}/v1/accounts/{quote(account.id, safe='')}/health"
        return ((words.label("to_health"), address),)

    def to_worklist(self, owner: str | None, words: Vocabulary) -> tuple[tuple[str, str], ...]:
        """Where somebody's worklist is."""
        if not self.alerts or owner is None:
            return ()
        address = f"{self.alerts.rstrip('/')}/v1/worklist?owner={quote(owner, safe='')}"
        return ((words.label("to_worklist"), address),)

    def to_do(
        self, alert: Alert, words: Vocabulary, signer: LinkSigner, who: Who, now: datetime
    ) -> tuple[tuple[str, str], ...]:
        """(what it does, address) pairs: one click on such a link, and one on its page, acts on an open alert."""
        if not self.alerts or alert.is_resolved:
            return ()
        expires = (now + HOLDS_FOR).replace(microsecond=0)
        tokens = ((each, signer.token(ActionLink(alert.id, each, who, expires))) for each in Action)
        base = self.alerts.rstrip("/")
        return tuple((words.label(f"do_{each.value}"), f"{base}/v1/actions/{token}") for each, token in tokens if token)


@dataclass(frozen=True, slots=True)
class Message:
    """One notification in words, before any channel's markup. It holds customers' text: channels escape it.

    `notification_id` is the same on every channel and over retries. `kind` is `opened`, `resolved`, `test` or
    `channel-disabled`; `words` are those of the channel's language. `account` is none where it is about no account.
    """

    notification_id: str
    kind: str
    severity: Severity
    category: Category
    title: str
    text: str
    occurred_at: datetime
    account: Account
    words: Vocabulary
    next_steps: tuple[str, ...] = ()
    links: tuple[tuple[str, str], ...] = ()
    alert: Alert | None = None
    attach: tuple[str, ...] = ()
    """What of the account's record its rule has shown besides."""
    refused: frozenset[str] = frozenset()
    """Addresses that refuse mail."""
    to: str | None = None
    """The mail address of the person it is for, where it is for somebody."""
    mention: str | None = None
    """What mentions the person it is for in the chat that it goes to."""
    sections: tuple[tuple[str, tuple[str, ...]], ...] = ()
    """Headings and the lines below them: several alerts in one message, and digests."""

    @property
    def worth(self) -> str:
        """ARR by currency and the next renewal, or what is not known of them."""
        return self.words.worth(self.account.arr, self.account.next_renewal_on)

    @property
    def owner(self) -> str:
        """Whose account it is."""
        return self.account.owner or self.words.label("nobody")

    @property
    def is_resolution(self) -> bool:
        """Whether it says that something is over."""
        return self.kind == Notice.RESOLVED

    @property
    def facts(self) -> tuple[tuple[str, str], ...]:
        """(label, value) pairs that every message about an account shows."""
        if self.alert is None:
            return ()
        words = self.words
        since = (words.label("over_since" if self.is_resolution else "since"), words.instant(self.occurred_at))
        if self.account.is_source:
            return (since,)
        return (
            (words.label("worth"), self.worth),
            (words.label("owner"), self.owner),
            (words.label("tier"), self.account.tier or words.label("none")),
            since,
            *((words.label(f"attached_{name}"), shown) for name in self.attach if (shown := self._attached(name))),
        )

    def _attached(self, name: str) -> str:
        value = getattr(self.account, name)
        return "" if value is None else self.words.terms.get(str(value), str(value))


@dataclass(frozen=True, slots=True)
class Digest:
    """Several messages for one channel that are sent as one, because more came together than it may be sent."""

    id: str
    messages: tuple[Message, ...]
    words: Vocabulary

    @property
    def title(self) -> str:
        """How many there are, in one line."""
        return self.words.label("digest_title", count=len(self.messages))

    @property
    def text(self) -> str:
        """Why they come together."""
        return self.words.label("digest_text")

    @property
    def more(self) -> str:
        """What stands before all but the first."""
        return self.words.label("digest_more", count=len(self.messages) - 1)

    @property
    def severity(self) -> Severity:
        """That of the most severe."""
        return max((message.severity for message in self.messages), key=lambda severity: severity.rank)


def compose(
    notification_id: str,
    notice: Notice,
    alert: Alert,
    account: Account,
    rulebook: Rulebook,
    links: Links,
    words: Vocabulary,
) -> Message:
    """The message for one notice of an alert."""
    rule = rulebook.named(alert.rule)
    title, text = words.title(alert, account, rule), words.text(alert, account, rule)
    resolved = notice is Notice.RESOLVED
    match notice:
        case Notice.RESOLVED:
            title, text = words.label("resolved", title=title), words.ending(alert)
        case Notice.ESCALATED:
            title = words.label("escalated", title=title)
            text = words.sentences(words.label("escalated_text"), text)
        case Notice.RETURNED:
            title = words.label("returned", title=title)
        case Notice.OPENED:
            pass
    return Message(
        notification_id=notification_id,
        kind=notice.value,
        severity=alert.severity,
        category=alert.category,
        title=title,
        text=text,
        occurred_at=(alert.resolved_at if resolved else None) or alert.opened_at,
        account=account,
        words=words,
        next_steps=() if resolved else words.next_steps(rule),
        links=links.to(alert, words),
        alert=alert,
        attach=rule.attach if rule else (),
    )


def together(messages: Sequence[Message]) -> Message:
    """What came together for one account as one message, the most severe first."""
    first = messages[0]
    over = all(message.is_resolution for message in messages)
    links: dict[str, str] = {}
    for title, url in (link for message in messages for link in message.links):
        links.setdefault(url, title)
    return replace(
        first,
        kind=first.kind if over else next(message.kind for message in messages if not message.is_resolution),
        title=first.words.label("together_title", account=first.account.label, count=len(messages)),
        text=first.words.label("together_text"),
        next_steps=(),
        links=tuple((title, url) for url, title in links.items())[:MOST_LINKS],
        sections=tuple(
            (message.title, tuple(line for line in (message.text, *message.next_steps[:1]) if line))
            for message in messages
        ),
    )


def test_message(notification_id: str, channel_name: str, at: datetime, words: Vocabulary) -> Message:
    """What a channel's test sends."""
    return Message(
        notification_id=notification_id,
        kind=TEST,
        severity=Severity.INFO,
        category=Category.ACTIVITY,
        title=words.label("test_title", channel=channel_name),
        text=words.label("test_text"),
        occurred_at=at,
        account=Account("example", name=words.label("test_account")),
        words=words,
    )


def digest_message(
    notification_id: str,
    kind: str,
    about: Mapping[str, Any],
    words: Vocabulary,
    links: tuple[tuple[str, str], ...] = (),
) -> Message:
    """Somebody's daily or weekly digest; `about` is what was found when it was due, in their language."""
    return Message(
        notification_id=notification_id,
        kind=kind,
        severity=Severity.INFO,
        category=Category.ACTIVITY,
        title=about["title"],
        text=about["text"],
        occurred_at=datetime.fromisoformat(about["at"]),
        account=Account("mainstay", name="Mainstay"),
        words=words,
        links=links,
        sections=tuple((heading, tuple(lines)) for heading, lines in about["sections"]),
    )


def disabled_message(notification_id: str, about: Mapping[str, str], at: datetime, words: Vocabulary) -> Message:
    """What the operator reads when a channel was switched off; `about` has its `id`, its name and the `reason`."""
    steps = ("disabled_step_look", "disabled_step_on", "disabled_step_replay")
    return Message(
        notification_id=notification_id,
        kind=CHANNEL_DISABLED,
        severity=Severity.CRITICAL,
        category=Category.ACTIVITY,
        title=words.label("disabled_title", channel=about["channel"]),
        text=words.label("disabled_text", reason=about["reason"]),
        occurred_at=at,
        account=Account("mainstay", name="Mainstay"),
        words=words,
        next_steps=tuple(words.label(step, id=about["id"]) for step in steps),
    )


def in_order(messages: Sequence[Message]) -> tuple[Message, ...]:
    """The most severe first, then the oldest: the order in which a digest names them."""
    return tuple(sorted(messages, key=lambda message: (-message.severity.rank, message.occurred_at)))
