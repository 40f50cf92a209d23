"""What goes in and out over HTTP about routing, silences, and who was told."""

from datetime import datetime
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from alerts.api.handlers import Instant
from alerts.api.people_schemas import Name, Reason
from alerts.application.directory_ports import Version
from alerts.application.routing import Target, Unreached, Where
from alerts.domain.routing import Branch, EscalationStep, Inhibition, Match, QuietHours, Receiver, Routing, To
from alerts.domain.silences import LONGEST, Silence
from alerts.domain.words import Category, Severity

Names = Annotated[list[Name], Field(max_length=500)]


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class MatchBody(_Body):
    """Which alerts are meant. Of each list that is not empty one has to fit; an empty one fits all."""

    categories: list[Category] = []
    severities: list[Severity] = []
    rules: Names = []
    accounts: Names = []
    owners: Names = []
    tiers: Names = []
    segments: Names = []
    stages: Names = []

    @property
    def match(self) -> Match:
        """What is meant."""
        return Match(**{name: frozenset(getattr(self, name)) for name in type(self).model_fields})

    @classmethod
    def of(cls, match: Match) -> Self:
        """What is meant, as it is written."""
        return cls(**{name: sorted(getattr(match, name)) for name in cls.model_fields})


class ReceiverBody(_Body):
    """Who hears: exactly one member is set."""

    role: Name | None = Field(default=None, description="A role of the account's team; `owner` and `csm` are its owner")
    manager_of: Name | None = Field(default=None, description="The manager of whoever has this role")
    person: Name | None = Field(default=None, description="The id of a person; on leave, whoever stands in")
    team: Name | None = Field(
        default=None, description="A pool gives it to one member; else the account's own, or the lead"
    )
    channel: Name | None = Field(default=None, description="The id of a channel, whatever its filter says")
    filters: bool | None = Field(default=None, strict=True, description="true: every channel whose own filter takes it")

    @model_validator(mode="after")
    def _is_one(self) -> Self:
        named = [name for name in type(self).model_fields if getattr(self, name)]
        if len(named) != 1:
            raise ValueError("exactly one of role, manager_of, person, team, channel and filters (true)")
        return self

    @property
    def receiver(self) -> Receiver:
        """The receiver."""
        (named,) = (name for name in type(self).model_fields if getattr(self, name))
        return Receiver(To(named), "" if named == To.FILTERS else getattr(self, named))

    @classmethod
    def of(cls, receiver: Receiver) -> Self:
        """A receiver, as it is written."""
        return cls.model_validate({receiver.to.value: True if receiver.to is To.FILTERS else receiver.id})


class StepBody(_Body):
    """Who hears when nobody acknowledged so many minutes after the step before, or after the opening could be heard."""

    after_minutes: int = Field(ge=1, le=60 * 24 * 30, strict=True)
    to: list[ReceiverBody] = Field(min_length=1, max_length=20)


class InhibitionBody(_Body):
    """Alerts that nobody is told of as long as their account is so. `name` says why."""

    name: Name
    match: MatchBody


class RouteBody(_Body):
    """A branch of the tree. What is left out is as in the branch above."""

    name: Name
    match: MatchBody = MatchBody()
    to: list[ReceiverBody] | None = Field(default=None, min_length=1, max_length=20)
    continue_: bool = Field(default=False, alias="continue", strict=True, description="Go on to the next branch too")
    group_minutes: int | None = Field(
        default=None,
        ge=0,
        le=24 * 60,
        strict=True,
        description="What comes within so long for one account is one message",
    )
    quiet_hours: QuietHours | None = Field(default=None, description="Whether messages wait for working hours")
    escalation: list[StepBody] | None = Field(default=None, max_length=10)
    routes: list["RouteBody"] = Field(default=[], max_length=100)

    @property
    def branch(self) -> Branch:
        """The branch."""
        return Branch(
            name=self.name,
            match=self.match.match,
            to=None if self.to is None else tuple(each.receiver for each in self.to),
            go_on=self.continue_,
            group_minutes=self.group_minutes,
            quiet_hours=self.quiet_hours,
            escalation=None
            if self.escalation is None
            else tuple(
                EscalationStep(each.after_minutes, tuple(one.receiver for one in each.to)) for each in self.escalation
            ),
            branches=tuple(each.branch for each in self.routes),
        )

    @classmethod
    def of(cls, branch: Branch) -> Self:
        """A branch, as it is written."""
        written: dict[str, Any] = {
            "name": branch.name,
            "match": MatchBody.of(branch.match),
            "to": None if branch.to is None else [ReceiverBody.of(each) for each in branch.to],
            "continue": branch.go_on,
            "group_minutes": branch.group_minutes,
            "quiet_hours": branch.quiet_hours,
            "escalation": None
            if branch.escalation is None
            else [
                StepBody(after_minutes=each.after_minutes, to=[ReceiverBody.of(one) for one in each.to])
                for each in branch.escalation
            ],
            "routes": [cls.of(each) for each in branch.branches],
        }
        return cls.model_validate(written)


class RoutingDocument(_Body):
    """The tree, whose root takes what no branch takes; and what mutes. It is at most ten branches deep."""

    root: RouteBody
    inhibitions: list[InhibitionBody] | None = Field(
        default=None, max_length=100, description="Left out: risks of accounts that will churn, or have"
    )

    @model_validator(mode="after")
    def _is_shallow(self) -> Self:
        level, depth = [self.root], 0
        while level:
            depth += 1
            if depth > 10:
                raise ValueError("the tree is more than ten branches deep")
            level = [below for each in level for below in each.routes]
        return self

    @property
    def routing(self) -> Routing:
        """The routing."""
        inhibitions = (
            Routing().inhibitions
            if self.inhibitions is None
            else tuple(Inhibition(each.name, each.match.match) for each in self.inhibitions)
        )
        return Routing(self.root.branch, inhibitions, is_saved=True)

    @classmethod
    def of(cls, routing: Routing) -> Self:
        """A routing, as it is written."""
        return cls(
            root=RouteBody.of(routing.root),
            inhibitions=[
                InhibitionBody(name=each.name, match=MatchBody.of(each.match)) for each in routing.inhibitions
            ],
        )


class RoutingBody(_Body):
    """A routing to save, and why."""

    routing: RoutingDocument
    reason: Reason


class RoutingView(BaseModel):
    """The routing in force. Version 0 is what Mainstay does by itself: the owner, and channels by their filters."""

    version: int
    saved_at: datetime | None
    saved_by: str | None
    reason: str | None
    routing: RoutingDocument

    @classmethod
    def of(cls, version: Version[Routing] | None) -> Self:
        """The view of a version; None: of what holds without one."""
        if version is None or version.what is None:
            return cls(version=0, saved_at=None, saved_by=None, reason=None, routing=RoutingDocument.of(Routing()))
        return cls(
            version=version.version,
            saved_at=version.saved_at,
            saved_by=version.saved_by,
            reason=version.reason,
            routing=RoutingDocument.of(version.what),
        )


class RoutingQuestion(_Body):
    """An alert that might come. `routing`: as if that were in force, which is checked but not saved."""

    account_id: Name
    rule: Name
    category: Category | None = Field(default=None, description="Left out: the rule's")
    severity: Severity
    routing: RoutingDocument | None = None


class TargetView(BaseModel):
    """One way that it would go, by which branch, and why."""

    channel_id: str
    channel: str
    person_id: str | None
    through: str
    branch: list[str]
    quiet_hours: QuietHours
    group_minutes: int

    @classmethod
    def of(cls, target: Target) -> Self:
        """The view of a target."""
        return cls(
            channel_id=target.channel.id,
            channel=target.channel.name,
            person_id=target.person_id,
            through=target.through,
            branch=list(target.routed.path),
            quiet_hours=target.routed.quiet_hours,
            group_minutes=target.routed.group_minutes,
        )


class UnreachedView(BaseModel):
    """A receiver that reaches nobody now, and why."""

    receiver: ReceiverBody
    reason: str

    @classmethod
    def of(cls, unreached: Unreached) -> Self:
        """The view of one that reaches nobody."""
        return cls(receiver=ReceiverBody.of(unreached.receiver), reason=unreached.reason)


class RoutingAnswer(BaseModel):
    """Where an alert would go now, and why; nothing is stored."""

    branches: list[list[str]]
    targets: list[TargetView]
    unreached: list[UnreachedView]
    fell_back: bool = Field(description="What is named reaches nobody, so the operator's channels hear")
    inhibited_by: str | None = Field(description="Why nobody would be told, as the account is now")
    escalation: list[StepBody]

    @classmethod
    def of(cls, where: Where, inhibited_by: str | None) -> Self:
        """The view of where it goes."""
        steps = next((each.escalation for each in where.routed if each.escalation), ())
        return cls(
            branches=[list(each.path) for each in where.routed],
            targets=[TargetView.of(each) for each in where.targets],
            unreached=[UnreachedView.of(each) for each in where.unreached],
            fell_back=where.fell_back,
            inhibited_by=inhibited_by,
            escalation=[
                StepBody(after_minutes=each.after_minutes, to=[ReceiverBody.of(one) for one in each.to])
                for each in steps
            ],
        )


class SilenceBody(_Body):
    """Alerts of which nobody is told for some time, and why."""

    match: MatchBody
    starts_at: Instant | None = Field(default=None, description="Left out: now")
    ends_at: Instant
    reason: str = Field(min_length=1, max_length=2_000)

    @model_validator(mode="after")
    def _is_about_something(self) -> Self:
        if self.match.match.is_everything:
            raise ValueError("say which alerts: a silence over everything would hide all of them")
        if self.starts_at is not None and self.ends_at - self.starts_at > LONGEST:
            raise ValueError(f"a silence lasts at most {LONGEST.days} days")
        if self.starts_at is not None and self.ends_at <= self.starts_at:
            raise ValueError("it ends before it begins")
        return self


class SilenceView(BaseModel):
    """A silence."""

    id: str
    match: MatchBody
    starts_at: datetime
    ends_at: datetime
    reason: str
    created_at: datetime
    created_by: str
    ended_by: str | None = Field(description="Who ended it before its time")

    @classmethod
    def of(cls, silence: Silence) -> Self:
        """The view of a silence."""
        return cls(
            id=silence.id,
            match=MatchBody.of(silence.match),
            starts_at=silence.starts_at,
            ends_at=silence.ends_at,
            reason=silence.reason,
            created_at=silence.created_at,
            created_by=silence.created_by,
            ended_by=silence.ended_by,
        )
