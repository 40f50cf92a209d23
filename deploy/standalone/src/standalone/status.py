"""`mainstay status`: each part, whether it is ready, and what it says of itself."""

import asyncio
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import asyncpg
from rich.console import Console
from rich.table import Table
from rich.text import Text

from mainstay.db.engine import asyncpg_dsn
from standalone.claim import current_claim
from standalone.database import DatabaseAway, current_url, repeatable
from standalone.postgres import EmbeddedPostgres
from standalone.probe import health_of, lag_of
from standalone.services import SERVICES
from standalone.settings import StandaloneSettings


@dataclass(frozen=True, slots=True)
class Part:
    """One line of the answer; `trouble` is None when all is well. `lag`: records its consumers have still to do."""

    name: str
    version: str
    where: str
    trouble: str | None
    notes: str = ""
    lag: int | None = None


@dataclass(frozen=True, slots=True)
class Status:
    """How Mainstay is at this moment."""

    home: Path
    supervisor: int | None
    parts: tuple[Part, ...]

    @property
    def is_well(self) -> bool:
        """Whether every part is ready."""
        return all(part.trouble is None for part in self.parts)

    def show(self, console: Console) -> None:
        """As a table, and the supervisor's state below it."""
        table = Table("", "part", "version", "where", "lag", "says", box=None, padding=(0, 1), header_style="dim")
        for part in self.parts:
            mark = Text("●", style="green" if part.trouble is None else "red")
            says = part.trouble or part.notes or "ready"
            lag = "" if part.lag is None else f"{part.lag:,}"
            table.add_row(mark, part.name, part.version, part.where, lag, Text(says, overflow="fold"))
        console.print(table, highlight=False)
        runs = "does not run" if self.supervisor is None else f"runs as process {self.supervisor}"
        console.print(f"\nThe supervisor of {self.home} {runs}.", highlight=False, soft_wrap=True)


async def look(settings: StandaloneSettings) -> Status:
    """Ask every part. `settings` may have other ports than the running Mainstay; its own are used."""
    claim = current_claim(settings)
    if claim is not None:
        settings = claim.settings(settings)
    parts = await asyncio.gather(_database(settings), *(_service(settings, index) for index in range(len(SERVICES))))
    return Status(settings.home, claim.pid if claim else None, tuple(parts))


async def _service(settings: StandaloneSettings, index: int) -> Part:
    service = SERVICES[index]
    url = settings.url_of(service)
    health, lag = await asyncio.gather(health_of(url), lag_of(url))
    info = health.said.get("info", {})
    notes = "; ".join(f"{name}: {said}" for name, said in info.items() if said != "ok")
    return Part(service.name, version(f"mainstay-{service.name}"), url, health.trouble, notes, lag)


async def _database(settings: StandaloneSettings) -> Part:
    name = "PostgreSQL"
    try:
        found = await version_of_database(settings)
    except DatabaseAway as away:
        return Part(name, "", "", str(away))
    where = "your own (MAINSTAY_DATABASE_URL)"
    if settings.is_embedded:
        running = EmbeddedPostgres(settings.postgres_directory).running()
        where = f"127.0.0.1:{running.port}" if running else ""
    return Part(name, found, where, None)


async def version_of_database(settings: StandaloneSettings) -> str:
    """The version that the database says. Raises `DatabaseAway`."""
    url = current_url(settings)
    with repeatable(settings):
        connection = await asyncpg.connect(asyncpg_dsn(url), timeout=5)
        try:
            return str(await connection.fetchval("SHOW server_version"))
        finally:
            await connection.close()
