"""POST and PATCH of imports: an ASGI callable in front of FastAPI, because the body is read while it arrives.

The headers are those of resumable uploads (https://datatracker.ietf.org/doc/draft-ietf-httpbis-resumable-upload/).
Offsets are bytes of the file as it is, decompressed.
"""

from collections.abc import Mapping
from contextlib import suppress
from email.message import EmailMessage
from typing import Final
from urllib.parse import parse_qs

import msgspec
import structlog

from ingest.api import json
from ingest.api.access import Access
from ingest.api.answers import Answer, problem, refused
from ingest.api.bodies import BytesInFlight, Receive, SenderGone, Share
from ingest.api.front import Scope, Send
from ingest.api.import_bodies import Pieces
from ingest.api.import_feeding import Feeding, HeaderRefused
from ingest.api.import_reading import CSV, NDJSON, checked
from ingest.api.import_views import ImportView
from ingest.api.tracing import request_id_of, trace_id, traceparent_of
from ingest.application.importing import Feed, Importing
from ingest.application.limiting import AccountTooBusy
from ingest.application.ports import NotKept, Reader
from ingest.domain.imports import Form, ImportBusy, ImportOver, ImportUnknown, OffsetWrong, State
from ingest.domain.refusal import Refused
from ingest.metrics import IngestMetrics
from mainstay.db.errors import is_transient
from mainstay.messaging.port import LogUnavailable
from mainstay.web.keys import ApiKey

PATH: Final = "/v1/imports"
RESERVED_BYTES: Final = 4 * 1024 * 1024
"""What one request holds at most, of the bytes in flight: a chunk of rows, twice, and what was read ahead."""

log = structlog.get_logger(__name__)
_mapping = msgspec.json.Decoder(dict[str, str | list[str]])


class ImportStream:
    """Serves what `serves` says; a `Front` asks it."""

    def __init__(
        self,
        importing: Importing,
        readers: Mapping[str, Reader],
        access: Access,
        in_flight: BytesInFlight,
        metrics: IngestMetrics,
    ) -> None:
        self._importing, self._readers, self._access = importing, readers, access
        self._in_flight, self._metrics = in_flight, metrics

    def serves(self, scope: Scope) -> bool:
        """Whether a request is one of ours."""
        method: str = scope["method"]
        path: str = scope["path"]
        return (method == "POST" and path == PATH) or (
            method == "PATCH" and path.startswith(f"{PATH}/") and path.count("/") == PATH.count("/") + 1
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        headers: dict[bytes, bytes] = dict(scope["headers"])
        traceparent = traceparent_of(headers.get(b"traceparent", b"").decode("latin-1"))
        share = Share(self._in_flight)
        try:
            answer = await self._answer(scope, headers, receive, traceparent, share)
        except SenderGone:
            return
        finally:
            share.give_back()
        self._metrics.answered(PATH, answer.status)
        closing = ((b"connection", b"close"),) if answer.status >= 400 else ()
        start = [
            (b"content-type", answer.media_type),
            (b"content-length", b"%d" % len(answer.body)),
            (b"x-request-id", request_id_of(headers.get(b"x-request-id"), traceparent)),
            *(header for header in answer.headers if header not in closing),
            *closing,
        ]
        await send({"type": "http.response.start", "status": answer.status, "headers": start})
        await send({"type": "http.response.body", "body": answer.body})

    async def _answer(
        self, scope: Scope, headers: Mapping[bytes, bytes], receive: Receive, traceparent: str, share: Share
    ) -> Answer:
        trace, feed = trace_id(traceparent), None
        try:
            key = self._access.of_header(headers.get(b"authorization", b"")) or self._access.of_body(None)
            share.take(RESERVED_BYTES)
            is_whole = _is_complete(headers)
            pieces = Pieces(receive, headers.get(b"content-encoding", b""))
            if scope["method"] == "POST":
                feed = await self._created(scope["query_string"], headers, key, is_whole=is_whole)
            else:
                feed = await self._continued(scope["path"].removeprefix(f"{PATH}/"), headers, key, is_whole=is_whole)
            await self._feed(feed, pieces, traceparent, is_whole=is_whole)
            view = ImportView.of(await self._importing.imports.get(feed.job.id))
            made = scope["method"] == "POST"
            return Answer(201 if made else 200, view.model_dump_json().encode(), headers=_where(feed, is_whole))
        except SenderGone:
            raise
        except Exception as error:  # noqa: BLE001 - told to the sender, and logged where it is ours
            answer = _told(error, trace)
        return answer if feed is None else answer._replace(headers=(*answer.headers, *_where(feed, is_whole=False)))

    async def _created(self, query: bytes, headers: Mapping[bytes, bytes], key: ApiKey, *, is_whole: bool) -> Feed:
        form = checked(_form(query, headers.get(b"content-type", b"")))
        job = await self._importing.create(key, form, _size(headers, 0, is_whole=is_whole))
        return await self._importing.begin(job.id, 0, None, key)

    async def _continued(self, import_id: str, headers: Mapping[bytes, bytes], key: ApiKey, *, is_whole: bool) -> Feed:
        offset = _number(headers, b"upload-offset")
        if offset is None:
            raise Refused("offset-missing", "Say where the body goes on: Upload-Offset, in bytes of the file.")
        job = await self._importing.imports.get(import_id)
        if job.source != key.source:
            raise ImportUnknown(import_id)
        return await self._importing.begin(import_id, offset, _size(headers, offset, is_whole=is_whole), key)

    async def _feed(self, feed: Feed, pieces: Pieces, traceparent: str, *, is_whole: bool) -> None:
        """Take what arrives, and leave the job as it then is."""
        state, reason = State.INTERRUPTED, None
        try:
            await Feeding(feed, self._readers, traceparent).everything(pieces, is_whole=is_whole)
            state = State.DONE if is_whole else State.INTERRUPTED
        except HeaderRefused as one:
            state, reason = State.FAILED, one.detail
            raise
        finally:
            with suppress(Exception):  # a database that is away lets the lease run out, which is the same
                await feed.end(state, reason)


def _told(error: Exception, trace: str) -> Answer:
    """The answer to a request that ended before its body did."""
    sentence = f"{error}.".capitalize()
    match error:
        case Refused():
            return refused([error], trace)
        case OffsetWrong():
            answer = problem("offset-wrong", sentence, trace)
            return answer._replace(status=409, headers=((b"upload-offset", b"%d" % error.expected),))
        case ImportUnknown():
            return problem("import-unknown", sentence, trace)._replace(status=404)
        case ImportOver():
            return problem("import-over", sentence, trace)._replace(status=409)
        case ImportBusy():
            return problem("import-busy", sentence, trace)._replace(status=409, headers=((b"retry-after", b"5"),))
        case LogUnavailable() | NotKept() | AccountTooBusy():
            log.warning("an import waits", reason=str(error), trace_id=trace)
            return problem("log-unavailable", "Go on at Upload-Offset a little later.", trace)
    if is_transient(error):
        return problem("not-kept", "The database does not answer: go on a little later.", trace)
    log.error("import failed", trace_id=trace, exc_info=error)
    return problem("internal-error", "Something went wrong here; the trace id finds it.", trace)


def _form(query: bytes, content_type: bytes) -> Form:
    """What a POST says of its file. Raises `Refused`."""
    stated = EmailMessage()
    try:
        stated["content-type"] = content_type.decode("ascii")
        asked = parse_qs(query.decode("ascii"), strict_parsing=bool(query), max_num_fields=10, errors="strict")
    except ValueError:
        raise Refused("query-malformed", "The query or the media type cannot be read.") from None
    media_type = {"application/ndjson": NDJSON, "application/jsonl": NDJSON}.get(
        stated.get_content_type(), stated.get_content_type()
    )
    if media_type not in {CSV, NDJSON}:
        raise Refused("content-type-not-supported", f"Send {CSV} or {NDJSON}.")
    if str(stated.get_param("charset", "utf-8")).lower() not in {"utf-8", "utf8", "us-ascii"}:
        raise Refused("not-utf-8", "Files are encoded in UTF-8.")
    unknown = asked.keys() - {"kind", "mapping", "delimiter"}
    if unknown:
        raise Refused("query-malformed", "The query may say kind, mapping and delimiter.")
    delimiter = {"tab": "\t"}.get(asked.get("delimiter", [","])[0], asked.get("delimiter", [","])[0])
    if len(delimiter) != 1 or delimiter in '"\r\n\0':
        raise Refused("delimiter-invalid", "The delimiter is one character, or `tab`.")
    mapping = None
    if "mapping" in asked:
        try:
            decoded = json.read(_mapping, asked["mapping"][0].encode())
        except Refused as one:
            raise Refused("mapping-invalid", f'A mapping is {{"column": "field"}}: {one.detail}') from None
        mapping = {column: [to] if isinstance(to, str) else to for column, to in decoded.items()}
        if any("\0" in text for column, to in mapping.items() for text in (column, *to)):
            raise Refused("mapping-invalid", "A mapping holds no NUL character.")
    return Form(media_type, asked.get("kind", [None])[0], mapping, delimiter)


def _is_complete(headers: Mapping[bytes, bytes]) -> bool:
    stated = headers.get(b"upload-complete", b"?1").strip()
    if stated not in {b"?0", b"?1"}:
        raise Refused("header-invalid", "Upload-Complete is ?1 where the file ends with this body, else ?0.")
    return stated == b"?1"


def _number(headers: Mapping[bytes, bytes], name: bytes) -> int | None:
    stated = headers.get(name)
    if stated is None:
        return None
    if not stated.isdigit() or len(stated) > 15:
        raise Refused("header-invalid", f"{name.decode().title()} is a number of bytes.")
    return int(stated)


def _size(headers: Mapping[bytes, bytes], offset: int, *, is_whole: bool) -> int | None:
    """The whole file's size, as stated by Upload-Length, or where this body is the rest of it and not compressed."""
    stated = _number(headers, b"upload-length")
    length = _number(headers, b"content-length")
    if stated is None and is_whole and length is not None and not headers.get(b"content-encoding"):
        return offset + length
    return stated


def _where(feed: Feed, is_whole: bool) -> tuple[tuple[bytes, bytes], ...]:  # noqa: FBT001 - a structured field's value
    return (
        (b"location", f"{PATH}/{feed.job.id}".encode()),
        (b"upload-offset", b"%d" % feed.next_byte),
        (b"upload-complete", b"?1" if is_whole else b"?0"),
    )
