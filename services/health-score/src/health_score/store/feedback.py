"""Feedback counted and added up in the database, from its table that a trigger keeps as the facts resolve."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime, time
from typing import Any, Final

from sqlalchemy import text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncEngine

from health_score.application.feedback import (
    FIRST_ACCOUNTS,
    AskingAccount,
    FeedbackFilter,
    FeedbackView,
    ItemPlace,
    ThemePlace,
    ThemeView,
)
from health_score.application.views import MoneyView

_TO_BE_TOLD: Final = "(f.state IN ('released', 'wont_do') AND f.told_at IS NULL)"
_FROM: Final = " FROM health_score.feedback f JOIN health_score.listing l USING (account_no)"


def _where(wanted: FeedbackFilter) -> tuple[str, dict[str, Any]]:
    """The conditions of a filter, and their parameters."""
    conditions, names = ["true"], dict[str, Any]()
    for column, values in (
        ("f.state", [each.value for each in wanted.states]),
        ("f.kind", [each.value for each in wanted.kinds]),
        ("f.severity", [each.value for each in wanted.severities]),
        ("f.theme", list(wanted.themes)),
        ("l.tier", list(wanted.tiers)),
        ("l.segment", list(wanted.segments)),
    ):
        if values:
            name = column.replace(".", "_")
            names[name] = values
            missing = f" OR {column} IS NULL" if "" in values else ""
            conditions.append(f"({column} = ANY(CAST(:{name} AS text[])){missing})")
    if wanted.since is not None:
        names["since"] = datetime.combine(wanted.since, time.min, UTC)
        conditions.append("f.last_at >= :since")
    if wanted.told is not None:
        conditions.append(_TO_BE_TOLD if not wanted.told else "f.told_at IS NOT NULL")
    return " WHERE " + " AND ".join(conditions), names


# By account first: counting distinct accounts by sorting takes three times as long.
_COUNTED: Final = (
    "SELECT theme, sum(requests)::int AS requests, sum(bugs)::int AS bugs, sum(to_be_told)::int AS to_be_told,"
    " count(*) AS accounts, min(oldest) AS oldest, max(latest) AS latest FROM (SELECT f.theme, f.account_no,"
    " count(*) FILTER (WHERE f.kind = 'request') AS requests, count(*) FILTER (WHERE f.kind = 'bug') AS bugs,"
    f" count(*) FILTER (WHERE {_TO_BE_TOLD}) AS to_be_told, min(f.first_at) AS oldest, max(f.last_at) AS latest"
    f"{_FROM}{{where}} GROUP BY 1, 2) AS a GROUP BY theme"
)


class FeedbackStore:
    """Reads feedback, on connections of its own."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def themes(self, wanted: FeedbackFilter, after: ThemePlace | None, limit: int) -> Sequence[ThemeView]:
        """Up to `limit` themes, those that most accounts ask for first, behind a place."""
        where, names = _where(wanted)
        # Without a theme stands last among those with as many accounts: no theme is empty.
        behind = (
            ""
            if after is None
            else (
                " WHERE (accounts < :accounts OR accounts = :accounts AND (coalesce(theme, ''), theme IS NULL)"
                ' > (CAST(:theme AS text) COLLATE "C", :none))'
            )
        )
        page = text(
            f"SELECT * FROM ({_COUNTED.format(where=where)}) AS t{behind}"
            " ORDER BY accounts DESC, coalesce(theme, ''), theme IS NULL LIMIT :limit"
        )
        place = (
            {}
            if after is None
            else {"accounts": after.accounts, "theme": after.theme or "", "none": after.theme is None}
        )
        async with self._engine.connect() as connection:
            themes = (await connection.execute(page, {**names, **place, "limit": limit})).all()
            if not themes:
                return []
            these = {"these": [row.theme for row in themes if row.theme is not None]}
            missing = " OR f.theme IS NULL" if any(row.theme is None for row in themes) else ""
            which = f"{where} AND (f.theme = ANY(CAST(:these AS text[])){missing})"
            counted: dict[str | None, dict[str, dict[str, int]]] = defaultdict(lambda: {"state": {}, "severity": {}})
            rows = await connection.execute(
                text(
                    f"SELECT f.theme, f.state, f.severity, count(*) AS n{_FROM}{which}"
                    " GROUP BY GROUPING SETS ((f.theme, f.state), (f.theme, f.severity)) ORDER BY 2, 3"
                ),
                {**names, **these},
            )
            for row in rows:
                for column, value in (("state", row.state), ("severity", row.severity)):
                    if value is not None:
                        counted[row.theme][column][value] = row.n
            arr: dict[str | None, list[MoneyView]] = defaultdict(list)
            rows = await connection.execute(
                text(
                    "SELECT s.theme, a.currency, sum(a.amount) AS amount FROM"
                    f" (SELECT DISTINCT f.theme, f.account_no{_FROM}{which}) AS s"
                    " JOIN health_score.account_arr a USING (account_no) GROUP BY 1, 2 ORDER BY 2"
                ),
                {**names, **these},
            )
            for row in rows:
                arr[row.theme].append(MoneyView(str(row.amount), row.currency))
            first = {
                row.theme: row.first
                for row in await connection.execute(
                    text(
                        "SELECT theme, jsonb_agg(jsonb_build_array(account_id, name, owner) ORDER BY account_id)"
                        " AS first FROM (SELECT *, row_number() OVER (PARTITION BY theme ORDER BY account_id) AS place"
                        f" FROM (SELECT DISTINCT f.theme, l.account_id, l.name, l.owner{_FROM}{which}) AS d) AS p"
                        " WHERE place <= :first GROUP BY theme"
                    ).columns(first=JSONB),
                    {**names, **these, "first": FIRST_ACCOUNTS},
                )
            }
        return [
            ThemeView(
                theme=row.theme,
                requests=row.requests,
                bugs=row.bugs,
                states=counted[row.theme]["state"],
                severities=counted[row.theme]["severity"],
                to_be_told=row.to_be_told,
                accounts=row.accounts,
                first_accounts=tuple(AskingAccount(*each) for each in first.get(row.theme) or ()),
                arr=tuple(arr[row.theme]),
                oldest_at=row.oldest,
                latest_at=row.latest,
            )
            for row in themes
        ]

    async def items(
        self, wanted: FeedbackFilter, after: ItemPlace | None, limit: int, now: datetime
    ) -> Sequence[FeedbackView]:
        """Up to `limit` items by account and id, behind a place."""
        where, names = _where(wanted)
        behind, place = "", dict[str, Any]()
        if after is not None:
            behind = (
                " AND (l.account_id, f.feedback_id) >"
                ' (CAST(:account AS text) COLLATE "C", CAST(:feedback AS text) COLLATE "C")'
            )
            place = {"account": after.account_id, "feedback": after.feedback_id}
        query = text(
            f"SELECT l.account_id, l.name, l.owner, f.*{_FROM}{where}{behind}"
            " ORDER BY l.account_id, f.feedback_id LIMIT :limit"
        )
        async with self._engine.connect() as connection:
            rows = (await connection.execute(query, {**names, **place, "limit": limit})).all()
        return [
            FeedbackView(
                account_id=row.account_id,
                account_name=row.name,
                owner=row.owner,
                feedback_id=row.feedback_id,
                kind=row.kind,
                theme=row.theme,
                severity=row.severity,
                state=row.state,
                release=row.release,
                eta_on=row.eta_on,
                words=row.words,
                first_at=row.first_at,
                latest_at=row.last_at,
                state_at=row.state_at,
                days_since=None if row.state_at is None else max(0, (now - row.state_at).days),
                customer_told_at=row.told_at,
            )
            for row in rows
        ]
