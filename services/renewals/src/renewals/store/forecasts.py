"""Forecasts out of the ledger and the calls: one statement an answer, added up in the database."""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from renewals.application.forecast_book import (
    LEADS,
    Accuracy,
    Cut,
    Group,
    Outlook,
    Outstanding,
    RenewalRow,
    Said,
    Scope,
    Status,
    Sums,
    Whose,
)
from renewals.domain.currencies import minor_unit, smallest
from renewals.domain.forecasting import CallKind, Category, FactorName, Situation, Tenure, Trend
from renewals.domain.retention import Every
from renewals.store.expiries import expiries, groups
from renewals.store.figures import COMPARED_PLACES, decimal_of
from renewals.store.sql import day_ends, half_even

_RATE: Final = """
    rate AS (
        SELECT r.*, CAST(10 ^ r.places AS numeric) AS minor FROM unnest(CAST(:currencies AS text[]),
            CAST(:reporting AS text[]), CAST(:rates AS numeric[]), CAST(:places AS int[]), CAST(:halves AS numeric[]))
            AS r (currency, reporting, rate, places, half)
    )"""

_KINDS: Final = f"unnest(ARRAY[{', '.join(repr(kind.value) for kind in CallKind)}]) AS k (kind)"


def _rounded(amount: str) -> str:
    return half_even(f"({amount} * r.rate)", "r.places", "r.minor", "r.half")


def _states(at: str = ":known_at", as_of: str = ":as_of", prefix: str = "") -> str:
    """`state`: each expiry with the latest call of each kind, as known and as of a day, and the one that prevails."""
    latest = " ".join(
        f"""
        LEFT JOIN LATERAL (
            SELECT f AS call FROM renewals.forecast_call f
            WHERE f.contract_id = x.contract_id AND f.term = x.term AND f.kind = '{kind.value}'
                AND f.said_at <= {at} AND f.said_at < {day_ends(as_of)}
            ORDER BY f.said_at DESC, f.id DESC LIMIT 1
        ) AS {kind.value} ON true"""
        for kind in CallKind
    )
    return f"""
    {prefix}state AS MATERIALIZED (
        SELECT x.*, automated.call AS automated, csm.call AS csm, final.call AS final,
            coalesce(final.call, csm.call, automated.call) AS prevailing
        FROM {prefix}expiry x {latest}
    )"""


def _told_as_json(state: str) -> str:
    """A state for Python: amounts as text, because JSON's numbers come as floats."""
    due, renewed = (_rounded(f"{state}.{name}") for name in ("due", "renewed"))
    calls = ", ".join(f"'{kind.value}', {_call_as_json(f'{state}.{kind.value}')}" for kind in CallKind)
    return (
        f"CASE WHEN {state}.contract_id IS NOT NULL THEN jsonb_build_object('start', {state}.start,"
        f" 'status', {state}.status, 'calls', jsonb_build_object({calls}), 'due', CAST({due} AS text),"
        f" 'renewed', CAST({renewed} AS text)) END"
    )


def _call_as_json(call: str) -> str:
    exact = ", ".join(f"'{name}', CAST(({call}).{name} AS text)" for name in ("amount", "probability"))
    return f"to_jsonb({call}) || jsonb_build_object({exact})"


def _call_columns(whose: Whose) -> str:
    """A kind's call of an open renewal: its category, amount and probability x amount, in the reporting currency."""
    call = f"(s.{whose.value})"
    parts = {
        "category": f"{call}.category",
        "amount": _rounded(f"{call}.amount"),
        "expected": _rounded(f"{call}.amount * {call}.probability"),
    }
    return ", ".join(
        f"CASE WHEN s.status = 'open' THEN {part} END AS {whose.value}_{name}" for name, part in parts.items()
    )


def _sums(whose: Whose) -> str:
    """What calls of a kind add up to, in the order of `Sums`."""

    def among(*categories: Category) -> str:
        named = ", ".join(f"'{each.value}'" for each in categories)
        return f"coalesce(sum({whose.value}_amount) FILTER (WHERE {whose.value}_category IN ({named})), 0)"

    sure, likely, hoped, omitted = Category
    return (
        f"count({whose.value}_category), {among(sure)}, {among(sure, likely)}, {among(sure, likely, hoped)},"
        f" {among(omitted)}, coalesce(sum({whose.value}_expected), 0)"
    )


_MINE: Final = f"""
    mine AS (
        SELECT s.customer, s.start, s.status, r.reporting, {_rounded("s.due")} AS due,
            {_rounded("s.renewed")} AS renewed, {", ".join(_call_columns(whose) for whose in Whose)}
        FROM state s JOIN rate r USING (currency)
    )"""

_OUTLOOK: Final = f"""
    count(*), sum(m.due), count(*) FILTER (WHERE m.status = 'open'),
    coalesce(sum(m.due) FILTER (WHERE m.status = 'open'), 0),
    count(*) FILTER (WHERE m.status = 'renewed'), coalesce(sum(m.renewed), 0),
    count(*) FILTER (WHERE m.status = 'churned'), coalesce(sum(m.due) FILTER (WHERE m.status = 'churned'), 0),
    {", ".join(_sums(whose) for whose in Whose)}"""

_PAGE: Final = "ORDER BY e.start, e.contract_id, e.term LIMIT :limit"
_PAGE_AFTER: Final = f"AND (e.start, e.contract_id, e.term) > (:last_day, :contract, :term) {_PAGE}"

_DIFFERS: Final = " OR ".join(
    f"{part.format(s='now_state')} IS DISTINCT FROM {part.format(s='then_state')}"
    for part in (
        "{s}.status",
        "{s}.start",
        "{s}.renewed",
        "({s}.prevailing).kind",
        "({s}.prevailing).category",
        "({s}.prevailing).probability",
        "({s}.prevailing).amount",
    )
)

# What was said so many days before the last day ended (UTC): each kind's call, and once more the one that prevailed.
_HELD_AGAINST: Final = f"""
    told AS MATERIALIZED (
        SELECT x.contract_id, x.term, x.customer, x.start, l.days, k.kind AS whose, c.category,
            {_rounded("coalesce(x.renewed, 0)")} AS actual, {_rounded("c.amount")} AS amount,
            {_rounded("c.amount * c.probability")} AS expected,
            (c.probability - CASE WHEN x.status = 'renewed' THEN 1 ELSE 0 END) ^ 2 AS squared
        FROM expiry x JOIN rate r USING (currency)
        CROSS JOIN unnest(CAST(:leads AS int[])) AS l (days) CROSS JOIN {_KINDS}
        LEFT JOIN LATERAL (
            SELECT f.category, f.amount, f.probability FROM renewals.forecast_call f
            WHERE f.contract_id = x.contract_id AND f.term = x.term AND f.kind = k.kind
                AND f.said_at <= :known_at AND f.said_at < {day_ends("x.start - l.days")}
            ORDER BY f.said_at DESC, f.id DESC LIMIT 1
        ) AS c ON true
        WHERE x.status <> 'open'
    ),
    prevailed AS (
        SELECT DISTINCT ON (contract_id, term, days) * FROM told
        ORDER BY contract_id, term, days, category IS NULL,
            array_position(ARRAY['final', 'csm', 'automated'], whose)
    ),
    held AS (
        SELECT customer, start, days, whose, category, actual, amount, expected, squared FROM told
        UNION ALL
        SELECT customer, start, days, 'prevailing', category, actual, amount, expected, squared FROM prevailed
    )"""
_LIKELY: Final = "CASE WHEN category IN ('commit', 'most_likely') THEN amount ELSE 0 END"
_ACCURACY: Final = f"""
    count(category), count(*) - count(category),
    coalesce(sum(amount) FILTER (WHERE category = 'commit'), 0),
    coalesce(sum(amount) FILTER (WHERE category IN ('commit', 'most_likely')), 0),
    coalesce(sum(amount) FILTER (WHERE category IN ('commit', 'most_likely', 'best_case')), 0),
    coalesce(sum(expected), 0), coalesce(sum(actual) FILTER (WHERE category IS NOT NULL), 0),
    coalesce(sum(abs({_LIKELY} - actual)) FILTER (WHERE category IS NOT NULL), 0), coalesce(sum(squared), 0)"""


class ForecastStore:
    """Forecasts, within one transaction."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def outlook(
        self, scope: Scope, every: Every, cuts: Sequence[Cut]
    ) -> Mapping[tuple[date, Group, str], Outlook]:
        """By period (by its first day in the span), group and currency."""
        period = "CAST(:t0 AS date)"
        if every is not Every.NONE:
            period = f"greatest(CAST(:t0 AS date), CAST(date_trunc('{every.value}', m.start) AS date))"
        statement = (
            f"WITH {_RATE}, {expiries()}, {groups()}, {_states()}, {_MINE}"
            f" SELECT {period}, m.reporting, {_keys(cuts)} {_OUTLOOK}"
            " FROM mine m LEFT JOIN grouped g ON g.customer = m.customer AND g.start = m.start"
            f" GROUP BY {', '.join(str(place + 1) for place in range(2 + len(cuts)))}"
        )
        found: dict[tuple[date, Group, str], Outlook] = {}
        for row in await self._connection.execute(text(statement), _parameters(scope)):
            first, currency, *rest = row
            group, sums = tuple(rest[: len(cuts)]), _told(rest[len(cuts) :], currency)
            calls = {whose: Sums(*sums[8 + 6 * place : 14 + 6 * place]) for place, whose in enumerate(Whose)}
            found[first, group, currency] = Outlook(*[*sums[:8], calls])
        return found

    async def renewals(self, scope: Scope, *, after: tuple[date, str, int] | None, limit: int) -> Sequence[RenewalRow]:
        """Up to `limit` renewals in the order of (last day, contract, term), after the given one."""
        statement = (
            f"WITH {_RATE}, {expiries(more=_PAGE_AFTER if after else _PAGE)}, {groups()}, {_states()}"
            f" SELECT contract_id, term, customer, currency, g.owner, g.segment, {_told_as_json('state')} AS now,"
            " NULL AS was FROM state JOIN rate r USING (currency) LEFT JOIN grouped g USING (customer, start)"
            " ORDER BY start, contract_id, term"
        )
        asked = {**_parameters(scope), "limit": limit}
        if after:
            asked |= {"last_day": after[0], "contract": after[1], "term": after[2]}
        return [_renewal(row) for row in await self._connection.execute(text(statement), asked)]

    async def moved(
        self, scope: Scope, then: Scope, *, after: tuple[str, int] | None, limit: int
    ) -> Sequence[RenewalRow]:
        """Up to `limit` renewals whose state or prevailing call differs, by contract and term, after the given one."""
        earlier = (":then_known_at", ":then_as_of", "then_")
        statement = (
            f"WITH {_RATE}, {expiries(prefix='now_')}, {_states(prefix='now_')},"
            f" {expiries(*earlier)}, {_states(*earlier)},"
            " both_states AS (SELECT contract_id, term, coalesce(now_state.customer, then_state.customer) AS customer,"
            " coalesce(now_state.start, then_state.start) AS start, currency,"
            f" {_told_as_json('now_state')} AS now, {_told_as_json('then_state')} AS was"
            " FROM now_state FULL JOIN then_state USING (contract_id, term, currency) JOIN rate r USING (currency)"
            f" WHERE ({_DIFFERS}) {'AND (contract_id, term) > (:contract, :term)' if after else ''}"
            f" ORDER BY contract_id, term LIMIT :limit), {groups('both_states')}"
            " SELECT contract_id, term, customer, currency, g.owner, g.segment, now, was"
            " FROM both_states LEFT JOIN grouped g USING (customer, start) ORDER BY contract_id, term"
        )
        asked = {**_parameters(scope), "then_known_at": then.known_at, "then_as_of": then.as_of, "limit": limit}
        if after:
            asked |= {"contract": after[0], "term": after[1]}
        return [_renewal(row) for row in await self._connection.execute(text(statement), asked)]

    async def accuracy(self, scope: Scope, cuts: Sequence[Cut]) -> Mapping[tuple[Group, Whose, int], Accuracy]:
        """Of the decided renewals of the whole span, by group, kind of call and lead."""
        statement = (
            f"WITH {_RATE}, {expiries()}, {groups()}, {_HELD_AGAINST}"
            f" SELECT h.whose, h.days, {_keys(cuts)} {_ACCURACY} FROM held h"
            " LEFT JOIN grouped g ON g.customer = h.customer AND g.start = h.start"
            f" GROUP BY {', '.join(str(place + 1) for place in range(2 + len(cuts)))}"
        )
        asked = {**_parameters(scope), "leads": list(LEADS)}
        found: dict[tuple[Group, Whose, int], Accuracy] = {}
        for row in await self._connection.execute(text(statement), asked):
            whose, days, *rest = row
            *sums, squared = rest[len(cuts) :]
            group = tuple(rest[: len(cuts)])
            found[group, Whose(whose), days] = Accuracy(*[*_told(sums, str(scope.currency)), squared])
        return found


def _keys(cuts: Sequence[Cut]) -> str:
    return "".join(f"g.{cut.value}, " for cut in cuts)


def _parameters(scope: Scope) -> dict[str, Any]:
    currencies = sorted(scope.rates)
    reporting = [scope.currency or currency for currency in currencies]
    return {
        "t0": scope.t0,
        "t1": scope.t1,
        "as_of": scope.as_of,
        "known_at": scope.known_at,
        "currencies": currencies,
        "reporting": reporting,
        "rates": [decimal_of(scope.rates[currency]) for currency in currencies],
        "places": [minor_unit(currency) for currency in reporting],
        "halves": [smallest(currency) / 2 - Decimal(f"1e-{COMPARED_PLACES}") for currency in reporting],
    }


def _told(sums: Sequence[Any], currency: str) -> list[Any]:
    """Sums with their currency's decimals, also those of nothing; counts as they are."""
    step = smallest(currency)
    return [each.quantize(step) if isinstance(each, Decimal) else each for each in sums]


def _renewal(row: Any) -> RenewalRow:
    return RenewalRow(
        contract_id=row.contract_id,
        term=row.term,
        account_id=row.customer,
        currency=row.currency,
        owner=row.owner,
        segment=row.segment,
        now=_outstanding(row.now) if row.now else None,
        was=_outstanding(row.was) if row.was else None,
    )


def _outstanding(state: Mapping[str, Any]) -> Outstanding:
    calls = {kind: call for kind, call in state["calls"].items() if call}
    return Outstanding(
        last_day=date.fromisoformat(state["start"]),
        due=Decimal(state["due"]),
        renewed=None if state["renewed"] is None else Decimal(state["renewed"]),
        status=Status(state["status"]),
        calls={kind: _said(calls[kind.value]) for kind in CallKind if kind.value in calls},
    )


def _said(call: Mapping[str, Any]) -> Said:
    trend, tenure = call["trend"], call["tenure"]
    return Said(
        kind=CallKind(call["kind"]),
        category=Category(call["category"]),
        probability=Decimal(call["probability"]),
        amount=Decimal(call["amount"]),
        standing=Situation(call["band"], Trend(trend) if trend else None, Tenure(tenure) if tenure else None),
        note=call["note"],
        said_at=datetime.fromisoformat(call["said_at"]).astimezone(UTC),
        said_by=call["said_by"],
        is_cancelled=any(factor["name"] == FactorName.CANCELLED for factor in call["factors"]),
    )
