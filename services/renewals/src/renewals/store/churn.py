"""Terms that came to their end, and the reviews of customers that left, in PostgreSQL. Reviews are only added to."""

from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime
from typing import Any, Final

from sqlalchemy import select, text, tuple_
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.ext.asyncio import AsyncConnection

from renewals.application.churn import EndedTerm, Place, ReviewState
from renewals.domain.outcomes import ChurnReason, KeptReview, Review
from renewals.store.growth_tables import churn_review

# Within grace a term is not lost yet; days of grace are counted in UTC, as groups of figures are.
_ENDED: Final = """
    SELECT t.contract_id, t.number, LEAST(t.end_exclusive, t.cancelled_on) AS ended_before, s.id AS successor,
        c.account_id, c.grace_days,
        NOT EXISTS (
            SELECT FROM renewals.contract oc JOIN renewals.term ot ON ot.contract_id = oc.id
            WHERE oc.account_id = c.account_id AND oc.id <> c.id AND oc.kind = 'recurring'
                AND ot.start <= LEAST(t.end_exclusive, t.cancelled_on) + c.grace_days
                AND LEAST(ot.end_exclusive, ot.cancelled_on) > LEAST(t.end_exclusive, t.cancelled_on)
        ) AS customer_left
    FROM renewals.term t JOIN renewals.contract c ON c.id = t.contract_id
    LEFT JOIN LATERAL (
        SELECT n.id FROM renewals.contract n
        WHERE n.predecessor IS NOT NULL AND n.predecessor ->> 'contract_id' = c.id AND t.outcome <> 'renewed'
        ORDER BY n.id LIMIT 1
    ) AS s ON true
    WHERE c.kind = 'recurring' AND t.outcome IS NOT NULL AND NOT (t.is_rolling AND t.outcome = 'renewed')
        AND (t.outcome = 'renewed' OR s.id IS NOT NULL OR c.grace_days = 0
            OR LEAST(t.end_exclusive, t.cancelled_on) + c.grace_days <= CAST(:today AS date))
"""
_NOT_ERASED: Final = (
    "NOT EXISTS (SELECT FROM renewals.account a WHERE a.account_id = c.account_id AND a.erased_at IS NOT NULL)"
)
_OF_ACCOUNT: Final = "(CAST(:account AS text) IS NULL OR c.account_id = :account)"
_AFTER: Final = (
    "(CAST(:after_day AS date) IS NULL OR (LEAST(t.end_exclusive, t.cancelled_on), t.contract_id, t.number)"
    " > (CAST(:after_day AS date), CAST(:after_contract AS text), CAST(:after_number AS int)))"
)
_IN_ORDER: Final = "ORDER BY LEAST(t.end_exclusive, t.cancelled_on), t.contract_id, t.number LIMIT :limit"
_WITHIN: Final = (
    "LEAST(t.end_exclusive, t.cancelled_on) BETWEEN coalesce(CAST(:first AS date) + 1, '-infinity')"
    " AND coalesce(CAST(:last AS date) + 1, 'infinity')"
)
_REVIEW_SAYS: Final = (
    "(SELECT r.{} FROM renewals.churn_review r WHERE r.contract_id = t.contract_id AND r.term = t.number"
    " ORDER BY r.recorded_at DESC, r.id DESC LIMIT 1)"
)
_LOST: Final = "t.outcome <> 'renewed' AND s.id IS NULL"

REVIEWED: Final = """
    reviewed AS (
        SELECT DISTINCT ON (1) coalesce(h.account_id, e.account_id) AS of_customer, r.churn_reason, r.was_expected,
            r.was_avoidable, r.was_good_customer, r.verdict
        FROM renewals.ledger_entry e LEFT JOIN held h USING (contract_id)
        JOIN (
            SELECT DISTINCT ON (contract_id, term) * FROM renewals.churn_review WHERE recorded_at <= :known_at
            ORDER BY contract_id, term, recorded_at DESC, id DESC
        ) AS r ON r.contract_id = e.contract_id AND r.term = e.term
        WHERE e.kind = 'runs' AND e.end_exclusive > :t0 AND e.end_exclusive <= :t1 AND e.recorded_at <= :known_at
            AND NOT EXISTS (
                SELECT FROM renewals.ledger_withdrawal w WHERE w.entry_id = e.id AND w.recorded_at <= :known_at
            )
        ORDER BY 1, e.end_exclusive DESC, e.contract_id
    )"""
"""The review, as it was known, of the term with which a customer left last in a period."""


class ChurnStore:
    """Ended terms and reviews, within one transaction."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def ended(
        self, now: datetime, *, first: date, last: date, account_id: str | None, after: Place | None, limit: int
    ) -> Sequence[EndedTerm]:
        """Up to `limit` terms of recurring contracts whose last day is in `[first, last]`, oldest first."""
        wanted = f"{_ENDED} AND {_WITHIN} AND {_NOT_ERASED} AND {_OF_ACCOUNT} AND {_AFTER} {_IN_ORDER}"
        return await self._terms(wanted, now, account_id, after, limit, first=first, last=last)

    async def left(
        self,
        now: datetime,
        *,
        state: ReviewState | None,
        first: date | None,
        last: date | None,
        win_back_by: date | None,
        account_id: str | None,
        after: Place | None,
        limit: int,
    ) -> Sequence[EndedTerm]:
        """Up to `limit` terms with which a customer left on days of a range, oldest first, by what their review says.

        With `win_back_by` those that it says to win back by then.
        """
        is_done = f"coalesce({_REVIEW_SAYS.format('is_done')}, false)"
        to_win_back = f"(CAST(:win_back_by AS date) IS NULL OR {_REVIEW_SAYS.format('win_back_on')} <= :win_back_by)"
        of_state = "true" if state is None else is_done if state is ReviewState.DONE else f"NOT {is_done}"
        wanted = (
            f"SELECT * FROM ({_ENDED} AND {_LOST} AND {of_state} AND {_WITHIN} AND {_NOT_ERASED} AND {_OF_ACCOUNT}"
            f" AND {_AFTER} AND {to_win_back}"
            ") AS e WHERE e.customer_left ORDER BY e.ended_before, e.contract_id, e.number LIMIT :limit"
        )
        asked = {"first": first, "last": last, "win_back_by": win_back_by}
        return await self._terms(wanted, now, account_id, after, limit, **asked)

    async def one(self, now: datetime, contract_id: str, number: int) -> EndedTerm | None:
        """A term, if it is over and out of grace."""
        wanted = f"{_ENDED} AND t.contract_id = :contract AND t.number = :number AND {_OF_ACCOUNT} LIMIT :limit"
        found = await self._terms(wanted, now, None, None, 1, contract=contract_id, number=number)
        return found[0] if found else None

    async def reviews(self, terms: Collection[tuple[str, int]]) -> Mapping[tuple[str, int], KeptReview]:
        """The latest review of each of those terms that has one."""
        key = (churn_review.c.contract_id, churn_review.c.term)
        latest = (
            select(churn_review)
            .where(tuple_(*key).in_(list(terms)))
            .ext(distinct_on(*key))
            .order_by(*key, churn_review.c.recorded_at.desc(), churn_review.c.id.desc())
        )
        return {(row.contract_id, row.term): _kept(row) for row in await self._connection.execute(latest)}

    async def add(self, contract_id: str, number: int, kept: KeptReview) -> None:
        """Keep a review beside those of before."""
        review = kept.review
        row = {
            "contract_id": contract_id,
            "term": number,
            "churn_reason": review.reason.value if review.reason else None,
            "was_expected": review.was_expected,
            "was_avoidable": review.was_avoidable,
            "was_good_customer": review.was_good_customer,
            "win_back_on": review.win_back_on,
            "is_done": review.is_done,
            "snapshot": {"went_well": review.went_well, "went_badly": review.went_badly},
            "verdict": kept.verdict,
            "criteria_version": kept.criteria_version,
            "recorded_at": kept.recorded_at,
            "recorded_by": kept.recorded_by,
        }
        await self._connection.execute(churn_review.insert(), row)

    async def _terms(
        self, wanted: str, now: datetime, account_id: str | None, after: Place | None, limit: int, **more: Any
    ) -> Sequence[EndedTerm]:
        day, contract_id, number = after or (None, None, None)
        asked = {
            "today": now.date(),
            "account": account_id,
            "after_day": day,
            "after_contract": contract_id,
            "after_number": number,
            "limit": limit,
            **more,
        }
        named = {name: value for name, value in asked.items() if f":{name}" in wanted}
        return [
            EndedTerm(row.contract_id, row.number, row.ended_before, row.successor, row.customer_left)
            for row in await self._connection.execute(text(wanted), named)
        ]


def _kept(row: Any) -> KeptReview:
    review = Review(
        reason=ChurnReason(row.churn_reason) if row.churn_reason else None,
        went_well=row.snapshot["went_well"],
        went_badly=row.snapshot["went_badly"],
        was_expected=row.was_expected,
        was_avoidable=row.was_avoidable,
        was_good_customer=row.was_good_customer,
        win_back_on=row.win_back_on,
        is_done=row.is_done,
    )
    return KeptReview(review, row.recorded_at, row.recorded_by, row.verdict, row.criteria_version)
