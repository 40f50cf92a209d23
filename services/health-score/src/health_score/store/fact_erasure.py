"""Erasure among facts: people go out of them, what the facts count stays; an erased account's are deleted."""

from collections.abc import Collection, Mapping
from typing import Any, Final

import msgspec
from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from health_score.application.ports import Done
from health_score.store.facts import MARK
from health_score.store.forgetting import Forgotten

PEOPLE: Final = ("health_score.fact_person", "contact_id")
"""Where the ids of people are that facts name: a table and its indexed column."""

_OF_PERSON: Final = text(
    "SELECT f.account_no, f.kind, f.thing_id, f.occurred_at, f.event_id, f.source, f.body::text AS body"
    " FROM health_score.fact_person p JOIN health_score.fact f USING (kind, account_no, thing_id)"
    " WHERE p.contact_id = :person"
)
_REWRITE: Final = text(
    "UPDATE health_score.fact f SET thing_id = t.thing_id, body = CAST(t.body AS jsonb)"
    " FROM unnest(CAST(:account_no AS int[]), CAST(:occurred_at AS timestamptz[]), CAST(:event_id AS text[]),"
    " CAST(:source AS text[]), CAST(:thing_id AS text[]), CAST(:body AS text[]))"
    " AS t (account_no, occurred_at, event_id, source, thing_id, body)"
    " WHERE (f.account_no, f.occurred_at, f.event_id, f.source)"
    " = (t.account_no, t.occurred_at, t.event_id, t.source)"
)
_UNNAME: Final = text("DELETE FROM health_score.fact_person WHERE contact_id = :person")
_MARK: Final = text(MARK)
_FORGET_ACCOUNT: Final = tuple(
    text(f"DELETE FROM health_score.{table} WHERE account_no = :account") for table in ("fact", "fact_person")
)


class FactErasure:
    """The erasing among facts, within one transaction that has locked the accounts."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def person(self, person: str, pseudonym: str) -> Done:
        """Put a pseudonym in a person's place, and take out what the person is called and wrote."""
        rows = (await self._connection.execute(_OF_PERSON, {"person": person})).all()
        if not rows:
            return Done(0, 0)
        stated = [msgspec.json.decode(row.body) for row in rows]
        theirs = {_thing(row) for row, body in zip(rows, stated, strict=True) if body.get("contact_id") == person}
        forgotten = Forgotten({person}, pseudonym)
        bodies = [_without(forgotten, row, body, theirs) for row, body in zip(rows, stated, strict=True)]
        await self._connection.execute(
            _REWRITE,
            {
                **{name: [getattr(row, name) for row in rows] for name in ("account_no", "occurred_at", "event_id")},
                "source": [row.source for row in rows],
                "thing_id": [pseudonym if row.thing_id == person else row.thing_id for row in rows],
                "body": [msgspec.json.encode(body).decode() for body in bodies],
            },
        )
        await self._connection.execute(_UNNAME, {"person": person})
        await self._connection.execute(_MARK, {"numbers": sorted({row.account_no for row in rows})})
        return Done(len(rows), len({row.account_no for row in rows}))

    async def account(self, number: int) -> int:
        """Delete every fact of an account; answers how many rows that were."""
        return sum(
            [(await self._connection.execute(forget, {"account": number})).rowcount for forget in _FORGET_ACCOUNT]
        )


def _thing(row: Row[Any]) -> tuple[int, str, str]:
    return row.account_no, row.kind, row.thing_id


def _without(
    forgotten: Forgotten, row: Row[Any], stated: Mapping[str, Any], theirs: Collection[Any]
) -> Mapping[str, Any]:
    body = forgotten.body(row.kind, stated)
    return forgotten.texts(row.kind, body) if _thing(row) in theirs else body
