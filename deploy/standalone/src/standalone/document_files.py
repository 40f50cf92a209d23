"""`mainstay rules apply`, `mainstay playbooks apply`: bring documents of alerts in line with the files of a folder."""

import http.client
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote, urlsplit

import yaml
from rich.console import Console
from rich.text import Text

from mainstay.kernel.differences import Difference, differences
from standalone.services import ALERTS
from standalone.settings import StandaloneSettings

TIMEOUT_SECONDS: Final = 30.0
ENDINGS: Final = frozenset({".yaml", ".yml", ".json"})


class NotApplied(Exception):
    """The documents cannot be applied: no files, a file that is none, or alerts is away or refuses them."""


@dataclass(frozen=True, slots=True)
class Documents:
    """A kind of documents of alerts: what one is called, below which path they are, and how a body names one."""

    noun: str
    path: str

    def path_of(self, document_id: str) -> str:
        """Where one is."""
        return f"{self.path}/{quote(document_id, safe='')}"


RULES: Final = Documents("rule", "/v1/alert-rules")
PLAYBOOKS: Final = Documents("playbook", "/v1/playbooks")


@dataclass(frozen=True, slots=True)
class Apply:
    """What is to be applied. Without a `key` the admin key is used, without a `url` this machine's alerts."""

    folder: Path
    dry_run: bool = False
    reason: str | None = None
    key: str | None = None
    url: str | None = None


@dataclass(frozen=True, slots=True)
class _Outcome:
    """What became of one file: what differs from the document in force, or what is wrong with it."""

    file: str
    document_id: str
    changes: Sequence[Difference] = ()
    is_new: bool = False
    faults: Sequence[str] = ()


def apply_documents(settings: StandaloneSettings, wanted: Apply, console: Console, kind: Documents) -> bool:
    """Check every file first, and save none of them where one is wrong; answers whether all could be used.

    Documents without a file stay as they are. Raises `NotApplied`.
    """
    found = dict(_read(wanted.folder, kind))
    alerts = _Alerts(wanted.url or settings.url_of(ALERTS), wanted.key or _admin_key(settings))
    outcomes = [_checked(alerts, kind, file, document) for file, document in found.items()]
    is_usable = not any(outcome.faults for outcome in outcomes)
    if is_usable and not wanted.dry_run:
        for outcome in outcomes:
            if outcome.changes or outcome.is_new:
                body = {kind.noun: found[outcome.file], "reason": wanted.reason or f"Applied from {outcome.file}"}
                alerts.ask("PUT", kind.path_of(outcome.document_id), body)
    _show(outcomes, console, done=is_usable and not wanted.dry_run)
    return is_usable


def _read(folder: Path, kind: Documents) -> Iterator[tuple[str, Mapping[str, Any]]]:
    if not folder.is_dir():
        raise NotApplied(f"{folder} is not a folder")
    files = sorted(file for file in folder.iterdir() if file.suffix in ENDINGS)
    if not files:
        raise NotApplied(f"{folder} has no {kind.noun}s: files that end in {', '.join(sorted(ENDINGS))}")
    taken: dict[str, str] = {}
    for file in files:
        try:
            document = yaml.safe_load(file.read_text(encoding="utf-8"))
        except (yaml.YAMLError, UnicodeDecodeError) as error:
            raise NotApplied(f"{file.name}: {error}") from None
        if not isinstance(document, dict) or not isinstance(document.get("id"), str) or not document["id"]:
            raise NotApplied(f"{file.name} is no {kind.noun}: it has no id")
        if document["id"] in taken:
            raise NotApplied(f"{file.name} and {taken[document['id']]} have the same id, {document['id']}")
        taken[document["id"]] = file.name
        yield file.name, {name: value for name, value in document.items() if name != "version"}


def _checked(alerts: "_Alerts", kind: Documents, file: str, document: Mapping[str, Any]) -> _Outcome:
    document_id = str(document["id"])
    path = kind.path_of(document_id)
    status, answer = alerts.ask("PUT", f"{path}?dry_run=true", {kind.noun: document}, may_be=(422,))
    if status == http.client.UNPROCESSABLE_ENTITY:
        under = f"/{kind.noun}"
        faults = [f"{error['pointer'].removeprefix(under)}: {error['detail']}" for error in answer["errors"]]
        return _Outcome(file, document_id, faults=faults)
    status, before = alerts.ask("GET", path, may_be=(404,))
    if status == http.client.NOT_FOUND:
        return _Outcome(file, document_id, is_new=True)
    return _Outcome(file, document_id, differences(before[kind.noun], dict(document)))


def _show(outcomes: Sequence[_Outcome], console: Console, *, done: bool) -> None:
    for outcome in outcomes:
        if outcome.faults:
            console.print(Text(f"{outcome.file}: cannot be used", style="red"))
            for fault in outcome.faults:
                console.print(Text(f"  {fault}"), soft_wrap=True)
            continue
        what = "is new" if outcome.is_new else "changes" if outcome.changes else "stays as it is"
        console.print(Text(f"{outcome.file}: {outcome.document_id} {what}"))
        for change in outcome.changes:
            before, after = (json.dumps(value, ensure_ascii=False) for value in (change.before, change.after))
            console.print(Text(f"  {change.path}: {before} -> {after}"), soft_wrap=True)
    moved = sum(bool(outcome.changes or outcome.is_new) for outcome in outcomes)
    console.print(f"{moved} of {len(outcomes)} {'saved' if done else 'would be saved'}.", highlight=False)


def _admin_key(settings: StandaloneSettings) -> str:
    if not settings.admin_key_file.exists():
        raise NotApplied(f"There is no {settings.admin_key_file}; start Mainstay first, or give --key")
    return settings.admin_key_file.read_text().strip()


@dataclass(frozen=True, slots=True)
class _Alerts:
    """Alerts, over plain HTTP; no proxy stands between."""

    url: str
    key: str

    def ask(
        self, method: str, path: str, body: Mapping[str, Any] | None = None, *, may_be: Sequence[int] = ()
    ) -> tuple[int, Any]:
        """The status and the document of an answer. Raises `NotApplied` for a failure not in `may_be`."""
        parts = urlsplit(self.url)
        kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        sent = {"Authorization": f"Bearer {self.key}", "Content-Type": "application/json"}
        with closing(kind(parts.hostname or "", parts.port, timeout=TIMEOUT_SECONDS)) as connection:
            try:
                connection.request(
                    method, path, body=json.dumps(body, default=str) if body is not None else None, headers=sent
                )
                answer = connection.getresponse()
                document = json.loads(answer.read() or b"null")
            except (OSError, http.client.HTTPException, ValueError) as error:
                raise NotApplied(f"alerts at {parts.netloc} gave no answer: {error}") from None
        if answer.status >= http.client.BAD_REQUEST and answer.status not in may_be:
            detail = document.get("detail") if isinstance(document, dict) else "is that alerts?"
            raise NotApplied(f"alerts refuses ({answer.status}): {detail}")
        return answer.status, document
