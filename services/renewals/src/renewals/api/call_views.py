"""What calls look like, and what a person says in one."""

import re
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, Field, StringConstraints, WithJsonSchema

from mainstay.kernel.money import Money
from renewals.api.forecast_views import Probability
from renewals.api.schemas import MoneyBody, MoneyView, Request, money_view
from renewals.application.announcing import term_id
from renewals.application.calling import Call, Stated
from renewals.domain.forecasting import (
    PRIOR_STRENGTH,
    CallKind,
    Category,
    Factor,
    FactorName,
    Tenure,
    Trend,
)
from renewals.domain.retention import RATIO_PLACES

_SHARE = r"0(\.\d{1,4})?|1(\.0{1,4})?"


def _plain(stated: Any) -> Any:
    if isinstance(stated, bool) or not re.fullmatch(_SHARE, str(stated), re.ASCII):
        raise ValueError("a probability is a number from 0 to 1 with four decimals at most, such as 0.85")
    return Decimal(str(stated))


class CallBody(Request):
    """What a person says of a renewal. All of it is said each time; what was said before stays on record."""

    category: Category
    probability: Annotated[
        Decimal,
        BeforeValidator(_plain),
        WithJsonSchema(
            {"anyOf": [{"type": "string", "pattern": f"^({_SHARE})$"}, {"type": "number", "minimum": 0, "maximum": 1}]}
        ),
        Field(description="That it is renewed, 0–1", examples=["0.85"]),
    ]
    amount: MoneyBody = Field(description="The ARR with which the next term begins, if it does")
    note: Annotated[str, StringConstraints(max_length=2_000, strip_whitespace=True)] = ""
    author: Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]*$")] | None = (
        Field(default=None, description="Whose call it is; default: the API key's id")
    )

    def stated(self) -> Stated:
        """The call in the words of the application."""
        return Stated(self.category, self.probability, Money(self.amount.amount, self.amount.currency), self.note)


class FactorView(BaseModel):
    """A step towards an automated probability.

    Of `terms` that stood alike up to here, `renewed` were, which is `rate`; `probability` is that drawn towards the
    step before, as if that had been seen in `prior` terms.
    """

    name: FactorName
    level: str | None
    terms: int
    renewed: int
    rate: str | None
    probability: Probability
    prior: int | None = Field(default=None, description="Null for the overall rate, which has no step before it")

    @classmethod
    def of(cls, factor: Factor) -> "FactorView":
        """A step as it is told, to six decimals."""
        is_first = factor.name in {FactorName.OVERALL, FactorName.CANCELLED}
        return cls(
            name=factor.name,
            level=factor.level,
            terms=factor.terms,
            renewed=factor.renewed,
            rate=None if factor.rate is None else _share(factor.rate),
            probability=_share(factor.probability),
            prior=None if is_first else PRIOR_STRENGTH,
        )


class CallView(BaseModel):
    """A call that was kept, and how it was come by."""

    id: str
    term_id: str
    kind: CallKind
    category: Category
    probability: Probability
    amount: MoneyView = Field(description="The ARR with which the next term begins")
    note: str
    said_at: datetime
    author: str
    recorded_by: str = Field(description="The API key that was used, or renewals itself")
    band: str | None = Field(description="Automated calls: what they go by; null: unknown")
    trend: Trend | None
    tenure: Tenure | None
    reason: list[FactorView] = Field(description="Automated calls: from the overall rate to the probability")

    @classmethod
    def of(cls, call: Call) -> "CallView":
        """A call as it is told."""
        said = call.said
        return cls(
            id=str(call.number),
            term_id=term_id(said.contract_id, said.term),
            kind=said.kind,
            category=said.stated.category,
            probability=f"{said.stated.probability:f}",
            amount=money_view(said.stated.amount.amount, said.stated.amount.currency),
            note=said.stated.note,
            said_at=said.said_at,
            author=said.said_by,
            recorded_by=said.recorded_by,
            band=said.standing.band,
            trend=said.standing.trend,
            tenure=said.standing.tenure,
            reason=[FactorView.of(each) for each in said.factors],
        )


def _share(share: Fraction) -> str:
    return f"{Decimal(round(share * 10**RATIO_PLACES)).scaleb(-RATIO_PLACES):f}"
