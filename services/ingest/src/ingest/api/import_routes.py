"""The routes of imports that read, and the one that cancels; `import_stream` takes the files themselves."""

import csv
import io
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import Annotated, Any

import msgspec
from fastapi import FastAPI, Header, Path
from fastapi.responses import StreamingResponse

from ingest.api.access import SCOPE
from ingest.api.import_fields import KINDS
from ingest.api.import_reading import CSV, NDJSON
from ingest.api.import_views import ImportView
from ingest.application.importing import Importing
from ingest.domain.imports import ImportOver, ImportUnknown, RefusedRow
from mainstay.web.methods import also_takes
from mainstay.web.pages import DEFAULT_LIMIT, Cursor, Limit, Page, decode_cursor, encode_cursor
from mainstay.web.problems import MEDIA_TYPE, Problem, ProblemBody
from mainstay.web.routes import Routes

PROBLEMS: Mapping[type[Exception], Problem] = {
    ImportUnknown: Problem(404, "import-unknown", "There is no such import"),
    ImportOver: Problem(409, "import-over", "The import is over"),
}

ImportId = Annotated[str, Path(max_length=100)]
_COLUMNS = ("row", "byte", "code", "pointer", "reason", "document")
_encode = msgspec.json.Encoder().encode


def import_routes(importing: Importing) -> Routes:
    """Progress, reports, and cancelling."""
    routes = Routes(tag="imports")
    imports = importing.imports

    @routes.get("/imports", scope="ingest:read", answers=Page[ImportView])
    async def list_imports(limit: Limit = DEFAULT_LIMIT, cursor: Cursor = None) -> Page[ImportView]:
        """List the imports, newest first."""
        before = decode_cursor("imports", cursor, tuple[str])[0] if cursor is not None else None
        found = await imports.page(before=before, limit=limit + 1)
        more = len(found) > limit
        page = found[:limit]
        return Page(
            data=[ImportView.of(job) for job in page],
            next_cursor=encode_cursor("imports", [page[-1].id]) if more else None,
        )

    @routes.get("/imports/{import_id}", scope="ingest:read", answers=ImportView)
    async def get_import(import_id: ImportId) -> ImportView:
        """How far an import is; `next_byte` is where an interrupted one goes on."""
        return ImportView.of(await imports.get(import_id))

    @routes.get(
        "/imports/{import_id}/report",
        scope="ingest:read",
        response_class=StreamingResponse,
        responses={200: {"content": {CSV: {}, NDJSON: {}}, "description": "The refused rows, in the file's order"}},
    )
    async def get_report(import_id: ImportId, accept: Annotated[str, Header()] = "*/*") -> StreamingResponse:
        """The rows that were refused and why, as CSV, or as NDJSON where that alone is accepted."""
        await imports.get(import_id)
        is_lines = "json" in accept and CSV not in accept
        pages = imports.refusals(import_id)
        return StreamingResponse(_lines(pages) if is_lines else _table(pages), media_type=NDJSON if is_lines else CSV)

    @routes.delete("/imports/{import_id}", scope="ingest:write")
    async def cancel_import(import_id: ImportId) -> None:
        """Take no more rows; those that were taken stay."""
        await importing.cancel(import_id)

    return routes


async def _lines(pages: AsyncIterator[Sequence[RefusedRow]]) -> AsyncIterator[bytes]:
    async for page in pages:
        yield b"".join(_encode(dict(zip(_COLUMNS, _told(row), strict=True))) + b"\n" for row in page)


async def _table(pages: AsyncIterator[Sequence[RefusedRow]]) -> AsyncIterator[str]:
    yield _written([_COLUMNS])
    async for page in pages:
        yield _written([_told(row) for row in page])


def _written(rows: Sequence[Sequence[object]]) -> str:
    text = io.StringIO(newline="")
    csv.writer(text).writerows(rows)
    return text.getvalue()


def _told(row: RefusedRow) -> tuple[int, int, str, str, str, str]:
    return row.number, row.byte, row.code, row.pointer, row.reason, row.document.decode(errors="replace")


def describe_imports(app: FastAPI) -> None:
    """Make the application, and its OpenAPI document, tell of POST and PATCH too, which are served in front of it."""
    also_takes(app, "/v1/imports", ["POST"])
    also_takes(app, "/v1/imports/{import_id}", ["PATCH"])
    rest: Callable[[], dict[str, Any]] = app.openapi

    def whole() -> dict[str, Any]:
        document = rest()
        document["paths"]["/v1/imports"].setdefault("post", _creating())
        document["paths"]["/v1/imports/{import_id}"].setdefault("patch", _going_on())
        return document

    app.openapi = whole  # type: ignore[method-assign]  # FastAPI's documented way to extend it


def _operation(summary: str, description: str, status: str, parameters: list[dict[str, Any]]) -> dict[str, Any]:
    view, failure = (f"#/components/schemas/{name.__name__}" for name in (ImportView, ProblemBody))
    body = {"type": "string", "format": "binary"}
    return {
        "tags": ["imports"],
        "summary": summary,
        "description": description,
        "x-scope": SCOPE,
        "security": [{"ApiKey": []}],
        "parameters": parameters,
        "requestBody": {"content": {CSV: {"schema": body}, NDJSON: {"schema": body}}},
        "responses": {
            status: {"description": "As far as it is", "content": {"application/json": {"schema": {"$ref": view}}}},
            **{
                code: {"description": meaning, "content": {MEDIA_TYPE: {"schema": {"$ref": failure}}}}
                for code, meaning in _FAILURES.items()
            },
        },
    }


_FAILURES = {
    "400": "The file or its mapping cannot be read",
    "401": "The API key is missing or not valid",
    "403": "The API key lacks the scope",
    "409": "Another place of the file is expected, or another request feeds it",
    "503": "Not stored, or not known to be: go on from `next_byte` after Retry-After seconds",
    "default": "Any other failure",
}


def _parameter(name: str, place: str, about: str, **schema: Any) -> dict[str, Any]:
    required = {"required": True} if place == "path" or name == "Upload-Offset" else {}
    return {"name": name, "in": place, "description": about, "schema": {"type": "string", **schema}, **required}


_COMPLETE = _parameter(
    "Upload-Complete", "header", "?1 (or absent) where the file ends with this body", enum=["?0", "?1"]
)


def _creating() -> dict[str, Any]:
    return _operation(
        "Import a file",
        "The rows are read while they arrive, and the file itself is kept nowhere.",
        "201",
        [
            _parameter("kind", "query", "What the rows are about; without it, each line says so itself", enum=[*KINDS]),
            _parameter("mapping", "query", 'JSON: {"column": "field" or ["field", …], "=constant": "field"}'),
            _parameter("delimiter", "query", "Of a CSV: one character, or `tab`", default=","),
            _COMPLETE,
        ],
    )


def _going_on() -> dict[str, Any]:
    return _operation(
        "Go on with an import",
        "A wrong offset is answered with 409 and the right one.",
        "200",
        [
            _parameter("import_id", "path", "The import", maxLength=100),
            _parameter("Upload-Offset", "header", "`next_byte` of the import", pattern="^[0-9]{1,15}$"),
            _COMPLETE,
        ],
    )
