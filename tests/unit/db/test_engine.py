import asyncpg
import pytest
from pydantic_settings import SettingsConfigDict
from sqlalchemy import MetaData
from sqlalchemy.exc import DBAPIError

from mainstay.db.engine import asyncpg_dsn, sqlalchemy_url
from mainstay.db.errors import is_transient, is_unstorable
from mainstay.db.tables import kit_tables
from mainstay.settings import SharedSettings, load


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://me:p%40ss@127.0.0.1:5433/db",
        "postgresql://me@/db?host=/var/run/postgresql&port=5433",
        "postgresql+asyncpg://me:p%40ss@127.0.0.1:5433/db",
    ],
)
def test_an_address_serves_both_libraries(url: str) -> None:
    assert sqlalchemy_url(url).drivername == "postgresql+asyncpg"
    assert asyncpg_dsn(url).startswith("postgresql://me")
    assert sqlalchemy_url(asyncpg_dsn(url)) == sqlalchemy_url(url)
    assert ("p%40ss" in asyncpg_dsn(url)) == ("p%40ss" in url)


def wrapped(error: BaseException) -> DBAPIError:
    return DBAPIError("SELECT", None, error)


@pytest.mark.parametrize(
    "error",
    [
        ConnectionRefusedError(),
        TimeoutError(),
        asyncpg.ConnectionDoesNotExistError(),
        asyncpg.CannotConnectNowError(),
        asyncpg.AdminShutdownError(),
        asyncpg.DeadlockDetectedError(),
        asyncpg.DiskFullError(),
        asyncpg.TooManyConnectionsError(),
        asyncpg.UndefinedTableError(),
        asyncpg.InvalidPasswordError(),
        asyncpg.InterfaceError("connection is closed"),
        asyncpg.IdleInTransactionSessionTimeoutError(),
        wrapped(asyncpg.DeadlockDetectedError()),
    ],
    ids=lambda error: type(error).__name__,
)
def test_what_passes_is_told(error: BaseException) -> None:
    assert is_transient(error)
    assert not is_unstorable(error)


@pytest.mark.parametrize(
    "error",
    [
        ValueError(),
        KeyError(),
        asyncpg.UniqueViolationError(),
        asyncpg.PostgresSyntaxError(),
        asyncpg.NotNullViolationError(),
        wrapped(asyncpg.UniqueViolationError()),
    ],
    ids=lambda error: type(error).__name__,
)
def test_what_does_not_pass_is_told(error: BaseException) -> None:
    assert not is_transient(error)
    assert not is_unstorable(error)


@pytest.mark.parametrize("error", [asyncpg.CharacterNotInRepertoireError(), asyncpg.NumericValueOutOfRangeError()])
def test_a_value_at_fault_is_told(error: BaseException) -> None:
    assert is_unstorable(error)
    assert not is_transient(error)


def test_the_kits_tables_lie_in_the_services_schema() -> None:
    tables = kit_tables(MetaData(schema="alerts"))
    assert {str(table) for table in tables.all()} == {
        f"alerts.{name}" for name in ("consumer_offset", "inbox", "outbox", "relay", "due", "idempotency")
    }


def test_settings_are_shared_by_name_and_hide_their_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MAINSTAY_DATABASE_URL", "postgresql://me:hunter2@db/x")
    monkeypatch.setenv("MAINSTAY_SECRET_KEY", "k" * 32)
    monkeypatch.setenv("MAINSTAY_SHIPS_PORT", "8100")

    class Ships(SharedSettings):
        model_config = SettingsConfigDict(env_prefix="MAINSTAY_SHIPS_")
        port: int = 8000

    settings = load(Ships)
    assert settings.port == 8100
    assert settings.event_log_url == settings.database_url == "postgresql://me:hunter2@db/x"
    assert "hunter2" not in repr(settings)
    assert "kkk" not in repr(settings)


@pytest.mark.parametrize("key", [None, "", "k" * 31])
def test_without_a_secret_a_service_refuses_to_start_in_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], key: str | None
) -> None:
    monkeypatch.setenv("MAINSTAY_DATABASE_URL", "postgresql://me:hunter2@db/x")
    monkeypatch.delenv("MAINSTAY_SECRET_KEY", raising=False)
    if key is not None:
        monkeypatch.setenv("MAINSTAY_SECRET_KEY", key)

    with pytest.raises(SystemExit) as end:
        load(SharedSettings)

    said = capsys.readouterr().err
    assert end.value.code == 2
    assert said.count("\n") == 1
    assert "MAINSTAY_SECRET_KEY" in said
    assert "kkk" not in said
    assert "hunter2" not in said
