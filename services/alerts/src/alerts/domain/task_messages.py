"""What people read about tasks of playbooks: overdue ones, those of others, and what a playbook has to say."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any, Final

from alerts.domain.accounts import Account
from alerts.domain.messages import Links, Message
from alerts.domain.vocabulary import Vocabulary
from alerts.domain.words import Category, Severity

OVERDUE: Final = "task-overdue"
ESCALATED: Final = "task-escalated"
MESSAGE: Final = "playbook-message"
KINDS: Final = frozenset({OVERDUE, ESCALATED, MESSAGE})
NEEDLESS_WHEN_SETTLED: Final = frozenset({OVERDUE, ESCALATED})
"""Nobody needs to hear of a task that is settled by the time that they can be told."""


def severity_of(kind: str) -> Severity:
    """How much a message of a kind asks for attention."""
    return Severity.INFO if kind == MESSAGE else Severity.WARNING


def task_message(
    notification_id: str,
    kind: str,
    about: Mapping[str, Any],
    account: Account,
    at: datetime,
    words: Vocabulary,
    links: Links,
) -> Message:
    """The message; `about` is what was written down when it was due, its texts by language."""
    language = words.language.value
    title, playbook = about["title"][language], about["playbook"][language]
    due_on = words.day(date.fromisoformat(about["due_on"])) if about["due_on"] else words.label("none")
    if kind == MESSAGE:
        headline = words.label("playbook_says", account=account.label, playbook=playbook)
        text = about["text"][language]
    else:
        label = "task_overdue" if kind == OVERDUE else "task_escalated"
        headline = words.label(label, account=account.label, task=title)
        text = words.label(
            "task_text",
            playbook=playbook,
            due=due_on,
            assignee=about["assignee"] or words.label("nobody"),
            worth=words.worth(account.arr, account.next_renewal_on),
        )
    guidance = about["guidance"][language] if about["guidance"] and kind != MESSAGE else ""
    return Message(
        notification_id=notification_id,
        kind=kind,
        severity=severity_of(kind),
        category=Category(about["category"]),
        title=headline,
        text=text,
        occurred_at=at,
        account=account,
        words=words,
        next_steps=(guidance,) if guidance else (),
        links=(*links.to_worklist(about["assignee"], words), *links.to_account(account, words)),
    )
