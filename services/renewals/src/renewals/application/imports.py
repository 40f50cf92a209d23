"""Files of contracts: their rows are kept as they arrive, and worked on in chunks by a durable timer."""

from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final, Protocol

import structlog

from mainstay.kernel.clock import Clock
from mainstay.kernel.ids import new_id
from renewals.application.ports import OpensWork, Work
from renewals.application.reconciling import ReconcileContracts
from renewals.application.sources import Outcome, Plan
from renewals.domain.statements import HEADER, Statement

CHUNK: Final = 100
"""Contracts of one transaction, and the rest of a chain."""
MOST_CHAINED: Final = 1_000
MOST_LINKS: Final = 100
"""Contracts that name each other are worked on together, so that the order of a file's rows does not matter: so many,
and so many one after the other. Of a longer chain one can be told to wait that is linked a little later."""
MOST_ROWS: Final = 200_000
MOST_TERMS: Final = 200
"""Rows of one contract."""
ARRIVES_WITHIN: Final = timedelta(hours=1)
"""A file that has not arrived by then never will."""
KEPT: Final = timedelta(days=90)
"""How long an import and its rows can be asked for."""


_log = structlog.get_logger(__name__)


class ImportState(StrEnum):
    """Where an import stands."""

    RECEIVING = "receiving"
    WORKING = "working"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class ContractImport:
    """One file. `counts` are rows by outcome, `reached` the chain of the last contract that was worked on."""

    id: str
    source: str
    is_dry_run: bool
    state: ImportState
    created_at: datetime
    created_by: str
    finished_at: datetime | None = None
    detail: str | None = None
    reached: int = 0
    rows: int = 0
    counts: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportRow:
    """One row, numbered as a spreadsheet does: the header is row 1.

    `stated` is what it says of the contract's fields and, as `term`, of one term; None where it could not be read.
    `code`, `field` and `detail` say what is wrong with it, or in conflict.
    """

    number: int
    external_id: str
    account_id: str
    stated: Mapping[str, Any] | None
    outcome: Outcome | None = None
    code: str | None = None
    field: str | None = None
    detail: str | None = None


class ImportUnknown(LookupError):
    """No import has this id."""

    def __init__(self, import_id: str) -> None:
        super().__init__(f"no import has the id {import_id}")


class TooManyRows(ValueError):
    """The file has more rows than one import takes."""

    def __init__(self) -> None:
        super().__init__(f"a file has {MOST_ROWS} rows at most: send it in parts, each contract's rows in one of them")


class ImportBook(Protocol):
    """Imports and their rows, within one transaction."""

    async def add(self, job: ContractImport) -> None:
        """Keep a new import."""

    async def add_rows(self, import_id: str, rows: Sequence[ImportRow]) -> None:
        """Keep rows; of accounts that were erased without what they say."""

    async def order(self, import_id: str) -> None:
        """Put the contracts of a file that has arrived in the order of their first rows, those of a chain together."""

    async def get(self, import_id: str, *, lock: bool = False) -> ContractImport:
        """One import. Raises `ImportUnknown`."""

    async def save(self, job: ContractImport) -> None:
        """Keep where an import stands."""

    async def page(self, *, before: str | None, limit: int) -> Sequence[ContractImport]:
        """Up to `limit` imports, newest first, older than the given one."""

    async def next_contracts(
        self, import_id: str, *, after: int, limit: int
    ) -> Sequence[tuple[int, Sequence[ImportRow]]]:
        """The next contracts after a chain, `limit` and the rest of one: the chain of each, and its rows in order."""

    async def settle_rows(self, import_id: str, rows: Sequence[ImportRow]) -> None:
        """Keep what became of rows."""

    async def rows(self, import_id: str, *, outcome: Outcome | None, after: int, limit: int) -> Sequence[ImportRow]:
        """Up to `limit` rows with an outcome, in the file's order, after the given one."""

    async def forget(self, import_id: str) -> None:
        """Delete an import and its rows."""


class ImportContracts:
    """Take files of contracts in, and do what they say."""

    def __init__(self, work: OpensWork, reconcile: ReconcileContracts, clock: Clock) -> None:
        self._work = work
        self._reconcile = reconcile
        self._clock = clock

    async def receive(
        self, source: str, batches: AsyncIterator[Sequence[ImportRow]], *, is_dry_run: bool, by: str
    ) -> ContractImport:
        """Keep the rows as they arrive; when all are there, the work begins. Raises `TooManyRows`.

        An import whose sender goes away in the middle fails, and nothing of it is done.
        """
        now = self._clock.now()
        job = ContractImport(
            id=new_id(now),
            source=source,
            is_dry_run=is_dry_run,
            state=ImportState.RECEIVING,
            created_at=now,
            created_by=by,
        )
        async with self._work() as work:
            await work.imports.add(job)
            await work.timers.arm_import(job.id, now + ARRIVES_WITHIN)
        try:
            async for batch in batches:
                job = _with_more(job, len(batch))
                async with self._work() as work:
                    await work.imports.add_rows(job.id, batch)
        except BaseException:  # a sender who hangs up cancels this; half a file is none
            with suppress(Exception):  # a database that is away lets the timer fail the import, which is the same
                async with self._work() as work:
                    await work.imports.forget(job.id)
            raise
        async with self._work() as work:
            await work.imports.order(job.id)
            job = replace(job, state=ImportState.WORKING)
            await work.imports.save(job)
            await work.timers.arm_import(job.id, self._clock.now())
        return job

    async def go_on(self, work: Work, import_id: str) -> datetime | None:
        """Work on the next contracts of a file, in an open transaction; answers when to look at it again."""
        now = self._clock.now()
        try:
            job = await work.imports.get(import_id, lock=True)
        except ImportUnknown:
            return None
        match job.state:
            case ImportState.WORKING:
                job = await self._chunk(work, job, now)
            case ImportState.RECEIVING:
                detail = "the file did not arrive as a whole"
                job = replace(job, state=ImportState.FAILED, detail=detail, finished_at=now)
            case ImportState.DONE | ImportState.FAILED:
                await work.imports.forget(import_id)
                return None
        await work.imports.save(job)
        return now if job.finished_at is None else job.finished_at + KEPT

    async def _chunk(self, work: Work, job: ContractImport, now: datetime) -> ContractImport:
        contracts = await work.imports.next_contracts(job.id, after=job.reached, limit=CHUNK)
        done: list[ImportRow] = []
        statements = dict[str, tuple[Statement, Sequence[ImportRow]]]()
        for rows in (rows for _, rows in contracts if rows):  # those of accounts that were erased since are gone
            stated = _statement(job, rows)
            if isinstance(stated, Statement):
                statements[stated.external_id] = (stated, rows)
            else:
                done += stated
        act = self._reconcile.foresee if job.is_dry_run else self._reconcile.take
        plans = await act(work, [statement for statement, _ in statements.values()])
        for (_, external_id), plan in plans.items():
            done += [_told(row, plan) for row in statements[external_id][1]]
        await work.imports.settle_rows(job.id, done)
        counts = Counter(job.counts) + Counter(str(row.outcome) for row in done)
        job = replace(job, counts=dict(counts), reached=contracts[-1][0] if contracts else job.reached)
        if len(contracts) < CHUNK:
            job = replace(job, state=ImportState.DONE, finished_at=now)
            _log.info("contracts imported", contract_import=job.id, source=job.source, rows=job.rows, counts=counts)
        return job


def _with_more(job: ContractImport, rows: int) -> ContractImport:
    if job.rows + rows > MOST_ROWS:
        raise TooManyRows
    return replace(job, rows=job.rows + rows)


def _statement(job: ContractImport, rows: Sequence[ImportRow]) -> Statement | Sequence[ImportRow]:
    """What the rows of a contract say together; or the rows with what is wrong."""
    if any(row.stated is None for row in rows):
        other = "another row of the contract cannot be read"
        return [row if row.stated is None else _refused(row, "contract-incomplete", "", other) for row in rows]
    if len(rows) > MOST_TERMS:
        return [_refused(row, "too-many-terms", "", f"a contract has {MOST_TERMS} rows at most") for row in rows]
    fields, terms = dict[str, Any](), list[Mapping[str, Any]]()
    for row in rows:
        said = dict(row.stated or {})
        terms.append(said.pop("term"))
        for name in (name for name in HEADER if name in said):
            # Terms may be of different lengths: later ones last as long as the last.
            if name != "term_months" and fields.get(name, said[name]) != said[name]:
                detail = f"row {rows[0].number} and row {row.number} of the contract say different things"
                return [_refused(each, "rows-disagree", name, detail) for each in rows]
            fields[name] = said[name]
    return Statement(
        source=job.source,
        external_id=rows[0].external_id,
        occurred_at=job.created_at,
        event_id=job.id,
        fields=fields,
        terms=terms,
    )


def _refused(row: ImportRow, code: str, name: str, detail: str) -> ImportRow:
    return replace(row, outcome=Outcome.REFUSED, code=code, field=name or None, detail=detail)


def _told(row: ImportRow, plan: Plan) -> ImportRow:
    first = plan.conflicts[0] if plan.conflicts else None
    code = first.kind.value.replace("_", "-") if first else "account-erased" if plan.record is None else None
    return replace(
        row,
        outcome=plan.outcome,
        code=code,
        field=first.difference.field if first else None,
        detail=plan.detail[:2_000] or None,
    )
