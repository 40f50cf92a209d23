"""Routes of reassignments: what giving accounts away would make, and doing it."""

from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, NoReturn, Self

from fastapi import Response
from pydantic import BaseModel, ConfigDict, Field, model_validator

from alerts.api.handlers import READ, WRITE, Handlers, Id, after, following
from alerts.api.people import INVALID
from alerts.api.people_schemas import Name
from alerts.api.schemas import MoneyView
from alerts.application.directory import DirectoryRefused
from alerts.application.reassigning import Preview, Wanted
from alerts.domain.reassignments import MOST_MOVES, Book, Move, Reassignment
from alerts.domain.routing import Match
from mainstay.kernel.money import Money
from mainstay.web.pages import DEFAULT_LIMIT, Cursor, Limit, Page
from mainstay.web.problems import ProblemError
from mainstay.web.routes import Caller, Routes

Names = Annotated[list[Name], Field(max_length=500)]


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class AccountsMatch(_Body):
    """Accounts by what they are. Of each list that is not empty one has to fit."""

    owners: Names = []
    tiers: Names = []
    segments: Names = []
    stages: Names = []

    @property
    def match(self) -> Match:
        """What is meant."""
        return Match(**{name: frozenset(getattr(self, name)) for name in type(self).model_fields})


class FromBody(_Body):
    """Which accounts: exactly one member is set."""

    owner: Name | None = Field(
        default=None, description="All that somebody owns, also somebody who is not in the directory"
    )
    team: Name | None = Field(default=None, description="All that the members of a team own")
    accounts: Annotated[list[Name], Field(min_length=1, max_length=MOST_MOVES)] | None = None
    match: AccountsMatch | None = None

    @model_validator(mode="after")
    def _is_one(self) -> Self:
        if sum(getattr(self, name) is not None for name in type(self).model_fields) != 1:
            raise ValueError("exactly one of owner, team, accounts and match")
        return self


class ReassignmentQuestion(_Body):
    """Accounts, and who is to get them, spread fairly by what they are worth."""

    from_: FromBody = Field(alias="from")
    to: list[Name] = Field(
        min_length=1, max_length=200, description="Ids of people; who has one of the accounts keeps it"
    )
    effective_on: date | None = Field(default=None, description="From this day on (UTC); left out: today")

    @property
    def wanted(self) -> Wanted:
        """What is asked for."""
        source = self.from_
        return Wanted(
            to=tuple(dict.fromkeys(self.to)),
            effective_on=self.effective_on,
            owner=source.owner,
            team=source.team,
            accounts=None if source.accounts is None else frozenset(source.accounts),
            match=None if source.match is None else source.match.match,
        )


class ReassignmentBody(ReassignmentQuestion):
    """The same, to be done, and why."""

    reason: str = Field(min_length=1, max_length=2_000)


class MoveView(BaseModel):
    """An account, and who gets it from whom."""

    account_id: str
    previous_owner: str | None
    owner: str

    @classmethod
    def of(cls, move: Move) -> Self:
        """The view of a move."""
        return cls(account_id=move.account_id, previous_owner=move.previous, owner=move.to)


class BookView(BaseModel):
    """What somebody has. An account weighs 1 point, and 1 more for each full 10,000 of ARR, at most 10."""

    accounts: int
    arr: list[MoneyView]
    open_alerts: int
    tasks: int = Field(description="Open tasks of playbooks that are for whoever has the account")
    points: int

    @classmethod
    def of(cls, book: Book) -> Self:
        """The view of a book."""
        arr = {} if book.arr is None else book.arr
        return cls(
            accounts=book.accounts,
            arr=[MoneyView.of(Money(Decimal(amount), currency)) for currency, amount in arr.items()],
            open_alerts=book.open_alerts,
            tasks=book.tasks,
            points=book.points,
        )


class LoadView(BaseModel):
    """Somebody's load before and after."""

    person_id: str
    before: BookView
    after: BookView


class ReassignmentPreview(BaseModel):
    """Who would get what, and what that makes of everybody concerned; nothing is stored."""

    effective_on: date
    moves: list[MoveView]
    loads: list[LoadView]

    @classmethod
    def of(cls, preview: Preview) -> Self:
        """The view of a preview."""
        return cls(
            effective_on=preview.effective_on,
            moves=[MoveView.of(move) for move in preview.moves],
            loads=[
                LoadView(person_id=person, before=BookView.of(before), after=BookView.of(after))
                for person, (before, after) in preview.books.items()
            ],
        )


class ReassignmentView(BaseModel):
    """A reassignment and how far it is: `moved` accounts were given to health-score, which keeps the record."""

    id: str
    effective_on: date
    reason: str
    created_at: datetime
    created_by: str
    total: int
    moved: int
    finished_at: datetime | None

    @classmethod
    def of(cls, reassignment: Reassignment) -> Self:
        """The view of a reassignment."""
        return cls(
            id=reassignment.id,
            effective_on=reassignment.effective_on,
            reason=reassignment.reason,
            created_at=reassignment.created_at,
            created_by=reassignment.created_by,
            total=len(reassignment.moves),
            moved=reassignment.moved,
            finished_at=reassignment.finished_at,
        )


class ReassignmentWithMoves(ReassignmentView):
    """A reassignment with who gets what."""

    moves: list[MoveView] = []


def reassignments(handlers: Handlers) -> Routes:
    """The routes of reassignments."""
    group = Routes(tag="people")

    @group.post("/reassignments/preview", scope=READ, answers=ReassignmentPreview)
    async def preview(body: ReassignmentQuestion) -> ReassignmentPreview:
        """Who would get which accounts, and everybody's load before and after."""
        try:
            return ReassignmentPreview.of(await handlers.reassign.preview(body.wanted))
        except DirectoryRefused as error:
            _refuse(error)

    @group.post("/reassignments", scope=WRITE, answers=ReassignmentView, status=202)
    async def reassign(body: ReassignmentBody, caller: Caller, response: Response) -> ReassignmentView:
        """Give accounts to other owners, as a job that survives a restart, and on the day that is said.

        The account's record is health-score's: it takes the new owner from `account.reassigned`, dates the role `csm`,
        and says so to all. A later fact of your CRM about the owner still counts: tell it there too.
        """
        try:
            begun = await handlers.reassign.begin(body.wanted, reason=body.reason, by=caller.name)
        except DirectoryRefused as error:
            _refuse(error)
        response.headers["Location"] = f"/v1/reassignments/{begun.id}"
        return ReassignmentView.of(begun)

    @group.get("/reassignments", scope=READ, answers=Page[ReassignmentView])
    async def list_reassignments(limit: Limit = DEFAULT_LIMIT, cursor: Cursor = None) -> Page[ReassignmentView]:
        """Reassignments, the newest first."""
        rows = await handlers.reassign.page(after("reassignments", cursor), limit + 1)
        data = [ReassignmentView.of(each) for each in rows[:limit]]
        return Page(
            data=data,
            next_cursor=following("reassignments", rows, limit, data[-1].created_at, data[-1].id) if data else None,
        )

    @group.get("/reassignments/{reassignment_id}", scope=READ, answers=ReassignmentWithMoves)
    async def get_reassignment(reassignment_id: Id) -> ReassignmentWithMoves:
        """One reassignment, and who gets what."""
        found = await handlers.reassign.one(reassignment_id)
        view = ReassignmentWithMoves.of(found)
        return view.model_copy(update={"moves": [MoveView.of(move) for move in found.moves]})

    return group


def _refuse(error: DirectoryRefused) -> NoReturn:
    errors = [{"pointer": fault.pointer, "detail": fault.detail} for fault in error.faults]
    raise ProblemError(INVALID, str(error), errors=errors) from error
