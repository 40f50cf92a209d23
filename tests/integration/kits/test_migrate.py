"""Migrations: up once, from several processes at once, and told when behind."""

import asyncio
import sys
from pathlib import Path

import pytest
from sqlalchemy import text

from mainstay.db.engine import Database
from mainstay.db.migrate import History, behind, migrate
from mainstay.web.keys import ACCESS_HISTORY

REVISION = """
from alembic import op

revision = "{revision}"
down_revision = {before!r}


def upgrade() -> None:
    op.execute("{statement}")
"""


@pytest.fixture
def history(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> History:
    package = tmp_path / f"package_of_{tmp_path.name}"
    package.mkdir()
    (package / "__init__.py").touch()
    monkeypatch.syspath_prepend(str(tmp_path))
    add(package, "0001", None, "CREATE TABLE fleet.ship (id int)")
    return History("fleet", package.name)


def add(package: Path, revision: str, before: str | None, statement: str) -> None:
    text_of_it = REVISION.format(revision=revision, before=before, statement=statement)
    (package / f"{revision}_step.py").write_text(text_of_it)


def with_another(history: History, statement: str) -> History:
    """The same history as a later release has it."""
    package = Path(next(path for path in sys.path if (Path(path) / history.package).is_dir())) / history.package
    later = package.with_name(f"{package.name}_later")
    later.mkdir()
    (later / "__init__.py").touch()
    (later / "0001_step.py").write_text((package / "0001_step.py").read_text())
    add(later, "0002", "0001", statement)
    return History(history.schema, later.name)


async def test_a_schema_goes_up_and_says_when_it_is_behind(postgres_url: str, history: History) -> None:
    database = Database(postgres_url, application_name="test")
    assert await behind(database, history) == "fleet: not migrated yet"

    await migrate(postgres_url, history)
    assert await behind(database, history) is None

    later = with_another(history, "ALTER TABLE fleet.ship ADD name text")
    assert await behind(database, later) == "fleet: at 0001, 0002 is the newest"
    await migrate(postgres_url, later)
    assert await behind(database, later) is None
    assert await behind(database, history) is None, "an older release is not behind a newer schema"
    await migrate(postgres_url, history)
    assert await behind(database, later) is None, "an older release does not bring it back"
    await database.close()


async def test_a_migration_that_fails_leaves_nothing(postgres_url: str, history: History) -> None:
    broken = with_another(history, "ALTER TABLE fleet.ship ADD id int")
    with pytest.raises(Exception, match="already exists"):
        await migrate(postgres_url, broken)

    database = Database(postgres_url, application_name="test")
    assert await behind(database, broken) == "fleet: not migrated yet"
    async with database.engine.connect() as connection:
        assert (await connection.execute(text("SELECT to_regclass('fleet.ship')"))).scalar() is None
    await database.close()


async def test_several_processes_may_migrate_at_once(postgres_url: str) -> None:
    await asyncio.gather(*(migrate(postgres_url, ACCESS_HISTORY) for _ in range(4)))

    database = Database(postgres_url, application_name="test")
    assert await behind(database, ACCESS_HISTORY) is None
    await database.close()


async def test_a_database_that_is_away_is_told_as_such(history: History) -> None:
    database = Database("postgresql://nobody@127.0.0.1:1/none", application_name="test")
    assert await behind(database, history) == "fleet: the database does not answer"
    assert (await database.healthy() or "").startswith("the database does not answer")
    await database.close()
