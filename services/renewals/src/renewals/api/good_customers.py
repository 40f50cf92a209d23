"""Routes: what makes a good customer, as a document with versions, and deals that are held against it."""

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, Self

from fastapi import Query, Response
from pydantic import BaseModel, Field, StrictBool, StrictInt, StringConstraints, model_validator

from mainstay.web.pages import DEFAULT_LIMIT, Cursor, Limit, Page
from mainstay.web.routes import Caller, Routes
from mainstay.web.versions import IfMatch, etag, expected
from renewals.api.cursors import next_page, page_at
from renewals.api.handlers import Handlers
from renewals.api.reading import OnRecord
from renewals.api.schemas import AccountId, Amount, Currency, MoneyBody, Request, Seats, TermMonths
from renewals.application.good_customers import SavedCriteria
from renewals.domain.contracts import Kind
from renewals.domain.currencies import MINOR_UNITS
from renewals.domain.good_customers import MONEY, WORDS, Criterion, Fact, Judgement, Known, Verdict

MOST_CRITERIA = 50
MOST_WORDS = 200
MOST_VERSIONS = 2_147_483_647

Line = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]*$")]
Words = Annotated[list[Line], Field(min_length=1, max_length=MOST_WORDS)]


class CriterionBody(Request):
    """One criterion: a word is `among` some or `none_of` some; a number lies within bounds, both included."""

    name: Line
    fact: Fact
    among: Words | None = None
    none_of: Words | None = None
    at_least: Amount | None = None
    at_most: Amount | None = None
    currency: Currency | None = Field(default=None, description="That of the bounds of an amount")
    is_required: StrictBool = Field(default=False, description="Without it nobody is a good customer")

    @model_validator(mode="after")
    def _fits_its_fact(self) -> Self:
        words, bounds = (self.among, self.none_of), (self.at_least, self.at_most)
        if self.fact in WORDS and (words.count(None) != 1 or bounds.count(None) != 2 or self.currency):
            raise ValueError(f"{self.fact} is a word: say which it is to be among, or none of which")
        if self.fact not in WORDS and (words.count(None) != 2 or bounds.count(None) == 2):
            raise ValueError(f"{self.fact} is a number: say what it is at least, or at most")
        if (self.fact in MONEY) != (self.currency is not None):
            raise ValueError("the bounds of arr and amount, and no others, have a currency")
        if self.currency is not None and self.currency not in MINOR_UNITS:
            raise ValueError(f"{self.currency} is not an active ISO 4217 currency code")
        return self

    def stated(self) -> Criterion:
        """The criterion in the words of the domain."""
        return Criterion(
            name=self.name,
            fact=self.fact,
            among=tuple(self.among or ()),
            none_of=tuple(self.none_of or ()),
            at_least=self.at_least,
            at_most=self.at_most,
            currency=self.currency,
            is_required=self.is_required,
        )


class CriteriaBody(Request):
    """What makes a good customer: everything that is required, and as many of the criteria as are needed."""

    criteria: list[CriterionBody] = Field(min_length=1, max_length=MOST_CRITERIA)
    needed: Annotated[StrictInt, Field(ge=1, le=MOST_CRITERIA)] | None = Field(
        default=None, description="How many of them are to be met; null: all"
    )

    @model_validator(mode="after")
    def _adds_up(self) -> Self:
        if len({each.name for each in self.criteria}) < len(self.criteria):
            raise ValueError("two criteria have the same name")
        if self.needed is not None and self.needed > len(self.criteria):
            raise ValueError("more criteria are needed than there are")
        return self


class CriteriaView(BaseModel):
    """A version of the criteria, in force from `saved_at` until the next one was saved."""

    version: int
    saved_at: datetime
    saved_by: str
    document: CriteriaBody

    @classmethod
    def of(cls, saved: SavedCriteria) -> "CriteriaView":
        """A version as it is told."""
        return cls(
            version=saved.criteria.version,
            saved_at=saved.saved_at,
            saved_by=saved.saved_by,
            document=CriteriaBody.model_validate(saved.document),
        )


class CheckBody(Request):
    """A deal that is not signed yet. What is said of the account beats what is known of it."""

    account_id: AccountId | None = Field(default=None, description="Whose segment, tier and industry count, if known")
    kind: Kind = Kind.ONE_TIME
    segment: Line | None = None
    tier: Line | None = None
    industry: Line | None = None
    amount: MoneyBody | None = Field(default=None, description="For the whole term")
    months: TermMonths | None = Field(default=None, description="How long the term lasts")
    seats: Seats | None = None

    def stated(self) -> dict[Fact, Known]:
        """What was stated, as criteria look at it."""
        facts: dict[Fact, Known] = {Fact.KIND: self.kind.value}
        words = {Fact.SEGMENT: self.segment, Fact.TIER: self.tier, Fact.INDUSTRY: self.industry}
        facts |= {fact: word for fact, word in words.items() if word is not None}
        if self.amount is not None:
            facts[Fact.AMOUNT] = self.amount.amount
        if self.amount is not None and self.months is not None and self.kind is Kind.RECURRING:
            facts[Fact.ARR] = self.amount.amount * 12 / self.months
        numbers = {Fact.MONTHS: self.months, Fact.SEATS: self.seats}
        return facts | {fact: Decimal(number) for fact, number in numbers.items() if number is not None}


class FoundView(BaseModel):
    """One criterion: what it looked at, and whether it is met; null where that is not known."""

    name: str
    fact: Fact
    known: str | None = Field(description="The word or number; an amount in the currency of the criterion")
    is_met: bool | None
    is_required: bool


class JudgementView(BaseModel):
    """Whether somebody is a good customer. A version of null: nobody has saved criteria yet."""

    verdict: Verdict
    version: int | None
    criteria: list[FoundView]

    @classmethod
    def of(cls, judged: Judgement) -> "JudgementView":
        """A judgement as it is told."""
        return cls(
            verdict=judged.verdict,
            version=judged.version,
            criteria=[
                FoundView(
                    name=each.criterion.name,
                    fact=each.criterion.fact,
                    known=f"{each.known:f}" if isinstance(each.known, Decimal) else each.known,
                    is_met=each.is_met,
                    is_required=each.criterion.is_required,
                )
                for each in judged.found
            ],
        )


def good_customer_routes(handlers: Handlers) -> Routes:
    """Save and read the criteria; hold a deal against them."""
    routes = Routes(tag="good customers")

    @routes.put(
        "/good-customer-criteria",
        scope="renewals:write",
        answers=CriteriaView,
        responses={201: {"model": CriteriaView, "description": "Saved as a new version"}},
    )
    async def put_criteria(
        body: CriteriaBody, caller: Caller, response: Response, if_match: IfMatch = None
    ) -> CriteriaView:
        """Save the criteria as the next version; the same as the latest one is no new version."""
        document: dict[str, Any] = body.model_dump(mode="json", exclude_defaults=True)
        saved, is_new = await handlers.good_customers.save(
            [each.stated() for each in body.criteria],
            body.needed or len(body.criteria),
            document,
            replaces=expected(if_match),
            by=caller.id,
        )
        response.headers["ETag"] = etag(saved.criteria.version)
        response.status_code = 201 if is_new else 200
        return CriteriaView.of(saved)

    @routes.get("/good-customer-criteria", scope="renewals:read", answers=CriteriaView)
    async def get_criteria(
        response: Response,
        when: OnRecord,
        version: Annotated[int | None, Query(ge=1, le=MOST_VERSIONS, description="Default: the one in force")] = None,
    ) -> CriteriaView:
        """A version of the criteria; the ETag is the version."""
        found = await handlers.good_customers.one(version, when)
        response.headers["ETag"] = etag(found.criteria.version)
        return CriteriaView.of(found)

    @routes.get("/good-customer-criteria/versions", scope="renewals:read", answers=Page[CriteriaView])
    async def list_criteria(
        moment: OnRecord, limit: Limit = DEFAULT_LIMIT, cursor: Cursor = None
    ) -> Page[CriteriaView]:
        """The versions, newest first."""
        when, number = page_at("criteria", cursor, moment, int)
        before = None if number is None else max(0, min(number, MOST_VERSIONS))
        async with handlers.work() as work:
            found = await work.criteria.page(before=before, on_record_at=when.on_record_at, limit=limit + 1)
        page, place = found[:limit], None
        if len(found) > limit:  # newer ones stand on no later page
            place = next_page("criteria", when, when.known_at, page[-1].criteria.version)
        return Page(data=[CriteriaView.of(each) for each in page], next_cursor=place)

    @routes.post("/good-customer/check", scope="renewals:read", answers=JudgementView)
    async def check_deal(body: CheckBody) -> JudgementView:
        """Whether a deal would be one with a good customer, criterion by criterion. Nothing is kept."""
        currency = body.amount.currency if body.amount else None
        return JudgementView.of(await handlers.good_customers.check(body.stated(), currency, body.account_id))

    return routes
