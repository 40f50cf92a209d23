"""A real PostgreSQL for every test that asks: one server a run, started when first needed, a database a test."""

import asyncio
import fcntl
import gc
import os
import shutil
import tempfile
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any, TypeVar
from uuid import uuid4

import asyncpg
import psutil
import pytest
import structlog
from hypothesis import HealthCheck, settings
from pytest_socket import socket_allow_hosts
from xdist.scheduler import LoadScopeScheduling

from mainstay.db.migrate import migrate
from standalone.postgres import EmbeddedPostgres
from standalone.services import EVENT_LOG, HISTORIES
from tests.kafka import KafkaNode

EVERY_HISTORY = (EVENT_LOG, *HISTORIES)
TOGETHER = (
    "tests/clients/test_log_killed.py",
    "tests/e2e/",
    "tests/integration/health_score/test_explain.py",
    "tests/integration/health_score/test_listing.py",
    "tests/integration/standalone/test_up.py",
    "tests/unit/standalone/demo/test_portfolio.py",
)
"""Whose modules each make or start something that their tests share."""
EXAMPLES = int(os.environ.get("MAINSTAY_EXAMPLES", "40"))
"""Examples for each property, where the test does not say otherwise."""
LONG = ("tests/e2e/", "tests/faults/")
_FOLDER_VARIABLE = "MAINSTAY_TEST_POSTGRES"
_MEMORY = Path("/dev/shm")  # noqa: S108  # a folder for others too, below which the server makes one of its own
_ROOM = 4 << 30
"""Bytes that a run may need; a container's /dev/shm often has 64 MB."""
T = TypeVar("T")
_PREFIX = f"mainstay-tests-{os.geteuid()}-"


def pytest_configure(config: pytest.Config) -> None:
    """Name the run's folder; xdist's workers inherit it, so all share one server."""
    gc.set_threshold(100_000, 20, 20)  # as in a service
    if not _is_worker(config):
        os.environ[_FOLDER_VARIABLE] = str(_places()[0] / f"{_PREFIX}{os.getpid()}")


class Together(LoadScopeScheduling):  # type: ignore[misc]  # xdist has no types
    """Hands tests to the workers one by one, and those of a module that shares something running as one.

    xdist's own groups (3.8) need a field of pytest's items that pytest 9.2 no longer reads.
    """

    def _split_scope(self, nodeid: str) -> str:
        return nodeid.partition("::")[0] if nodeid.startswith(TOGETHER) else nodeid


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Together:
    """Each worker takes what is next when it is free."""
    return Together(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What takes longest comes first, so that all workers end together."""
    items.sort(key=lambda item: not item.nodeid.startswith(LONG))


def pytest_collection_finish() -> None:
    """Keep the garbage collector from looking at thousands of tests again and again: that took a sixth of the CPU."""
    gc.freeze()


settings.register_profile(
    "mainstay", max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("mainstay")  # what a test takes says how busy the machine is, and nothing of the code


def pytest_sessionstart() -> None:
    """Plain tracebacks: those that structlog draws by default take seconds each."""
    plain = structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback)
    structlog.configure(processors=[*structlog.get_config()["processors"][:-1], plain])


def pytest_unconfigure(config: pytest.Config) -> None:
    """Stop the server, and those of earlier runs that were killed before they could."""
    if _is_worker(config):
        return
    for folder in (folder for place in _places() for folder in place.glob(f"{_PREFIX}*")):
        pid = int(folder.name.removeprefix(_PREFIX))
        if pid == os.getpid() or not psutil.pid_exists(pid):
            EmbeddedPostgres(folder, durable=False).remove()
            shutil.rmtree(folder, ignore_errors=True)


def pytest_runtest_setup() -> None:
    """Tests reach this machine only."""
    socket_allow_hosts(["127.0.0.1", "::1", "localhost"], allow_unix_socket=True)


@pytest.fixture(scope="session")
def postgres_server() -> EmbeddedPostgres:
    """The run's server, started now if no other worker did. Nothing is durable in it."""
    server = EmbeddedPostgres(Path(os.environ[_FOLDER_VARIABLE]), durable=False)
    server.start()
    return server


class Administrator:
    """A session that makes and drops databases, in a thread and a loop of its own: to connect takes 5 ms of CPU."""

    def __init__(self, server: EmbeddedPostgres) -> None:
        self.server = server
        self._thread = ThreadPoolExecutor(1)  # pytest-asyncio's loop of this thread stays untouched
        self._runner = asyncio.Runner()
        self._session: Any = None

    def ask(self, statement: str) -> list[Any]:
        """The rows that a statement answers with."""
        return self.runs(self._ask(statement))

    def runs(self, work: Coroutine[Any, Any, T]) -> T:
        """What this work, which needs a loop, answers with."""
        return self._thread.submit(self._runner.run, work).result()

    @contextmanager
    def database(self, template: str) -> Iterator[str]:
        """The address of a new database like the template, to which nobody may be connected."""
        name = f"test_{uuid4().hex}"
        self.ask(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY FILE_COPY")  # half of what WAL_LOG takes
        yield self.server.url(name)
        self.ask(f"DROP DATABASE {name} WITH (FORCE)")

    def close(self) -> None:
        """Disconnect."""
        if self._session is not None:
            self.runs(self._session.close())
        self._thread.submit(self._runner.close).result()
        self._thread.shutdown()

    async def _ask(self, statement: str) -> list[Any]:
        if self._session is None:
            self._session = await asyncpg.connect(self.server.url("postgres"))
        return list(await self._session.fetch(statement))


@pytest.fixture(scope="session")
def administrator(postgres_server: EmbeddedPostgres) -> Iterator[Administrator]:
    """Makes databases on the run's server."""
    made = Administrator(postgres_server)
    yield made
    made.close()


@pytest.fixture
def postgres_url(administrator: Administrator) -> Iterator[str]:
    """The address of an empty database of the test's own."""
    with administrator.database("template0") as url:
        yield url


@pytest.fixture(scope="module")
def module_postgres_url(administrator: Administrator) -> Iterator[str]:
    """The address of an empty database of the module's own, for what its tests share."""
    with administrator.database("template0") as url:
        yield url


@pytest.fixture(scope="module")
def module_migrated_url(administrator: Administrator, migrated_template: str) -> Iterator[str]:
    """The address of a database of the module's own with every schema in it, for tests that only read."""
    with administrator.database(migrated_template) as url:
        yield url


@pytest.fixture(scope="session")
def migrated_template(administrator: Administrator) -> str:
    """A database with every history applied, made once a run."""
    with _alone("migrated"):
        if not administrator.ask("SELECT FROM pg_database WHERE datname = 'migrated'"):
            administrator.ask("CREATE DATABASE migrating")
            for history in EVERY_HISTORY:
                administrator.runs(migrate(administrator.server.url("migrating"), history))
            administrator.ask("ALTER DATABASE migrating RENAME TO migrated")
    return "migrated"


@pytest.fixture
def migrated_url(administrator: Administrator, migrated_template: str) -> Iterator[str]:
    """The address of a database of the test's own with every schema in it."""
    with administrator.database(migrated_template) as url:
        yield url


@pytest.fixture
def another_migrated_url(administrator: Administrator, migrated_template: str) -> Iterator[str]:
    """The address of a second one, for tests of what two databases have in common."""
    with administrator.database(migrated_template) as url:
        yield url


@pytest.fixture(scope="session")
def copy_of(administrator: Administrator) -> Callable[[str], AbstractContextManager[str]]:
    """Makes a database that begins as the one at an address, to which nobody may be connected, and drops it."""
    return lambda url: administrator.database(url.rpartition("/")[2])


@pytest.fixture(scope="session")
def kafka_node() -> Iterator[KafkaNode]:
    """The run's Apache Kafka, started now; for tests marked `kafka`."""
    node = KafkaNode(f"tests-{os.getpid()}")
    try:
        node.start()
        yield node
    finally:
        node.wipe()


@pytest.fixture
def kafka_url(kafka_node: KafkaNode) -> str:
    """The kafka:// address of the run's broker, which is started again if a test has left it dead."""
    return kafka_node.start()


def _places() -> list[Path]:
    """Where servers of tests lie: in memory where there is room, as nothing in them has to last."""
    disk = Path(tempfile.gettempdir())
    roomy = _MEMORY.is_dir() and shutil.disk_usage(_MEMORY).free > _ROOM and os.access(_MEMORY, os.W_OK)
    return [_MEMORY, disk] if roomy else [disk]


@contextmanager
def _alone(name: str) -> Iterator[None]:
    with (Path(os.environ[_FOLDER_VARIABLE]) / f"{name}.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _is_worker(config: pytest.Config) -> bool:
    return hasattr(config, "workerinput")


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """Bytes that gzip made name no test: there is a time in them, and every worker has to collect the same names."""
    return f"{argname}: {len(val)} bytes" if isinstance(val, bytes) and val.startswith(b"\x1f\x8b") else None
