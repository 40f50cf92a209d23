"""Routes: files of contracts, and what became of their rows."""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Iterator, Sequence
from datetime import datetime
from typing import IO, Annotated, Final, Self

from fastapi import Header, Path, Query, Request, Response
from msgspec import Meta
from pydantic import BaseModel, Field, StringConstraints

from mainstay.web.bodies import ARRIVES_WITHIN, Allowance
from mainstay.web.csv_cells import CSV
from mainstay.web.json_body import check_encoding
from mainstay.web.pages import DEFAULT_LIMIT, Cursor, Limit, Page, decode_cursor, encode_cursor
from mainstay.web.problems import Problem, ProblemError
from mainstay.web.routes import Caller, Routes
from renewals.api.handlers import Handlers
from renewals.api.import_reading import COLUMNS, REQUIRED, ContractFile
from renewals.application.imports import ContractImport, ImportRow, ImportState
from renewals.application.sources import Outcome

PATH: Final = "/v1/contract-imports"
MAX_FILE_BYTES: Final = 32 << 20
IN_MEMORY_BYTES: Final = 1 << 20
"""What of a file is held in memory; the rest waits in a file of the machine until its rows are read."""
LARGER_BODIES: Final = {PATH: Allowance(MAX_FILE_BYTES, ARRIVES_WITHIN * 20)}

NOT_CSV = Problem(415, "media-type-not-supported", "Files of contracts are sent as text/csv")

ImportId = Annotated[str, Path(max_length=100)]
RowNumber = Annotated[int, Meta(ge=0, le=2**31 - 1)]
SourceName = Annotated[
    str,
    StringConstraints(min_length=1, max_length=100, pattern=r"^[^\x00-\x20\x7f]*$"),
    Query(description="Whose contracts they are: the name of the system that the file comes from"),
]
_BODY: Final = {
    "requestBody": {
        "required": True,
        "content": {CSV: {"schema": {"type": "string"}}},
        "description": f"UTF-8. Columns: {', '.join(COLUMNS)}; compulsory are {', '.join(REQUIRED)}, and a length.",
    }
}


class ImportView(BaseModel):
    """How far an import is. All numbers are rows of the file."""

    id: str
    source: str
    dry_run: bool
    state: ImportState
    created_at: datetime
    created_by: str
    finished_at: datetime | None
    detail: str | None = Field(description="Why it failed")
    read: int = Field(description="Rows that arrived")
    entered: int = Field(description="Of contracts that were not known")
    changed: int
    unchanged: int
    conflicts: int = Field(description="Of contracts of which something was not taken over; see /v1/contract-conflicts")
    refused: int

    @classmethod
    def of(cls, job: ContractImport) -> Self:
        """As the API shows it."""
        return cls(
            id=job.id,
            source=job.source,
            dry_run=job.is_dry_run,
            state=job.state,
            created_at=job.created_at,
            created_by=job.created_by,
            finished_at=job.finished_at,
            detail=job.detail,
            read=job.rows,
            entered=job.counts.get(Outcome.ENTERED, 0),
            changed=job.counts.get(Outcome.CHANGED, 0),
            unchanged=job.counts.get(Outcome.UNCHANGED, 0),
            conflicts=job.counts.get(Outcome.CONFLICT, 0),
            refused=job.counts.get(Outcome.REFUSED, 0),
        )


class ImportRowView(BaseModel):
    """What became of a row; numbered as a spreadsheet does, the header being row 1."""

    row: int
    external_id: str | None
    account_id: str | None
    outcome: Outcome
    code: str | None = Field(description="What is wrong, or in conflict")
    field: str | None
    detail: str | None

    @classmethod
    def of(cls, row: ImportRow) -> Self:
        """As the API shows it."""
        assert row.outcome is not None  # noqa: S101 - only rows with an outcome are asked for
        return cls(
            row=row.number,
            external_id=row.external_id or None,
            account_id=row.account_id or None,
            outcome=row.outcome,
            code=row.code,
            field=row.field,
            detail=row.detail,
        )


def import_routes(handlers: Handlers) -> Routes:
    """Send files of contracts, and see what became of them."""
    routes = Routes(tag="imports")

    @routes.post(
        "/contract-imports",
        scope="renewals:write",
        answers=ImportView,
        status=202,
        openapi_extra=_BODY,
        responses={
            408: {"description": "The file took too long to arrive"},
            413: {"description": "The file is too large"},
            415: {"description": "The file is not text/csv"},
        },
    )
    async def import_contracts(
        request: Request,
        response: Response,
        caller: Caller,
        source: SourceName,
        dry_run: Annotated[bool, Query(description="Tell what would become of each row, and change nothing")] = False,  # noqa: FBT002 - a query's parameter
        content_type: Annotated[str, Header(include_in_schema=False)] = "",
    ) -> ImportView:
        """Take in contracts of another system; several rows of one `external_id` are its terms in order.

        The rows are kept when the answer comes, and then worked on: ask for the import to see how far it is.
        """
        check_encoding(request)
        if content_type.partition(";")[0].strip().lower() != CSV:
            raise ProblemError(NOT_CSV, "send the file as text/csv")
        with tempfile.SpooledTemporaryFile(max_size=IN_MEMORY_BYTES) as file:
            async for chunk in request.stream():
                await asyncio.to_thread(file.write, chunk)
            rows = await asyncio.to_thread(_opened, file)
            job = await handlers.imports.receive(source, _batches(rows), is_dry_run=dry_run, by=caller.id)
        response.headers["Location"] = f"{PATH}/{job.id}"
        return ImportView.of(job)

    @routes.get("/contract-imports", scope="renewals:read", answers=Page[ImportView])
    async def list_imports(limit: Limit = DEFAULT_LIMIT, cursor: Cursor = None) -> Page[ImportView]:
        """The imports of the last 90 days, newest first."""
        before = decode_cursor("contract-imports", cursor, tuple[str])[0] if cursor is not None else None
        async with handlers.work() as work:
            found = await work.imports.page(before=before, limit=limit + 1)
        page = found[:limit]
        more = len(found) > limit
        return Page(
            data=[ImportView.of(job) for job in page],
            next_cursor=encode_cursor("contract-imports", [page[-1].id]) if more else None,
        )

    @routes.get("/contract-imports/{import_id}", scope="renewals:read", answers=ImportView)
    async def get_import(import_id: ImportId) -> ImportView:
        """How far an import is."""
        async with handlers.work() as work:
            return ImportView.of(await work.imports.get(import_id))

    @routes.get("/contract-imports/{import_id}/rows", scope="renewals:read", answers=Page[ImportRowView])
    async def list_rows(
        import_id: ImportId,
        outcome: Annotated[Outcome | None, Query(description="Only rows of which this became")] = None,
        limit: Limit = DEFAULT_LIMIT,
        cursor: Cursor = None,
    ) -> Page[ImportRowView]:
        """What became of the rows, in the order of the file; those that were not worked on yet are left out."""
        after = decode_cursor("import-rows", cursor, tuple[RowNumber])[0] if cursor is not None else 0
        async with handlers.work() as work:
            await work.imports.get(import_id)
            found = await work.imports.rows(import_id, outcome=outcome, after=after, limit=limit + 1)
        page = found[:limit]
        more = len(found) > limit
        return Page(
            data=[ImportRowView.of(row) for row in page],
            next_cursor=encode_cursor("import-rows", [page[-1].number]) if more else None,
        )

    return routes


def _opened(file: IO[bytes]) -> Iterator[Sequence[ImportRow]]:
    file.seek(0)
    return iter(ContractFile(file))


async def _batches(rows: Iterator[Sequence[ImportRow]]) -> AsyncIterator[Sequence[ImportRow]]:
    """Read beside the loop: parsing takes a while."""
    while batch := await asyncio.to_thread(next, rows, None):
        yield batch
