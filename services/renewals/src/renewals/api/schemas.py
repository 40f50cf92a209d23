"""What requests say and answers look like."""

import re
from datetime import date
from decimal import Decimal
from typing import Annotated, Any, Literal, Self
from zoneinfo import ZoneInfo

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StrictInt,
    StringConstraints,
    WithJsonSchema,
    model_validator,
)

from mainstay.web.fields import CivilDay
from renewals.application.calendars import known_calendar, known_zone
from renewals.domain.contracts import UNCHANGED, Amendment, AtEnd, Kind
from renewals.domain.entering import NewContract
from renewals.domain.notice import CountedFrom, NoticeRule, NoticeUnit, Roll
from renewals.domain.terms import entitlements

LONGEST_TERM_MONTHS = 120
LONGEST_WINDOW_DAYS = 3_660
MOST_SEATS = 2_147_483_647

_AMOUNT = r"-?\d{1,15}(\.\d+)?"


def _plain(stated: Any) -> Any:
    """Decimal by itself also takes "1_000", digits of other scripts, exponents and blanks; True would be 1."""
    if isinstance(stated, bool) or (isinstance(stated, str) and not re.fullmatch(_AMOUNT, stated, re.ASCII)):
        raise ValueError("an amount is written in digits, with a decimal point, such as 1200.00")
    return stated


# No control characters: ids travel in headers and keys.
AccountId = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]*$")]
ContractRef = Annotated[str, StringConstraints(min_length=1, max_length=100, pattern=r"^[^\x00-\x1f\x7f]*$")]
ExternalId = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]*$")]
Currency = Annotated[
    str, StringConstraints(pattern=r"^[A-Z]{3}$"), Field(description="ISO 4217 code", examples=["EUR"])
]
ZoneName = Annotated[
    str, StringConstraints(max_length=64), AfterValidator(known_zone), Field(examples=["Europe/Berlin"])
]
Amount = Annotated[
    Decimal,
    BeforeValidator(_plain),
    Field(allow_inf_nan=False, max_digits=30, examples=["1200.00"]),
    WithJsonSchema({"anyOf": [{"type": "string", "pattern": f"^{_AMOUNT}$"}, {"type": "number"}]}),
]
Seats = Annotated[StrictInt, Field(ge=0, le=MOST_SEATS, description="Seats bought")]
TermMonths = Annotated[StrictInt, Field(ge=1, le=LONGEST_TERM_MONTHS, description="Length of a term in months")]
WindowDays = Annotated[
    StrictInt,
    Field(
        ge=0,
        le=LONGEST_WINDOW_DAYS,
        description="Days before the first day after the term at which its window opens; null: three calendar months",
    ),
]
GraceDays = Annotated[
    StrictInt, Field(ge=0, le=366, description="So many days after the end a renewal is late and still in time")
]
Entitled = Annotated[
    dict[Annotated[str, StringConstraints(min_length=1, max_length=100)], Annotated[StrictInt, Field(ge=0, le=2**53)]],
    Field(max_length=50, description="What is bought besides seats, by name", examples=[{"api_calls": 100000}]),
]
Reason = Annotated[str, StringConstraints(min_length=1, max_length=500, strip_whitespace=True)]


class Request(BaseModel):
    """A body: a field that does not exist is refused, because it is mistyped."""

    model_config = ConfigDict(extra="forbid")


class MoneyBody(Request):
    """An exact amount: a decimal as a string (or a number), in a currency."""

    amount: Amount
    currency: Currency


class MoneyView(BaseModel):
    """An exact amount: a decimal as a string, in a currency."""

    amount: Annotated[str, Field(examples=["1200.00"])]
    currency: Currency


class NoticeBody(Request):
    """How long before the end notice is given, and what it is counted from."""

    amount: Annotated[StrictInt, Field(ge=0, le=1_000)]
    unit: NoticeUnit
    counted_from: CountedFrom = Field(
        default=CountedFrom.LAST_DAY, description="The term's last day, or the first day after it"
    )
    roll: Roll = Field(default=Roll.NONE, description="Where a deadline goes that falls on no business day")
    holidays: Annotated[str, AfterValidator(known_calendar)] | None = Field(
        default=None,
        description="Whose public holidays are no business days: a country (ISO 3166), or a part of one",
        examples=["DE-BY"],
    )

    def stated(self) -> NoticeRule:
        """The rule in the words of the domain."""
        return NoticeRule(self.amount, self.unit, self.counted_from, self.roll, self.holidays)


class StepBody(Request):
    """From a day on, an amount that is committed up to the next step, or to the end of the term."""

    start: CivilDay
    amount: Amount


PriceSchedule = Annotated[
    list[StepBody],
    Field(max_length=120, description="Steps of a term of several years; they add up to `amount`, the first begins it"),
]


class ContractBody(Request):
    """A contract to be entered. `end` is the last day of the first term, inclusive."""

    account_id: AccountId
    kind: Kind
    currency: Currency | None = Field(default=None, description="That of `amount`, where it is said twice")
    zone: ZoneName = Field(default="UTC", description="Where the contract's days begin (IANA name)")
    start: CivilDay
    end: CivilDay | None = None
    term_months: TermMonths | None = None
    amount: MoneyBody = Field(description="For a whole term")
    seats: Seats | None = None
    at_end: AtEnd | None = Field(default=None, description="Recurring contracts renew unless it says otherwise")
    window_days: WindowDays | None = None
    external_id: ExternalId | None = Field(default=None, description="The contract's id elsewhere; unique")
    entitlements: Entitled | None = None
    grace_days: GraceDays = 0
    notice: NoticeBody | None = None
    price_schedule: PriceSchedule | None = None
    renews: ContractRef | None = Field(default=None, description="The contract of this account that this one renews")
    co_terms_with: ContractRef | None = Field(
        default=None,
        description="End with this contract, and renew when it does; `amount` is for the days up to that end",
    )
    next_amount: MoneyBody | None = Field(default=None, description="For a later term, where the first is an odd one")

    @model_validator(mode="after")
    def _one_currency(self) -> Self:
        if self.currency not in {None, self.amount.currency}:
            raise ValueError(f"the contract is in {self.currency}, its amount in {self.amount.currency}")
        if self.next_amount and self.next_amount.currency != self.amount.currency:
            raise ValueError(f"the contract is in {self.amount.currency}, next_amount in {self.next_amount.currency}")
        if self.co_terms_with and (self.end or self.term_months):
            raise ValueError("a contract that co-terms with another takes its end and length from it")
        return self

    def stated(self) -> NewContract:
        """The contract in the words of the domain."""
        return NewContract(
            account_id=self.account_id,
            kind=self.kind,
            currency=self.amount.currency,
            zone=ZoneInfo(self.zone),
            start=self.start,
            end=self.end,
            term_months=self.term_months,
            amount=self.amount.amount,
            seats=self.seats,
            at_end=self.at_end,
            window_days=self.window_days,
            external_id=self.external_id,
            entitlements=entitlements(self.entitlements),
            grace_days=self.grace_days,
            notice=self.notice.stated() if self.notice else None,
            steps=steps_of(self.price_schedule),
            renews=self.renews,
            co_terms_with=self.co_terms_with,
            next_amount=self.next_amount.amount if self.next_amount else None,
        )


def steps_of(schedule: list[StepBody] | None) -> tuple[tuple[date, Decimal], ...]:
    """A price schedule in the words of the domain."""
    return tuple((step.start, step.amount) for step in schedule or ())


def absent() -> Any:
    """The default of a field that may be absent and may not be null; `model_fields_set` tells what was said."""
    return None


class AmendmentBody(Request):
    """What changes in a contract, from its running term on; a field that is absent stays as it is.

    `{"status": "cancelled", "reason": "…"}` ends the contract now, and stands alone.
    """

    amount: MoneyBody = Field(default_factory=absent, description="For a whole term")
    seats: Seats | None = None
    end: CivilDay = Field(default_factory=absent, description="The last day of the running term, inclusive")
    at_end: AtEnd = Field(default_factory=absent)
    term_months: TermMonths = Field(default_factory=absent)
    window_days: WindowDays | None = None
    external_id: ExternalId | None = None
    grace_days: GraceDays = Field(default_factory=absent)
    notice: NoticeBody | None = None
    status: Literal["cancelled"] = Field(default_factory=absent)
    reason: Reason = Field(default_factory=absent)

    @model_validator(mode="after")
    def _cancelling_stands_alone(self) -> Self:
        said = self.model_fields_set
        if "status" in said and said - {"status", "reason"}:
            raise ValueError("a contract that is cancelled does not change otherwise")
        if "reason" in said and "status" not in said:
            raise ValueError("a reason belongs to a cancellation")
        return self

    @property
    def cancels(self) -> bool:
        """Whether the contract is to end now."""
        return "status" in self.model_fields_set

    @property
    def currency(self) -> str | None:
        """That of the amended amount."""
        return self.amount.currency if "amount" in self.model_fields_set else None

    def change(self) -> Amendment:
        """The change in the words of the domain."""
        said = {name: getattr(self, name) for name in self.model_fields_set - {"amount", "notice", "status", "reason"}}
        amount = self.amount.amount if "amount" in self.model_fields_set else UNCHANGED
        if "notice" in self.model_fields_set:
            said["notice"] = self.notice.stated() if self.notice else None
        return Amendment(amount=amount, **said)


def money_view(amount: Decimal, currency: str) -> MoneyView:
    """An amount as it is told."""
    return MoneyView(amount=f"{amount:f}", currency=currency)
