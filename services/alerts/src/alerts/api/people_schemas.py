"""What goes in and out over HTTP about people and teams."""

import re
from datetime import date, datetime
from functools import lru_cache
from typing import Annotated, Any, Self
from zoneinfo import available_timezones

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from alerts.application.directory_ports import Version
from alerts.domain.destinations import is_address
from alerts.domain.people import Chat, DigestTimes, Hours, Leave, Person, Responsible, Team, TeamKind, Via, Why
from alerts.domain.words import Language
from alerts.public_holidays import is_known_country

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_CLOCK = re.compile(r"([01]\d|2[0-3]):([0-5]\d)|24:00", re.ASCII)


def _line(text: str) -> str:
    if not text.isprintable() or text != text.strip():
        raise ValueError("one line without control characters and without blanks at its ends")
    return text


@lru_cache(maxsize=1)
def _zones() -> frozenset[str]:
    return frozenset(available_timezones())


def _zone(name: str) -> str:
    if name not in _zones():
        raise ValueError("not an IANA zone such as Europe/Berlin or Asia/Shanghai")
    return name


def _clock(text: str) -> str:
    if not _CLOCK.fullmatch(text):
        raise ValueError("a time of day is written like 08:30")
    return text


def _mail(address: str) -> str:
    if not is_address(address):
        raise ValueError("not an email address")
    return address


def _day(name: str) -> str:
    if name not in DAYS:
        raise ValueError(f"a day is one of {', '.join(DAYS)}")
    return name


def _minutes(clock: str) -> int:
    hours, minutes = clock.split(":")
    return int(hours) * 60 + int(minutes)


def _written(minutes: int) -> str:
    return f"{minutes // 60:02}:{minutes % 60:02}"


Name = Annotated[str, Field(min_length=1, max_length=200), AfterValidator(_line)]
Zone = Annotated[str, Field(min_length=1, max_length=100), AfterValidator(_zone)]
Clock = Annotated[str, Field(min_length=5, max_length=5), AfterValidator(_clock)]
Day = Annotated[str, Field(max_length=3), AfterValidator(_day)]
Mail = Annotated[str, Field(min_length=3, max_length=254), AfterValidator(_mail)]
Mention = Annotated[str, Field(min_length=1, max_length=100, pattern=r"^[A-Za-z0-9_.@:+-]+$")]
Reason = Annotated[str | None, Field(default=None, min_length=1, max_length=2_000, description="Why, for people")]


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class HoursBody(_Body):
    """When somebody works on a workday, on their own clock. What comes outside waits for the next working hour."""

    since: Clock = "08:00"
    until: Clock = "19:00"

    @model_validator(mode="after")
    def _rises(self) -> Self:
        if _minutes(self.since) >= _minutes(self.until):
            raise ValueError(
                "the hours end before they begin; a shift over midnight is two people's, or 00:00 to 24:00"
            )
        return self


class LeaveBody(_Body):
    """Days off, both ends included, and who stands in."""

    first: date
    last: date
    deputy: Name | None = None


class ChatBody(_Body):
    """A chat where somebody is."""

    channel_id: Name = Field(description="The id of a channel; its chat takes what is for this person")
    mention: Mention | None = Field(default=None, description="Their user id in that chat, so that they are mentioned")


class DigestsBody(_Body):
    """When digests come, on the person's clock and on their workdays; null: not at all."""

    daily_at: Clock | None = "08:30"
    weekly_at: Clock | None = "09:00"
    weekly_on: Day = Field(default="mon", description="On a day off it comes on the next workday")


class PersonDocument(_Body):
    """One of our people."""

    name: Name
    role: Name | None = Field(default=None, description="What they are, such as csm, sales or support")
    manager: Name | None = Field(default=None, description="The id of another person")
    zone: Zone = "UTC"
    workdays: list[Day] = Field(default=["mon", "tue", "wed", "thu", "fri"], min_length=1, max_length=7)
    hours: HoursBody = HoursBody()
    country: Annotated[str, Field(pattern="^[A-Z]{2}$")] | None = Field(
        default=None, description="ISO 3166-1, two letters: its public holidays are free"
    )
    subdivision: Name | None = Field(default=None, description="A part of the country with holidays of its own")
    days_off: list[date] = Field(default=[], max_length=400)
    leaves: list[LeaveBody] = Field(default=[], max_length=100)
    language: Language = Language.EN
    email: Mail | None = None
    chat: ChatBody | None = None
    daily_budget: int | None = Field(
        default=None, ge=0, le=1_000, strict=True, description="Openings a day that are sent by themselves; null: all"
    )
    digests: DigestsBody = DigestsBody()

    @model_validator(mode="after")
    def _holidays_are_known(self) -> Self:
        if self.subdivision is not None and self.country is None:
            raise ValueError("a subdivision needs its country")
        if self.country is not None and not is_known_country(self.country, self.subdivision):
            where = self.country if self.subdivision is None else f"{self.country}-{self.subdivision}"
            raise ValueError(f"no public holidays are known for {where}; leave it out and list days_off")
        return self

    def named(self, person_id: str) -> Person:
        """The person of this document."""
        chat, digests = self.chat, self.digests
        return Person(
            id=person_id,
            name=self.name,
            role=self.role,
            manager=self.manager,
            zone=self.zone,
            workdays=frozenset(DAYS.index(day) + 1 for day in self.workdays),
            hours=Hours(_minutes(self.hours.since), _minutes(self.hours.until)),
            country=self.country,
            subdivision=self.subdivision,
            days_off=frozenset(self.days_off),
            leaves=tuple(Leave(each.first, each.last, each.deputy) for each in self.leaves),
            language=self.language,
            email=self.email,
            chat=Chat(chat.channel_id, chat.mention) if chat else None,
            daily_budget=self.daily_budget,
            digests=DigestTimes(
                daily_at=_minutes(digests.daily_at) if digests.daily_at else None,
                weekly_at=_minutes(digests.weekly_at) if digests.weekly_at else None,
                weekly_on=DAYS.index(digests.weekly_on) + 1,
            ),
        )

    @classmethod
    def of(cls, person: Person) -> Self:
        """The document of a person."""
        return cls.model_validate(written_person(person))


class PersonBody(_Body):
    """A person to save, and why."""

    person: PersonDocument
    reason: Reason


class PersonView(BaseModel):
    """A person as saved last: who saved it, when, and why."""

    id: str
    version: int
    saved_at: datetime
    saved_by: str
    reason: str | None
    person: PersonDocument

    @classmethod
    def of(cls, version: Version[Person]) -> Self:
        """The view of a version that is no deletion."""
        if version.what is None:
            raise TypeError(f"{version.id} was deleted")
        return cls(
            id=version.id,
            version=version.version,
            saved_at=version.saved_at,
            saved_by=version.saved_by,
            reason=version.reason,
            person=PersonDocument.of(version.what),
        )


class TeamDocument(_Body):
    """A team. `named`: each account has somebody of its own in it; `pool`: all share all accounts, fairly."""

    name: Name
    kind: TeamKind = TeamKind.NAMED
    members: list[Name] = Field(default=[], max_length=1_000, description="Ids of people")
    lead: Name | None = Field(default=None, description="The id of a person: gets what none of the members can take")

    def named(self, team_id: str) -> Team:
        """The team of this document."""
        return Team(team_id, self.name, self.kind, tuple(dict.fromkeys(self.members)), self.lead)

    @classmethod
    def of(cls, team: Team) -> Self:
        """The document of a team."""
        return cls(name=team.name, kind=team.kind, members=list(team.members), lead=team.lead)


class TeamBody(_Body):
    """A team to save, and why."""

    team: TeamDocument
    reason: Reason


class TeamView(BaseModel):
    """A team as saved last: who saved it, when, and why."""

    id: str
    version: int
    saved_at: datetime
    saved_by: str
    reason: str | None
    team: TeamDocument

    @classmethod
    def of(cls, version: Version[Team]) -> Self:
        """The view of a version that is no deletion."""
        if version.what is None:
            raise TypeError(f"{version.id} was deleted")
        return cls(
            id=version.id,
            version=version.version,
            saved_at=version.saved_at,
            saved_by=version.saved_by,
            reason=version.reason,
            team=TeamDocument.of(version.what),
        )


class ChangeView(BaseModel):
    """One place that differs from the version before, as a JSON pointer."""

    path: str
    before: Any
    after: Any


class DirectoryVersionView(BaseModel):
    """A version of a person or a team. `deleted`: it says that there is none any more. The first has no `changes`."""

    id: str
    version: int
    saved_at: datetime
    saved_by: str
    reason: str | None
    deleted: bool
    changes: list[ChangeView] | None = None


class ViaView(BaseModel):
    """Somebody who was asked, and why; `of` whom they are the deputy or the manager."""

    person_id: str
    why: Why
    of: str | None

    @classmethod
    def seen(cls, via: Via) -> Self:
        """The view of one who was asked."""
        return cls(person_id=via.person_id, why=via.why, of=via.of)


class ResponsibleView(BaseModel):
    """Who has a role at an account at an instant, and everybody asked before them."""

    account_id: str
    role: str
    at: datetime
    person_id: str | None = Field(description="Null: nobody has the role, or nobody of them and above them is there")
    through: list[ViaView]

    @classmethod
    def seen(cls, account_id: str, role: str, at: datetime, found: Responsible) -> Self:
        """The view of an answer."""
        return cls(
            account_id=account_id,
            role=role,
            at=at,
            person_id=found.person_id,
            through=[ViaView.seen(via) for via in found.through],
        )


def written_person(person: Person) -> dict[str, Any]:
    """A person as people write them."""
    return {
        "name": person.name,
        "role": person.role,
        "manager": person.manager,
        "zone": person.zone,
        "workdays": [DAYS[day - 1] for day in sorted(person.workdays)],
        "hours": {"since": _written(person.hours.since), "until": _written(person.hours.until)},
        "country": person.country,
        "subdivision": person.subdivision,
        "days_off": sorted(person.days_off),
        "leaves": [{"first": each.first, "last": each.last, "deputy": each.deputy} for each in person.leaves],
        "language": person.language,
        "email": person.email,
        "chat": {"channel_id": person.chat.channel_id, "mention": person.chat.mention} if person.chat else None,
        "daily_budget": person.daily_budget,
        "digests": {
            "daily_at": None if person.digests.daily_at is None else _written(person.digests.daily_at),
            "weekly_at": None if person.digests.weekly_at is None else _written(person.digests.weekly_at),
            "weekly_on": DAYS[person.digests.weekly_on - 1],
        },
    }
