"""Facts as they were stated: one row a fact, for ever, and what a process remembers of them."""

from collections import OrderedDict
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from datetime import datetime
from typing import TypeAlias

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from health_score.domain.account import Account
from health_score.domain.facts.known import Facts
from health_score.store.forgetting import Forgotten
from health_score.store.statements import FactRow, Kept, people_in, row_of, statement_of
from mainstay.contracts.envelope import Event
from mainstay.contracts.ingest import ContactFact
from mainstay.service.subjects import USER

_ADD = text(
    "INSERT INTO health_score.fact (account_no, kind, thing_id, occurred_at, event_id, source, known_at, body)"
    " SELECT account_no, kind, thing_id, occurred_at, event_id, source, known_at, CAST(body AS jsonb)"
    " FROM unnest(CAST(:account_no AS int[]), CAST(:kind AS text[]), CAST(:thing_id AS text[]),"
    " CAST(:occurred_at AS timestamptz[]), CAST(:event_id AS text[]), CAST(:source AS text[]),"
    " CAST(:known_at AS timestamptz[]), CAST(:body AS text[]))"
    " AS t (account_no, kind, thing_id, occurred_at, event_id, source, known_at, body) ON CONFLICT DO NOTHING"
)
_NAMED = text(
    "SELECT DISTINCT p.account_no, p.contact_id"
    " FROM unnest(CAST(:accounts AS int[]), CAST(:people AS text[])) AS t (account_no, contact_id)"
    " JOIN health_score.fact_person p USING (contact_id, account_no)"
)
_NAME = text(
    "INSERT INTO health_score.fact_person (contact_id, account_no, kind, thing_id)"
    " SELECT * FROM unnest(CAST(:people AS text[]), CAST(:accounts AS int[]), CAST(:kinds AS text[]),"
    " CAST(:things AS text[])) ON CONFLICT DO NOTHING"
)
MARK = (
    "UPDATE health_score.account SET facts_mark = nextval('health_score.facts_mark')"
    " WHERE account_no = ANY(CAST(:numbers AS int[]))"
)
"""To be said whenever rows of an account's facts are written, changed or deleted."""

_MARK = text(MARK)
_MARKS = text(
    "SELECT account_no, facts_mark FROM health_score.account"
    " WHERE account_no = ANY(CAST(:numbers AS int[])) AND facts_mark > 0"
)
# One row an account: arrays are decoded several times faster than rows.
_OF = text(
    "SELECT t.account_no, f.* FROM unnest(CAST(:numbers AS int[])) AS t (account_no)"
    " CROSS JOIN LATERAL (SELECT array_agg(x.kind) AS kinds, array_agg(x.thing_id) AS things,"
    " array_agg(x.occurred_at) AS occurred, array_agg(x.event_id) AS events, array_agg(x.known_at) AS known,"
    " array_agg(x.body::text) AS bodies FROM (SELECT * FROM health_score.fact y WHERE y.account_no = t.account_no"
    " ORDER BY y.occurred_at, y.event_id, y.source) AS x) AS f"
)

NOTHING = Facts()

Among: TypeAlias = Callable[[str, Collection[str]], Awaitable[frozenset[str]]]
"""Answers those of the ids that are erased."""


class RememberedFacts:
    """The facts of the accounts asked for last, each under the mark of its rows. Shared by a process's transactions.

    A usage event re-scores its account, and its facts are seldom others than a moment ago.
    """

    MOST = 50_000
    """So many statements are remembered; one takes about 1 kB."""

    def __init__(self) -> None:
        self._facts: OrderedDict[int, tuple[int, Facts]] = OrderedDict()
        self._statements = 0

    def get(self, number: int, mark: int) -> Facts | None:
        """An account's facts, if those remembered are the ones of the mark."""
        known = self._facts.get(number)
        if known is None or known[0] != mark:
            return None
        self._facts.move_to_end(number)
        return known[1]

    def put(self, number: int, mark: int, facts: Facts) -> None:
        """Remember an account's facts; those longest unused go."""
        _, before = self._facts.pop(number, (0, NOTHING))
        self._facts[number] = (mark, facts)
        self._statements += len(facts.statements) - len(before.statements)
        while self._statements > self.MOST:
            _, (_, gone) = self._facts.popitem(last=False)
            self._statements -= len(gone.statements)


class FactStore:
    """The facts, within one transaction."""

    def __init__(self, connection: AsyncConnection, remembered: RememberedFacts, erased: Among) -> None:
        self._connection = connection
        self._remembered = remembered
        self._erased = erased

    async def add(self, events: Sequence[Event[Kept]], accounts: Mapping[str, Account], at: datetime) -> None:
        """Keep facts that had no effect here before, received at `at`. Their accounts are locked.

        Erased people are nobody: what a fact says of them is left out, and what is about them alone is not kept.
        """
        if not events:
            return
        number = {account.id: account.number for account in accounts.values()}
        named = [(number[event.data.account_id], event, people_in(event.data)) for event in events]
        gone = await self._erased_among({(account, person) for account, _, people in named for person in people})
        rows: list[FactRow] = []
        people_of: set[tuple[str, int, str, str]] = set()
        for account, event, people in named:
            row = row_of(event, account, at)
            if erased := people & gone:
                if isinstance(event.data, ContactFact):
                    continue
                body = msgspec.json.encode(Forgotten(erased).body(row.kind, msgspec.json.decode(row.body)))
                row = row._replace(body=body.decode())
            rows.append(row)
            people_of |= {(person, account, row.kind, row.thing_id) for person in people - gone}
        await self._write(rows, people_of)

    async def of(self, numbers: Collection[int]) -> Mapping[int, Facts]:
        """Every fact of these accounts."""
        facts = dict.fromkeys(numbers, NOTHING)
        if not facts:
            return facts
        marks = {
            row.account_no: row.facts_mark
            for row in await self._connection.execute(_MARKS, {"numbers": sorted(numbers)})
        }
        missing = []
        for number, mark in marks.items():
            known = self._remembered.get(number, mark)
            if known is None:
                missing.append(number)
            else:
                facts[number] = known
        for number, found in (await load(self._connection, missing)).items():
            facts[number] = found
            self._remembered.put(number, marks[number], found)
        return facts

    async def _erased_among(self, people: set[tuple[int, str]]) -> frozenset[str]:
        """Those of the (account, contact) who are erased. Who is named here already is not."""
        if not people:
            return frozenset()
        wanted = sorted(people)
        rows = await self._connection.execute(
            _NAMED, {"accounts": [account for account, _ in wanted], "people": [person for _, person in wanted]}
        )
        known = {(row.account_no, row.contact_id) for row in rows}
        return await self._erased(USER, {person for account, person in wanted if (account, person) not in known})

    async def _write(self, rows: Sequence[FactRow], people_of: Collection[tuple[str, int, str, str]]) -> None:
        if not rows:
            return
        rows = sorted(rows)
        await self._connection.execute(
            _ADD, {field: [getattr(row, field) for row in rows] for field in FactRow._fields}
        )
        if people_of:
            people, accounts, kinds, things = map(list, zip(*sorted(people_of), strict=True))
            await self._connection.execute(
                _NAME, {"people": people, "accounts": accounts, "kinds": kinds, "things": things}
            )
        await self._connection.execute(_MARK, {"numbers": sorted({row.account_no for row in rows})})


async def load(connection: AsyncConnection, numbers: Collection[int]) -> Mapping[int, Facts]:
    """Every fact of these accounts, as the database has them; accounts without any are left out."""
    if not numbers:
        return {}
    rows = await connection.execute(_OF, {"numbers": sorted(numbers)})
    return {
        row.account_no: Facts.of(
            [
                statement_of(*each)
                for each in zip(row.kinds, row.things, row.occurred, row.events, row.known, row.bodies, strict=True)
            ]
        )
        for row in rows
        if row.kinds
    }
