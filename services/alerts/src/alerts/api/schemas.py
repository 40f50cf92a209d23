"""What goes in and out over HTTP about alerts and rules."""

from datetime import date, datetime, timedelta
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field

from alerts.api.told_schemas import EscalationView, MuteView, ToldView
from alerts.application.wording import text_of, title_of
from alerts.domain.accounts import Account
from alerts.domain.alerts import Alert, State, Step, Transition
from alerts.domain.handling import Feedback, Outcome
from alerts.domain.rules import Rule, Rulebook
from alerts.domain.words import Category, Severity
from mainstay.kernel.money import Money


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
    playbook: str | None = Field(default=None, description="The name of the playbook that its rule proposes")
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
    outcome: Outcome | None = Field(default=None, description="What came of it, as whoever resolved it said")
    snoozed_until: datetime | None = Field(default=None, description="Nobody is told before; then it is back")
    snoozed_by: str | None = None
    assignee: str | None = Field(default=None, description="To whom it was given; null: whoever has the account")
    feedback: Feedback | None = Field(default=None, description="Whether it was right, as a person judged it")
    feedback_by: str | None = None
    feedback_at: datetime | None = None

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
            playbook=rule.playbook if rule else None,
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
            outcome=Outcome(alert.outcome) if alert.outcome else None,
            snoozed_until=alert.snoozed_until,
            snoozed_by=alert.snoozed_by,
            assignee=alert.assignee,
            feedback=Feedback(alert.feedback) if alert.feedback else None,
            feedback_by=alert.feedback_by,
            feedback_at=alert.feedback_at,
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
    notifications: list[ToldView] = Field(default=[], description="Every message about it, and why some were not sent")
    unreached: list[MuteView] = Field(default=[], description="Whom the routing names and could not reach")
    escalation: EscalationView | None = None


class AcknowledgeBody(BaseModel):
    """Why, or how, somebody takes an alert on."""

    model_config = ConfigDict(extra="forbid")

    comment: str | None = Field(default=None, max_length=2_000)


class RuleView(BaseModel):
    """A rule, as it is in force or switched off."""

    id: str
    version: int
    enabled: bool
    kind: str
    category: Category
    severity: dict[str, Severity] = Field(description="By grade: what the kind tells apart, or the severity by level")
    levels: dict[str, float] = Field(description="From which value on it is how severe")
    when: dict[str, str | int | list[str]] = Field(description="The settings of the kind; conditions by severity")
    hold_for_seconds: int = Field(description="How long the condition must hold before an alert opens")
    keep_firing_for_seconds: int = Field(description="How long an alert stays open after the condition was last true")
    cooldown_seconds: int = Field(description="How long after its end no other alert of the same grade opens")
    playbook: str | None
    attach: list[str]
    title: str
    text: str
    next_steps: list[str]

    @classmethod
    def of(cls, rule: Rule) -> Self:
        """The view of a rule."""
        return cls(
            id=rule.id,
            version=rule.version,
            enabled=rule.enabled,
            kind=rule.kind,
            category=rule.category,
            severity=dict(rule.severity),
            levels=dict(rule.levels),
            when={name: _plain(value) for name, value in rule.when.items()}
            | {grade: condition.text for grade, condition in rule.conditions.items()},
            hold_for_seconds=int(rule.holding.hold_for.total_seconds()),
            keep_firing_for_seconds=int(rule.holding.keep_firing_for.total_seconds()),
            cooldown_seconds=int(rule.holding.cooldown.total_seconds()),
            playbook=rule.playbook,
            attach=list(rule.attach),
            title=rule.title,
            text=rule.text,
            next_steps=list(rule.next_steps),
        )


def _plain(value: Any) -> str | int | list[str]:
    """A setting as an answer shows it; durations in seconds."""
    if isinstance(value, timedelta):
        return int(value.total_seconds())
    return list(value) if isinstance(value, tuple) else value
