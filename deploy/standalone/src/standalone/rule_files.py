"""`mainstay rules apply`: bring the rules of alerts in line with the files of a folder, and say what that changes."""

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


class RulesNotApplied(Exception):
    """The rules cannot be applied: no files, a file that is no rule, or alerts is away or refuses them."""


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
    """What became of one file: what differs from the rule in force, or what is wrong with it."""

    file: str
    rule_id: str
    changes: Sequence[Difference] = ()
    is_new: bool = False
    faults: Sequence[str] = ()


def apply_rules(settings: StandaloneSettings, wanted: Apply, console: Console) -> bool:
    """Check every file first, and save none of them where one is wrong; answers whether all could be used.

    Rules without a file stay as they are. Raises `RulesNotApplied`.
    """
    rules = dict(_read(wanted.folder))
    alerts = _Alerts(wanted.url or settings.url_of(ALERTS), wanted.key or _admin_key(settings))
    outcomes = [_checked(alerts, file, rule) for file, rule in rules.items()]
    is_usable = not any(outcome.faults for outcome in outcomes)
    if is_usable and not wanted.dry_run:
        for outcome in outcomes:
            if outcome.changes or outcome.is_new:
                body = {"rule": rules[outcome.file], "reason": wanted.reason or f"Applied from {outcome.file}"}
                alerts.ask("PUT", _path(outcome.rule_id), body)
    _show(outcomes, console, done=is_usable and not wanted.dry_run)
    return is_usable


def _read(folder: Path) -> Iterator[tuple[str, Mapping[str, Any]]]:
    if not folder.is_dir():
        raise RulesNotApplied(f"{folder} is not a folder")
    files = sorted(file for file in folder.iterdir() if file.suffix in ENDINGS)
    if not files:
        raise RulesNotApplied(f"{folder} has no rules: files that end in {', '.join(sorted(ENDINGS))}")
    taken: dict[str, str] = {}
    for file in files:
        try:
            rule = yaml.safe_load(file.read_text(encoding="utf-8"))
        except (yaml.YAMLError, UnicodeDecodeError) as error:
            raise RulesNotApplied(f"{file.name}: {error}") from None
        if not isinstance(rule, dict) or not isinstance(rule.get("id"), str) or not rule["id"]:
            raise RulesNotApplied(f"{file.name} is no rule: it has no id")
        if rule["id"] in taken:
            raise RulesNotApplied(f"{file.name} and {taken[rule['id']]} have the same id, {rule['id']}")
        taken[rule["id"]] = file.name
        yield file.name, {name: value for name, value in rule.items() if name != "version"}


def _checked(alerts: "_Alerts", file: str, rule: Mapping[str, Any]) -> _Outcome:
    rule_id = str(rule["id"])
    status, answer = alerts.ask("PUT", f"{_path(rule_id)}?dry_run=true", {"rule": rule}, may_be=(422,))
    if status == http.client.UNPROCESSABLE_ENTITY:
        faults = [f"{error['pointer'].removeprefix('/rule')}: {error['detail']}" for error in answer["errors"]]
        return _Outcome(file, rule_id, faults=faults)
    status, before = alerts.ask("GET", _path(rule_id), may_be=(404,))
    if status == http.client.NOT_FOUND:
        return _Outcome(file, rule_id, is_new=True)
    return _Outcome(file, rule_id, differences(before["rule"], dict(rule)))


def _show(outcomes: Sequence[_Outcome], console: Console, *, done: bool) -> None:
    for outcome in outcomes:
        if outcome.faults:
            console.print(Text(f"{outcome.file}: cannot be used", style="red"))
            for fault in outcome.faults:
                console.print(Text(f"  {fault}"), soft_wrap=True)
            continue
        what = "is new" if outcome.is_new else "changes" if outcome.changes else "stays as it is"
        console.print(Text(f"{outcome.file}: {outcome.rule_id} {what}"))
        for change in outcome.changes:
            before, after = (json.dumps(value, ensure_ascii=False) for value in (change.before, change.after))
            console.print(Text(f"  {change.path}: {before} -> {after}"), soft_wrap=True)
    moved = sum(bool(outcome.changes or outcome.is_new) for outcome in outcomes)
    console.print(f"{moved} of {len(outcomes)} {'saved' if done else 'would be saved'}.", highlight=False)


def _path(rule_id: str) -> str:
    return f"/v1/alert-rules/{quote(rule_id, safe='')}"


def _admin_key(settings: StandaloneSettings) -> str:
    if not settings.admin_key_file.exists():
        raise RulesNotApplied(f"There is no {settings.admin_key_file}; start Mainstay first, or give --key")
    return settings.admin_key_file.read_text().strip()


@dataclass(frozen=True, slots=True)
class _Alerts:
    """Alerts, over plain HTTP; no proxy stands between."""

    url: str
    key: str

    def ask(
        self, method: str, path: str, body: Mapping[str, Any] | None = None, *, may_be: Sequence[int] = ()
    ) -> tuple[int, Any]:
        """The status and the document of an answer. Raises `RulesNotApplied` for a failure not in `may_be`."""
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
                raise RulesNotApplied(f"alerts at {parts.netloc} gave no answer: {error}") from None
        if answer.status >= http.client.BAD_REQUEST and answer.status not in may_be:
            detail = document.get("detail") if isinstance(document, dict) else "is that alerts?"
            raise RulesNotApplied(f"alerts refuses ({answer.status}): {detail}")
        return answer.status, document
