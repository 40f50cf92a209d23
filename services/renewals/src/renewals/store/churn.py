"""Terms that came to their end, and the reviews of customers that left, in PostgreSQL, as they were known."""

from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime
from typing import Any, Final

from sqlalchemy import select, text, tuple_
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.ext.asyncio import AsyncConnection

from renewals.application.churn import EndedTerm, Lost, Place, ReviewState, Sought
from renewals.domain.outcomes import ChurnReason, KeptReview, Review
from renewals.domain.terms import TermKey
from renewals.store.growth_tables import churn_review
from renewals.store.sql import known

# Of each term the stretch that ends it, and not one after which the price or the holder changed.
_ENDED: Final = f"""
    SELECT e.contract_id, e.term AS number, e.end_exclusive AS ended_before, s.id AS successor
    FROM renewals.ledger_entry e JOIN renewals.contract c ON c.id = e.contract_id
    LEFT JOIN LATERAL (
        SELECT n.id FROM renewals.contract n
        WHERE n.predecessor IS NOT NULL AND n.predecessor ->> 'contract_id' = e.contract_id
            AND n.entered_at <= :known_at
        ORDER BY n.id LIMIT 1
    ) AS s ON true
    WHERE e.kind = 'runs' AND {known("e")} AND NOT EXISTS (
        SELECT FROM renewals.ledger_entry n WHERE n.contract_id = e.contract_id AND n.kind = 'runs'
            AND n.term = e.term AND n.start = e.end_exclusive AND {known("n")}
    )
"""
_GOES_ON: Final = f"""EXISTS (
    SELECT FROM renewals.ledger_entry n WHERE n.contract_id = e.contract_id AND n.kind = 'runs' AND n.term > e.term
        AND {known("n")}
)"""
_UP_FOR_RENEWAL: Final = f"""EXISTS (
    SELECT FROM renewals.ledger_entry d WHERE d.contract_id = e.contract_id AND d.kind = 'due' AND d.term = e.term
        AND {known("d")}
)"""
# Evergreen terms that go on are no renewals, and are never said to be due.
_CAME_OUT: Final = (
    f"(CASE WHEN {_GOES_ON} THEN {_UP_FOR_RENEWAL} ELSE s.id IS NOT NULL OR e.end_exclusive <= CAST(:day AS date) END)"
)
_LOST: Final = f"e.end_exclusive <= CAST(:day AS date) AND s.id IS NULL AND NOT {_GOES_ON}"
_NOT_ERASED: Final = (
    "NOT EXISTS (SELECT FROM renewals.account a WHERE a.account_id = c.account_id AND a.erased_at IS NOT NULL)"
)
_EVER_OF_ACCOUNT: Final = (
    "e.contract_id IN (SELECT h.contract_id FROM renewals.ledger_entry h WHERE h.account_id = CAST(:account AS text))"
)
_AFTER: Final = (
    "(e.end_exclusive, e.contract_id, e.term)"
    " > (CAST(:after_day AS date), CAST(:after_contract AS text), CAST(:after_number AS int))"
)
_IN_ORDER: Final = "ORDER BY e.end_exclusive, e.contract_id, e.term LIMIT :limit"
_REVIEW_SAYS: Final = (
    "(SELECT r.{} FROM renewals.churn_review r WHERE r.contract_id = e.contract_id AND r.term = e.term"
    " AND r.recorded_at <= :known_at ORDER BY r.recorded_at DESC, r.id DESC LIMIT 1)"
)
_IS_DONE: Final = f"coalesce({_REVIEW_SAYS.format('is_done')}, false)"
_OF_STATE: Final = {ReviewState.DONE: _IS_DONE, ReviewState.OPEN: f"NOT {_IS_DONE}"}

_SUCCESSORS: Final = text(
    "SELECT DISTINCT ON (1) n.predecessor ->> 'contract_id' AS of, n.id FROM renewals.contract n"
    " WHERE n.predecessor IS NOT NULL AND n.predecessor ->> 'contract_id' = ANY(CAST(:contracts AS text[]))"
    " AND n.entered_at <= :known_at ORDER BY 1, n.id"
)

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
        self, sought: Sought, *, day: date, known_at: datetime, after: Place | None, limit: int
    ) -> Sequence[EndedTerm]:
        """Up to `limit` terms of recurring contracts, oldest end first, after the given place.

        Those are among them that came out by a day, and some that did not: contracts tell which.
        """
        asked: dict[str, Any] = {"day": day, "known_at": known_at, "limit": limit}
        wanted = [_NOT_ERASED]
        if isinstance(sought, Lost):
            wanted += [_LOST, *([_OF_STATE[sought.state]] if sought.state else [])]
            if sought.win_back_by is not None:
                wanted.append(f"{_REVIEW_SAYS.format('win_back_on')} <= :win_back_by")
                asked["win_back_by"] = sought.win_back_by
        else:
            wanted.append(_CAME_OUT)
        if sought.first is not None:
            wanted.append("e.end_exclusive > :first")
            asked["first"] = sought.first
        if sought.last is not None:
            wanted.append("e.end_exclusive <= CAST(:last AS date) + 1")
            asked["last"] = sought.last
        if sought.account_id is not None:
            wanted.append(_EVER_OF_ACCOUNT)
            asked["account"] = sought.account_id
        if after is not None:
            wanted.append(_AFTER)
            asked |= dict(zip(("after_day", "after_contract", "after_number"), after, strict=True))
        return await self._terms(" AND ".join([_ENDED, *wanted]) + f" {_IN_ORDER}", asked)

    async def one(self, contract_id: str, number: int, known_at: datetime) -> EndedTerm | None:
        """A term, if a day of it is served."""
        wanted = f"{_ENDED} AND e.contract_id = :contract AND e.term = :number {_IN_ORDER}"
        asked = {"contract": contract_id, "number": number, "known_at": known_at, "limit": 1}
        return next(iter(await self._terms(wanted, asked)), None)

    async def successors(self, contract_ids: Collection[str], known_at: datetime) -> Mapping[str, str]:
        """The contract that renews each of those that another one does."""
        asked = {"contracts": list(contract_ids), "known_at": known_at}
        return {row.of: row.id for row in await self._connection.execute(_SUCCESSORS, asked)}

    async def reviews(self, terms: Collection[TermKey], known_at: datetime) -> Mapping[TermKey, KeptReview]:
        """The latest review of each of those terms that had one."""
        key = (churn_review.c.contract_id, churn_review.c.term)
        latest = (
            select(churn_review)
            .where(tuple_(*key).in_(list(terms)), churn_review.c.recorded_at <= known_at)
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

    async def _terms(self, wanted: str, asked: Mapping[str, Any]) -> Sequence[EndedTerm]:
        rows = await self._connection.execute(text(wanted), asked)
        return [EndedTerm(row.contract_id, row.number, row.ended_before, row.successor) for row in rows]


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
