"""`mainstay doctor`: looks for what would keep Mainstay from running, and says what to do about it."""

import asyncio
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

from pydantic import ValidationError
from pydantic_settings import BaseSettings
from rich.console import Console
from rich.table import Table
from rich.text import Text

import alerts.settings
import health_score.settings
import ingest.settings
import renewals.settings
from mainstay.settings import SECRET_KEY_MIN_CHARS, SharedSettings
from standalone.binaries import PostgresMissing, find_binaries
from standalone.claim import current_claim
from standalone.database import DatabaseAway, embedded
from standalone.demo.settings import DemoSettings
from standalone.inbox.settings import InboxSettings
from standalone.ports import taken_ports
from standalone.postgres import ELSEWHERE
from standalone.runas import RunAs
from standalone.settings import StandaloneSettings
from standalone.status import version_of_database
from standalone.up import wanted_ports

_OF_SCRIPTS: Final = {"MAINSTAY_KAFKA_NODE", "MAINSTAY_TEST_POSTGRES"}
"""Variables that deploy/kafka/kafka.sh and the tests read."""
_NEEDED_BYTES: Final = 1_000_000_000
SETTINGS_CLASSES: Final[tuple[type[BaseSettings], ...]] = (
    SharedSettings,
    StandaloneSettings,
    ingest.settings.Settings,
    health_score.settings.Settings,
    alerts.settings.Settings,
    renewals.settings.Settings,
    InboxSettings,
    DemoSettings,
)
"""Whoever reads MAINSTAY_… variables."""
_MARKS: Final = {"ok": ("✓", "green"), "note": ("•", "yellow"), "wrong": ("✗", "red")}


@dataclass(frozen=True, slots=True)
class Finding:
    """What was looked at and how it is; a note hinders nothing, and what is wrong says what to do."""

    subject: str
    verdict: Literal["ok", "note", "wrong"]
    says: str

    @property
    def is_wrong(self) -> bool:
        """Whether it keeps Mainstay from running."""
        return self.verdict == "wrong"


async def examine(settings: StandaloneSettings) -> list[Finding]:
    """Look at everything; changes nothing."""
    return [
        _python(),
        *_state_folder(settings),
        *_environment(),
        *await _database(settings),
        *_ports(settings),
        *await asyncio.to_thread(_kafka, settings),
        *await asyncio.to_thread(_java),
    ]


def show(findings: list[Finding], console: Console) -> None:
    """As a table."""
    table = Table(box=None, show_header=False, padding=(0, 1))
    for finding in findings:
        mark, style = _MARKS[finding.verdict]
        table.add_row(Text(mark, style=style), Text(finding.subject), Text(finding.says, overflow="fold"))
    console.print(table, highlight=False)
    wrong = sum(finding.is_wrong for finding in findings)
    console.print(f"\n{wrong} to mend." if wrong else "\nMainstay can run here.", highlight=False)


def _python() -> Finding:
    found = ".".join(map(str, sys.version_info[:3]))
    if sys.version_info < (3, 11):  # noqa: UP036 - the package may have been forced onto an older one
        return Finding("Python", "wrong", f"{found}; Mainstay needs 3.11 or newer")
    return Finding("Python", "ok", f"{found} at {sys.executable}")


def _state_folder(settings: StandaloneSettings) -> Iterator[Finding]:
    home = settings.home
    nearest = next(folder for folder in (home, *home.parents) if folder.exists())
    if not os.access(nearest, os.W_OK | os.X_OK):
        advice = "Give it to this user, or set MAINSTAY_HOME to a folder of this user"
        yield Finding("state folder", "wrong", f"{home} cannot be written by user {os.geteuid()}. {advice}")
        return
    yield Finding("state folder", "ok", f"{home}{'' if home.exists() else ' (made at the first start)'}")
    for file in (settings.secret_key_file, settings.admin_key_file):
        if file.exists() and file.stat().st_mode & 0o077:
            yield Finding("secrets", "wrong", f"Others can read {file}. Close it with: chmod 600 {file}")
    free = shutil.disk_usage(nearest).free
    says = f"{free / 1e9:.1f} GB free at {nearest}"
    if free < _NEEDED_BYTES:
        says += f"; free at least {_NEEDED_BYTES / 1e9:.0f} GB, or set MAINSTAY_HOME to another disk"
    yield Finding("disk", "ok" if free >= _NEEDED_BYTES else "wrong", says)


def _environment() -> Iterator[Finding]:
    """Variables that a service would refuse, and variables that nobody reads: mostly typing errors."""
    known = _OF_SCRIPTS | {name for kind in SETTINGS_CLASSES for name in variables_of(kind)}
    unknown = sorted(name for name in os.environ if name.startswith("MAINSTAY_") and name not in known)
    for name in unknown:
        yield Finding("environment", "note", f"{name} is set, but nothing reads it: is it spelled right?")
    refused = [line for kind in SETTINGS_CLASSES for line in _refused(kind)]
    for line in dict.fromkeys(refused):
        yield Finding("environment", "wrong", line)
    if not unknown and not refused:
        read = sorted(name for name in os.environ if name in known and name.startswith("MAINSTAY_"))
        yield Finding("environment", "ok", f"{', '.join(read) or 'no variable'} set")


def _refused(kind: type[BaseSettings]) -> Iterator[str]:
    """What a settings class says of the environment. What `up` provides is given, or other rules would go unchecked."""
    provided: dict[str, Any] = {"database_url": "postgresql://", "secret_key": "x" * SECRET_KEY_MIN_CHARS}
    try:
        kind(**({} if kind is StandaloneSettings else provided))
    except ValidationError as error:
        for wrong in error.errors():
            if not wrong["loc"]:  # a rule over several variables names them itself
                yield wrong["msg"].removeprefix("Value error, ")
                continue
            name = str(wrong["loc"][0])
            name = name if name.startswith("MAINSTAY_") else f"{kind.model_config.get('env_prefix')}{name}".upper()
            yield f"{name}: {wrong['msg']}"


async def _database(settings: StandaloneSettings) -> list[Finding]:
    if not settings.is_embedded:
        try:
            return [Finding("PostgreSQL", "ok", f"{await version_of_database(settings)} at MAINSTAY_DATABASE_URL")]
        except DatabaseAway as away:
            return [Finding("PostgreSQL", "wrong", f"{away}. Start it, or mend MAINSTAY_DATABASE_URL")]
    try:
        binaries = find_binaries()
    except PostgresMissing as missing:
        return [Finding("PostgreSQL", "wrong", f"{missing}. Install it, or set MAINSTAY_DATABASE_URL")]
    findings = [Finding("PostgreSQL", "ok", f"{binaries.version} from {binaries.folder}")]
    findings += [Finding("PostgreSQL", "note", says) for says in _forgotten()]
    user = RunAs.unprivileged()
    if not user.is_oneself:
        place = embedded(settings).place
        says = f"PostgreSQL refuses root, so it runs as user {user.uid}; its data lie in {place}"
        if place == settings.postgres_directory and settings.home.exists() and not user.can_enter(settings.home):
            says = f"PostgreSQL runs as user {user.uid}, who cannot enter {settings.home}: data go to /var/lib/mainstay"
        findings.append(Finding("PostgreSQL", "note", says))
    return findings


def _forgotten() -> Iterator[str]:
    """Data that lie elsewhere for a state folder that is gone; only people can tell whether it comes back."""
    if not ELSEWHERE.exists():
        return
    if not os.access(ELSEWHERE, os.R_OK):  # root's; it is not ours to look into
        return
    for place in sorted(ELSEWHERE.iterdir()):
        belongs_to = place / "belongs-to"
        if belongs_to.exists() and not Path(belongs_to.read_text().strip()).exists():
            owner = belongs_to.read_text().strip()
            yield f"{place} has the data of {owner}, which is gone. If it will not come back: rm -r {place}"


def _ports(settings: StandaloneSettings) -> list[Finding]:
    claim = current_claim(settings)
    if claim is not None:
        return [Finding("ports", "ok", f"Mainstay runs (process {claim.pid}) and holds its own")]
    taken = taken_ports(wanted_ports(settings, inbox=True), settings.host)
    return [Finding("ports", "wrong", str(port)) for port in taken] or [Finding("ports", "ok", "all are free")]


def _kafka(settings: StandaloneSettings) -> list[Finding]:
    if not settings.uses_kafka:
        return []
    found = []
    for broker in settings.event_log_url.removeprefix("kafka://").split(","):
        host, _, port = broker.strip().rpartition(":")
        try:
            socket.create_connection((host, int(port)), timeout=3).close()
        except (OSError, ValueError) as error:
            advice = "Start it, or mend MAINSTAY_EVENT_LOG_URL (kafka://host:port[,host:port])"
            found.append(Finding("Kafka", "wrong", f"{broker}: {error}. {advice}"))
        else:
            found.append(Finding("Kafka", "ok", f"{broker} answers"))
    return found


def _java() -> Iterator[Finding]:
    for program in ("java", "mvn"):
        path = shutil.which(program)
        if path is None:
            yield Finding(program, "note", "not found; only a Kafka of your own and `make test-kafka` need it")
            continue
        said = subprocess.run([path, "-version"], check=False, capture_output=True, text=True, timeout=20)
        lines = [line for line in (said.stderr + said.stdout).splitlines() if "version" in line or "Maven" in line]
        yield Finding(program, "ok", Text.from_ansi(lines[0]).plain if lines else path)


def variables_of(kind: type[BaseSettings]) -> Iterator[str]:
    """The names of the environment variables that a settings class reads."""
    prefix = str(kind.model_config.get("env_prefix", ""))
    for name, field in kind.model_fields.items():
        alias = field.validation_alias
        if alias is None:
            yield f"{prefix}{name}".upper()
        elif isinstance(alias, str):
            yield alias.upper()
        else:
            yield from (str(choice).upper() for choice in getattr(alias, "choices", ()))
