"""Migrations: one alembic history a schema, run by the program itself, without an ini file or an env.py."""

from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import asyncpg
from alembic.migration import MigrationContext
from alembic.operations import Operations
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Connection, text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from mainstay.db.engine import Database, sqlalchemy_url


@dataclass(frozen=True)
class History:
    """An alembic history: the package that holds its revisions and the schema it builds ("health_score").

    The revisions lie in the package, or in its folder `versions` when there is one. Each statement of a revision is
    an `op.execute` of its own: asyncpg does not take several at once.
    """

    schema: str
    package: str


async def migrate(url: str, history: History) -> None:
    """Bring the schema to the newest revision, all of it in one transaction. Two processes may call this at once.

    A schema that a later release has brought further stays as it is.
    """
    engine = create_async_engine(sqlalchemy_url(url), poolclass=NullPool)
    try:
        async with engine.begin() as connection:
            # Held until the commit; migrations connect directly, so no pooler stands between.
            await connection.execute(
                text("SELECT pg_advisory_xact_lock(hashtext(:name))"), {"name": f"mainstay.migrate.{history.schema}"}
            )
            await connection.execute(text(f'CREATE SCHEMA IF NOT EXISTS "{history.schema}"'))
            await connection.run_sync(_upgrade, history)
    finally:
        await engine.dispose()


async def behind(database: Database, history: History) -> str | None:
    """None when the schema is at the newest revision (or one newer than this program knows), else what is missing."""
    try:
        async with database.engine.connect() as connection:
            found = await connection.execute(text(f'SELECT version_num FROM "{history.schema}".alembic_version'))
            revisions = set(found.scalars())
    except (SQLAlchemyError, OSError, TimeoutError, asyncpg.InterfaceError) as error:
        missing = "does not exist" in str(error)
        return f"{history.schema}: {'not migrated yet' if missing else 'the database does not answer'}"
    scripts = _scripts(history)
    head = scripts.get_current_head()
    if head in revisions or any(not _known(scripts, revision) for revision in revisions):
        return None
    return f"{history.schema}: at {', '.join(sorted(revisions)) or 'nothing'}, {head} is the newest"


def _upgrade(connection: Connection, history: History) -> None:
    scripts = _scripts(history)

    def steps(revision: Any, _: MigrationContext) -> Any:
        return scripts._upgrade_revs("head", revision)  # noqa: SLF001 - what alembic's own `upgrade` command calls

    context = MigrationContext.configure(connection, opts={"version_table_schema": history.schema, "fn": steps})
    if any(not _known(scripts, revision) for revision in context.get_current_heads()):
        return  # a later release was here already
    with Operations.context(context):
        context.run_migrations()


@cache
def _scripts(history: History) -> ScriptDirectory:
    package = Path(str(files(history.package)))
    versions = package / "versions"
    return ScriptDirectory(str(package), version_locations=[str(versions if versions.is_dir() else package)])


def _known(scripts: ScriptDirectory, revision: str) -> bool:
    try:
        return scripts.get_revision(revision) is not None
    except CommandError:
        return False
