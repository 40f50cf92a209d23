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

# A source can say of a contract long after it was entered that it renews another one.
_RENEWED: Final = """n.entered_at <= :known_at AND EXISTS (
    SELECT FROM renewals.contract_revision r WHERE r.contract_id = n.id AND r.recorded_at <= :known_at
        AND r.snapshot -> 'predecessor' ->> 'contract_id' = n.predecessor ->> 'contract_id'
)"""
_SUCCESSOR: Final = f"""
    LEFT JOIN LATERAL (
        SELECT array_agg(n.id ORDER BY n.id) AS ids FROM renewals.contract n
        WHERE n.predecessor IS NOT NULL AND n.predecessor ->> 'contract_id' = {{of}}.contract_id AND {_RENEWED}
    ) AS s ON true
"""
# What changed since is read from the ledger; all else is as the tables of the present have it. A few are named by their
# ids, so that the planner sees how few they are: 0.02 s a page of 100,000 contracts in the place of up to 19.
_SINCE: Final = "SELECT contract_id FROM renewals.contract_revision WHERE recorded_at > :known_at"
_FEW: Final = 1_000
_PRESENT: Final = f"""
    SELECT x.contract_id, x.number, LEAST(x.end_exclusive, x.cancelled_on) AS ended_before, s.ids AS successors
    FROM renewals.term x JOIN renewals.contract c ON c.id = x.contract_id {_SUCCESSOR.format(of="x")}
    WHERE c.kind = 'recurring' AND LEAST(x.end_exclusive, x.cancelled_on) > x.start
"""
_CAME_OUT: Final = "x.outcome IS NOT NULL AND NOT (x.is_rolling AND x.outcome = 'renewed')"
# What another contract renews comes out as that is agreed, before its end; these are few, and sought from that side.
_AGREED: Final = """x.outcome IS NULL AND s.ids IS NOT NULL AND x.contract_id IN (
    SELECT n.predecessor ->> 'contract_id' FROM renewals.contract n WHERE n.predecessor IS NOT NULL
)"""
_LOST: Final = (
    "x.outcome <> 'renewed' AND s.ids IS NULL AND LEAST(x.end_exclusive, x.cancelled_on) <= CAST(:day AS date)"
)
# Of each term the stretch that ends it, and not one after which the price or the holder changed.
_PAST: Final = f"""
    SELECT x.contract_id, x.term AS number, x.end_exclusive AS ended_before, s.ids AS successors
    FROM renewals.ledger_entry x JOIN renewals.contract c ON c.id = x.contract_id {_SUCCESSOR.format(of="x")}
    WHERE x.kind = 'runs' AND {known("x")} AND NOT EXISTS (
        SELECT FROM renewals.ledger_entry n WHERE n.contract_id = x.contract_id AND n.kind = 'runs'
            AND n.term = x.term AND n.start = x.end_exclusive AND {known("n")}
    )
"""
_WENT_ON: Final = f"""EXISTS (
    SELECT FROM renewals.ledger_entry n WHERE n.contract_id = x.contract_id AND n.kind = 'runs' AND n.term > x.term
        AND {known("n")}
)"""
# Evergreen terms that go on are no renewals, and are never said to be due.
_CAME_OUT_THEN: Final = f"""(CASE WHEN {_WENT_ON} THEN EXISTS (
        SELECT FROM renewals.ledger_entry d WHERE d.contract_id = x.contract_id AND d.kind = 'due' AND d.term = x.term
            AND {known("d")}
    ) ELSE s.ids IS NOT NULL OR x.end_exclusive <= CAST(:day AS date) END)"""
_LOST_THEN: Final = f"x.end_exclusive <= CAST(:day AS date) AND s.ids IS NULL AND NOT {_WENT_ON}"
_NOT_ERASED: Final = "(SELECT a.erased_at FROM renewals.account a WHERE a.account_id = c.account_id) IS NULL"
_EVER_OF_ACCOUNT: Final = (
    "x.contract_id IN (SELECT h.contract_id FROM renewals.ledger_entry h WHERE h.account_id = CAST(:account AS text))"
)
_REVIEW_SAYS: Final = (
    "(SELECT r.{say} FROM renewals.churn_review r WHERE r.contract_id = x.contract_id AND r.term = x.{number}"
    " AND r.recorded_at <= :known_at ORDER BY r.recorded_at DESC, r.id DESC LIMIT 1)"
)
_AFTER: Final = (
    "({end}, x.contract_id, x.{number}) > (CAST(:after_day AS date), CAST(:after AS text), CAST(:term AS int))"
)

_SUCCESSORS: Final = text(
    "SELECT n.predecessor ->> 'contract_id' AS of, array_agg(n.id ORDER BY n.id) AS ids FROM renewals.contract n"
    " WHERE n.predecessor IS NOT NULL AND n.predecessor ->> 'contract_id' = ANY(CAST(:contracts AS text[]))"
    f" AND {_RENEWED} GROUP BY 1"
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
        is_lost = isinstance(sought, Lost)
        asked: dict[str, Any] = {"day": day, "known_at": known_at, "limit": limit}
        some = text(f"SELECT DISTINCT contract_id FROM ({_SINCE} LIMIT :few) AS s")
        changed = (await self._connection.execute(some, {"known_at": known_at, "few": _FEW + 1})).scalars().all()
        is_few = len(changed) <= _FEW
        asked["changed"] = list(changed)
        has_not = "x.contract_id <> ALL(CAST(:changed AS text[]))" if is_few else f"x.contract_id NOT IN ({_SINCE})"
        has = "x.contract_id = ANY(CAST(:changed AS text[]))" if is_few else f"x.contract_id IN ({_SINCE})"
        present = _wanted(sought, after, asked, "LEAST(x.end_exclusive, x.cancelled_on)", "number")
        those = [_LOST] if is_lost else [_CAME_OUT, _AGREED]
        found = [f"({_PRESENT} AND {each} AND {has_not} AND {present})" for each in those]
        if changed:
            past = _wanted(sought, after, asked, "x.end_exclusive", "term")
            found.append(f"({_PAST} AND {has} AND {_LOST_THEN if is_lost else _CAME_OUT_THEN} AND {past})")
        together = f"SELECT * FROM ({' UNION ALL '.join(found)}) AS e"
        return await self._terms(f"{together} ORDER BY ended_before, contract_id, number LIMIT :limit", asked)

    async def one(self, contract_id: str, number: int, known_at: datetime) -> EndedTerm | None:
        """A term, if a day of it is served."""
        asked = {"contract": contract_id, "number": number, "known_at": known_at}
        found = await self._terms(f"{_PAST} AND x.contract_id = :contract AND x.term = :number", asked)
        return next(iter(found), None)

    async def successors(self, contract_ids: Collection[str], known_at: datetime) -> Mapping[str, Sequence[str]]:
        """The contracts that renew each of those that others do."""
        asked = {"contracts": list(contract_ids), "known_at": known_at}
        return {row.of: row.ids for row in await self._connection.execute(_SUCCESSORS, asked)}

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
        named = {name: value for name, value in asked.items() if f":{name}" in wanted}
        rows = await self._connection.execute(text(wanted), named)
        return [EndedTerm(row.contract_id, row.number, row.ended_before, tuple(row.successors or ())) for row in rows]


def _wanted(sought: Sought, after: Place | None, asked: dict[str, Any], end: str, number: str) -> str:
    """The conditions, their order and limit, on rows whose day of the end and term's number are in these columns.

    What they ask for is added to `asked`.
    """
    wanted = [_NOT_ERASED]
    if isinstance(sought, Lost) and sought.state is not None:
        is_done = f"coalesce({_REVIEW_SAYS.format(say='is_done', number=number)}, false)"
        wanted.append(is_done if sought.state is ReviewState.DONE else f"NOT {is_done}")
    if isinstance(sought, Lost) and sought.win_back_by is not None:
        wanted.append(f"{_REVIEW_SAYS.format(say='win_back_on', number=number)} <= :win_back_by")
        asked["win_back_by"] = sought.win_back_by
    if sought.first is not None:
        wanted.append(f"{end} > :first")
        asked["first"] = sought.first
    if sought.last is not None:
        wanted.append(f"{end} <= CAST(:last AS date) + 1")
        asked["last"] = sought.last
    if sought.account_id is not None:
        wanted.append(_EVER_OF_ACCOUNT)
        asked["account"] = sought.account_id
    if after is not None:
        wanted.append(_AFTER.format(end=end, number=number))
        asked |= dict(zip(("after_day", "after", "term"), after, strict=True))
    return f"{' AND '.join(wanted)} ORDER BY {end}, x.contract_id, x.{number} LIMIT :limit"


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
