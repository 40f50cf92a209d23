"""`mainstay import`: send a file to ingest, show how far it is, and go on where an interrupted import stopped.

The file goes in parts, each answered once it is durable: what the bar shows is stored.
"""

import asyncio
import csv
import hashlib
import http.client
import itertools
import json
import shutil
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlencode, urlsplit

from rich.console import Console
from rich.table import Table
from rich.text import Text

from standalone import access
from standalone.database import DatabaseAway
from standalone.folders import make_folder, write_private
from standalone.import_content import Content, NotWhole, inner_suffix
from standalone.import_progress import ImportProgress, told_of
from standalone.services import INGEST
from standalone.settings import StandaloneSettings

FIRST_PART_BYTES: Final = 256 * 1024
SMALLEST_PART_BYTES: Final = 64 * 1024
LARGEST_PART_BYTES: Final = 8 * 1024 * 1024
PART_SECONDS: Final = 1.5
"""A part is as large as what was stored in so long before: the bar moves, and slow sources do not time out."""
TIMEOUT_SECONDS: Final = 120.0
AWAY_SECONDS: Final = 300.0
"""So long an ingest that answered before is waited for."""
NEVER_THERE_SECONDS: Final = 15.0
"""So long one that did not answer yet."""
FIRST_REFUSALS: Final = 5
SCOPES: Final = ("ingest:read", "ingest:write")
_MEDIA_TYPES: Final = {
    ".csv": "text/csv",
    ".tsv": "text/csv",
    ".ndjson": "application/x-ndjson",
    ".jsonl": "application/x-ndjson",
}


class ImportFailed(Exception):
    """The file cannot be imported, or ingest stayed away."""


class ImportedAlready(ImportFailed):
    """The same command imported the same file before."""


class _Away(Exception):
    """No answer, or one that says: later."""


class _Forgotten(Exception):
    """Ingest does not know the import any more."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be imported, and how. `mapping` is "column=field", several times; a key or a source, not both."""

    file: Path
    kind: str | None = None
    mapping: Sequence[str] = ()
    delimiter: str | None = None
    key: str | None = None
    source: str | None = None
    url: str | None = None
    again: bool = False


@dataclass(slots=True)
class _Answer:
    status: int
    headers: Mapping[str, str]
    body: bytes

    def document(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.body)
        return found


@dataclass(slots=True)
class _Ingest:
    """Ingest, over plain HTTP; no proxy stands between."""

    url: str
    key: str
    timeout: float = TIMEOUT_SECONDS
    has_answered: bool = False

    def ask(self, method: str, path: str, headers: Mapping[str, str] | None = None, body: bytes = b"") -> _Answer:
        """One answer. Raises `_Away`, `_Forgotten`, and `ImportFailed` where repeating is hopeless."""
        with self._asked(method, path, headers, body) as found:
            answer = _Answer(found.status, {n.lower(): v for n, v in found.getheaders()}, found.read())
        self.has_answered = True
        code = answer.document().get("code") if answer.status >= 400 and answer.body.startswith(b"{") else None
        if answer.status in {429, 500, 502, 503, 504} or code in {"import-busy", "offset-wrong", "body-too-slow"}:
            raise _Away(f"ingest says: {code or answer.status}")
        if code == "import-unknown":
            raise _Forgotten
        if answer.status >= 400:
            detail = answer.document().get("detail") if code else "is that an ingest?"
            raise ImportFailed(f"ingest refuses ({' '.join(filter(None, (str(answer.status), code)))}): {detail}")
        return answer

    def save(self, path: str, target: Path) -> None:
        """Write an answer into a file, however long it is. Raises `_Away`, and `OSError` for the file's sake."""
        part = target.with_name(f"{target.name}.part")
        with part.open("wb") as file, self._asked("GET", path) as found:
            if found.status != http.client.OK:
                raise _Away(f"ingest says: {found.status}")
            shutil.copyfileobj(found, file)
        part.replace(target)

    @contextmanager
    def _asked(
        self, method: str, path: str, headers: Mapping[str, str] | None = None, body: bytes = b""
    ) -> Iterator[http.client.HTTPResponse]:
        parts = urlsplit(self.url)
        kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        sent = {"Authorization": f"Bearer {self.key}", **(headers or {})}
        with closing(kind(parts.hostname or "", parts.port, timeout=self.timeout)) as connection:
            try:
                connection.request(method, path, body=body, headers=sent)
                yield connection.getresponse()
            except (OSError, http.client.HTTPException) as error:
                raise _Away(f"{parts.netloc} gave no answer: {error}") from None


@dataclass(slots=True)
class _Memory:
    """What the next call of the same command needs to know, in the state folder."""

    path: Path
    held: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, settings: StandaloneSettings, wanted: Wanted, url: str) -> "_Memory":
        """The memory of this file, as it is now, and this command."""
        about = wanted.file.stat()
        facts = [str(wanted.file.resolve()), about.st_size, about.st_mtime_ns, url, wanted.kind, *wanted.mapping]
        digest = hashlib.sha256(json.dumps([*facts, wanted.delimiter, wanted.source]).encode()).hexdigest()[:24]
        path = settings.home / "imports" / f"{digest}.json"
        return cls(path, json.loads(path.read_text()) if path.exists() else {})

    def keep(self, **said: str) -> None:
        """Remember it; only the owner can read it."""
        self.held.update(said)
        make_folder(self.path.parent.parent)
        make_folder(self.path.parent)
        write_private(self.path, json.dumps(self.held))

    def forget(self, **but: str) -> None:
        """All is done; what is told here is remembered."""
        self.held.clear()
        if but:
            self.keep(**but)
        else:
            self.path.unlink(missing_ok=True)


def import_file(settings: StandaloneSettings, wanted: Wanted, console: Console) -> bool:
    """Import the file, or go on with it; answers whether every row was taken. Raises `ImportFailed`."""
    if not wanted.file.is_file():
        raise ImportFailed(f"{wanted.file} is not a file")
    url = wanted.url or settings.url_of(INGEST)
    memory = _Memory.of(settings, wanted, url)
    _check_first(memory, wanted)
    ingest = _Ingest(url, _key(settings, wanted, memory))
    try:
        with Content(wanted.file) as content:
            job = _sent(ingest, wanted, content, memory, console)
    except KeyboardInterrupt:
        console.print("\nInterrupted. The same command goes on where it stopped.", highlight=False)
        raise
    except (ImportFailed, NotWhole) as failed:
        with suppress(DatabaseAway):
            _revoke_made_key(settings, memory)
        raise ImportFailed(str(failed)) from None
    _report(ingest, wanted, job, console)
    _revoke_made_key(settings, memory)
    memory.forget(done=job["id"])
    return not job["refused"]


def _revoke_made_key(settings: StandaloneSettings, memory: _Memory) -> None:
    made = memory.held.pop("made_key", None)
    if made is not None:
        asyncio.run(access.revoke(settings, made))
        memory.keep()


def _check_first(memory: _Memory, wanted: Wanted) -> None:
    done = memory.held.get("done")
    if done is not None and not wanted.again:
        raise ImportedAlready(
            f"{wanted.file.name} was imported already, as {done}. With --again it is imported anew; rows without an id"
            " of their own then count twice"
        )
    if done is not None:
        memory.forget()


def _key(settings: StandaloneSettings, wanted: Wanted, memory: _Memory) -> str:
    """The key to send with: as given, one made for the source and this file only, or the admin key."""
    if wanted.key is not None:
        return wanted.key
    if wanted.source is not None:
        if "made_key" not in memory.held:
            made = asyncio.run(access.make(settings, f"import {wanted.file.name:.60}", SCOPES, wanted.source))
            memory.keep(made_key=made)
        return memory.held["made_key"]
    if not settings.admin_key_file.exists():
        raise ImportFailed(f"There is no {settings.admin_key_file}; start Mainstay first, or give --key")
    return settings.admin_key_file.read_text().strip()


def _sent(ingest: _Ingest, wanted: Wanted, content: Content, memory: _Memory, console: Console) -> dict[str, Any]:
    """Send what is missing of the file; the finished job."""
    with ImportProgress(wanted.file.name, content.size, console) as progress:
        part, until, furthest = FIRST_PART_BYTES, time.monotonic() + NEVER_THERE_SECONDS, -1
        while True:
            try:
                job = _job(ingest, wanted, memory, content.size, is_running=furthest >= 0)
                while True:
                    progress.show(job)
                    if job["next_byte"] > furthest:
                        furthest, until = job["next_byte"], time.monotonic() + AWAY_SECONDS
                    if job["state"] in {"done", "failed", "cancelled"}:
                        break
                    before, began = job["next_byte"], time.monotonic()
                    job = _part(ingest, content, job, part)
                    part = _next_part(part, job["next_byte"] - before, time.monotonic() - began)
            except _Away as away:
                if time.monotonic() > until:
                    hint = "The same command goes on where it stopped" if ingest.has_answered else "Is Mainstay up?"
                    raise ImportFailed(f"{away}. {hint}") from None
                progress.wait(str(away))
                time.sleep(1)
                continue
            except _Forgotten:  # another database than the one it began with
                memory.held.pop("import_id", None)
                furthest = -1
                continue
            if job["state"] != "done":
                raise ImportFailed(f"The import is {job['state']}: {job['reason'] or 'by request'}")
            return job


def _next_part(part: int, moved: int, seconds: float) -> int:
    """A row longer than a part (a quote that never closes) moves nothing: then a longer part."""
    if moved <= 0:
        return part * 2
    paced = int(moved * PART_SECONDS / max(seconds, 0.001))
    return max(SMALLEST_PART_BYTES, min(paced, 4 * part, LARGEST_PART_BYTES))


def _job(ingest: _Ingest, wanted: Wanted, memory: _Memory, size: int, *, is_running: bool) -> dict[str, Any]:
    """The job as it stands; a new one where this file has none, or one that an earlier command saw fail."""
    known = memory.held.get("import_id")
    if known is not None:
        job = ingest.ask("GET", f"/v1/imports/{known}").document()
        if job["state"] not in {"failed", "cancelled"} or is_running:
            return job
    media_type = _MEDIA_TYPES.get(inner_suffix(wanted.file))
    if media_type is None:
        known = ", ".join(_MEDIA_TYPES)
        raise ImportFailed(f"{wanted.file.name}: the name ends with one of {known}, and .gz behind it where compressed")
    delimiter = wanted.delimiter or ("tab" if inner_suffix(wanted.file) == ".tsv" else None)
    mapping = json.dumps(_mapping(wanted.mapping)) if wanted.mapping else None
    said = {"kind": wanted.kind, "mapping": mapping, "delimiter": delimiter}
    query = urlencode({name: value for name, value in said.items() if value is not None})
    headers = {"Content-Type": media_type, "Upload-Complete": "?0", "Upload-Length": str(size)}
    job = ingest.ask("POST", f"/v1/imports?{query}" if query else "/v1/imports", headers).document()
    memory.keep(import_id=job["id"])
    return job


def _part(ingest: _Ingest, content: Content, job: Mapping[str, Any], part: int) -> dict[str, Any]:
    """Send the next part; the job after it."""
    offset: int = job["next_byte"]
    body = content.part(offset, part)
    is_last = offset + len(body) >= content.size
    headers = {
        "Upload-Offset": str(offset),
        "Upload-Length": str(content.size),
        "Upload-Complete": "?1" if is_last else "?0",
        "Content-Type": "application/partial-upload",
    }
    return ingest.ask("PATCH", f"/v1/imports/{job['id']}", headers, body).document()


def _mapping(stated: Sequence[str]) -> dict[str, list[str]]:
    """`column=field` as ingest takes it; `=constant=field` for a constant. Raises `ImportFailed`."""
    found: dict[str, list[str]] = {}
    for each in stated:
        column, equals, target = each.rpartition("=")
        if not equals or not column or not target:
            raise ImportFailed(f"--map {each}: write column=field, such as --map 'Company ID=account_id'")
        found.setdefault(column, []).append(target)
    return found


def _report(ingest: _Ingest, wanted: Wanted, job: Mapping[str, Any], console: Console) -> None:
    """Tell the end; the report beside the file, where rows were refused."""
    pace = f", {job['rows_per_second']:,.0f} rows/s" if job["rows_per_second"] else ""
    console.print(f"{told_of(job)}; {job['accepted']:,} stored{pace}.", highlight=False, soft_wrap=True)
    if not job["refused"]:
        return
    place, path = f"/v1/imports/{job['id']}/report", wanted.file.with_name(f"{wanted.file.name}.refused.csv")
    try:
        ingest.save(place, path)
    except _Away as away:
        raise ImportFailed(f"The report could not be fetched: {away}; the same command tries again") from None
    except OSError as error:
        raise ImportFailed(f"The report could not be written: {error}; GET {ingest.url}{place} has it") from None
    table = Table("row", "where", "code", "reason", box=None, padding=(0, 1), header_style="dim")
    with path.open(encoding="utf-8", newline="") as lines:
        for row in itertools.islice(csv.DictReader(lines), FIRST_REFUSALS):
            table.add_row(*(Text(row[name]) for name in ("row", "pointer", "code", "reason")))
    console.print("Refused rows, the first of them:", highlight=False)
    console.print(table, highlight=False)
    console.print(f"All of them, with the reasons: {path}", highlight=False, soft_wrap=True)
