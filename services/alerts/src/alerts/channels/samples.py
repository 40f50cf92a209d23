"""Messages to try templates with: one of each kind, with every member that a message can have, and with none."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal

from alerts.domain.accounts import Account
from alerts.domain.alerts import Alert, Notice
from alerts.domain.messages import Digest, Links, Message, disabled_message, test_message
from alerts.domain.vocabulary import Vocabulary
from alerts.domain.words import Category, Severity
from mainstay.kernel.money import Money

_AT = datetime(2026, 3, 1, 9, tzinfo=UTC)
_ACCOUNT = Account(
    "acme",
    sequence=1,
    name='Acme & "Sons" <Ltd>',
    owner="ann@example.com",
    tier="gold",
    arr=(Money(Decimal(12_000), "EUR"),),
    next_renewal_on=date(2026, 9, 30),
)
_ALERT = Alert(
    id="a1",
    identity="band-worsened/acme/red",
    account_id="acme",
    subject="band",
    rule="band-worsened",
    rule_version=1,
    category=Category.RISK,
    grade="red",
    severity=Severity.CRITICAL,
    words={},
    opened_at=_AT,
    opened_by="e1",
    recorded_at=_AT,
)
_LINKS = Links("https://mainstay.example", "https://health.example")
_PRESS = f"https://mainstay.example/v1/actions/{'x' * 120}"


def samples(words: Vocabulary, *, digest: bool) -> Iterator[Message | Digest]:
    """Messages of every kind, or digests of them."""
    opened = Message(
        notification_id="n1",
        kind=Notice.OPENED,
        severity=Severity.CRITICAL,
        category=Category.RISK,
        title=f"{_ACCOUNT.label} / {words.bands['red']}",
        text=words.label("digest_text"),
        occurred_at=_AT,
        account=_ACCOUNT,
        words=words,
        next_steps=(words.label("next"), "2"),
        links=(*_LINKS.to(_ALERT, words), *((words.label(name), _PRESS) for name in ("do_acknowledge", "do_snooze"))),
        alert=_ALERT,
    )
    every = (
        opened,
        replace(
            opened,
            mention="U1",
            sections=((words.label("next"), (_ACCOUNT.label, "2")), (words.label("worth"), ("3",))),
        ),
        replace(opened, kind=Notice.RESOLVED, next_steps=(), text=""),
        replace(opened, account=Account("x"), links=(), next_steps=(), severity=Severity.INFO),
        test_message("n2", "channel", _AT, words),
        disabled_message("n3", {"id": "c1", "channel": "chat", "reason": "-"}, _AT, words),
    )
    if digest:
        yield Digest("d1", every, words)
        yield Digest("d2", every[:2], words)
    else:
        yield from every
