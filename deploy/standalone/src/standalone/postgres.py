"""PostgreSQL for one machine: made by initdb, started and stopped by pg_ctl, listening on 127.0.0.1 only."""

import fcntl
import os
import secrets
import shlex
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final, Literal
from urllib.parse import quote

import psutil

from standalone.binaries import MAJOR, Binaries, find_binaries
from standalone.folders import make_folder, write_private
from standalone.ports import free_port, is_free
from standalone.runas import RunAs

SUPERUSER: Final = "mainstay"
_START_WITHIN: Final = 120  # seconds; recovery after a crash replays at most 2 GB of log
_STOP_WITHIN: Final = 30  # seconds
ELSEWHERE: Final = Path("/var/lib/mainstay")
"""Where data go that the server's user could not reach in the state folder; a folder each."""

_SETTINGS: Final = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",  # a socket's path may have 107 bytes, which a deep state folder exceeds
    "max_connections": "200",
    "shared_buffers": "256MB",
    "max_wal_size": "2GB",
    "wal_level": "minimal",  # nothing replicates from here
    "max_wal_senders": "0",
    "random_page_cost": "1.1",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "logging_collector": "on",
    "log_directory": "../log",
    "log_filename": "postgresql-%a.log",  # seven files at most, each begun anew after a week
    "log_truncate_on_rotation": "on",
    "log_rotation_age": "1d",
    "log_rotation_size": "0",
    "log_line_prefix": "%m [%p] %a ",
}
_NOT_DURABLE: Final = {"fsync": "off", "full_page_writes": "off"}


class PostgresFailed(Exception):
    """PostgreSQL could not be made, started or stopped; the message has its own last words."""


class PortTaken(PostgresFailed):
    """Another program listens on the port."""


@dataclass(frozen=True, slots=True)
class Server:
    """A running server, as its postmaster.pid tells."""

    pid: int
    port: int
    state: str  # "starting", "ready" or "stopping"


class EmbeddedPostgres:
    """One PostgreSQL server and its data, below one folder.

    `directory` is made when absent and holds everything. As root the server runs as an unprivileged user (the owner of
    the data, or `nobody`) in a folder made for it; when that user cannot enter `directory` (it lies below /root, say),
    the data lies in a new folder below /var/lib/mainstay instead, `directory/location` names it, and `place` tells it.

    `port` is the port on 127.0.0.1; None picks a free one at each start. `durable=False` turns fsync off, for
    tests: commits survive any kill of processes, but not of the machine.

    The server is a process of its own: it outlives a SIGKILL of whoever started it, and the next `start` takes it over.
    """

    def __init__(self, directory: Path, *, port: int | None = None, durable: bool = True) -> None:
        self._directory = directory.absolute()
        self._port = port
        self._durable = durable

    # -- where things are ---------------------------------------------------------------------------------------------

    @property
    def place(self) -> Path:
        """The folder with data, logs and password: `directory`, or where `directory/location` points."""
        location = self._directory / "location"
        return Path(location.read_text().strip()) if location.exists() else self._directory

    @property
    def log_directory(self) -> Path:
        """The folder with the server's own logs."""
        return self.place / "cluster" / "log"

    @property
    def _cluster(self) -> Path:
        return self.place / "cluster"

    @property
    def _data(self) -> Path:
        return self._cluster / "data"

    @property
    def _start_log(self) -> Path:
        return self._cluster / "start.log"

    @cached_property
    def _user(self) -> RunAs:
        return RunAs.owner_of(self._cluster)

    @cached_property
    def _binaries(self) -> Binaries:
        installed = find_binaries()
        return installed if installed.run_for(self._user) else installed.copy_to(self.place / "binaries")

    # -- what callers do ----------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Make the data if there is none, start the server or take over the one that runs, and wait until it is ready.

        Raises:
            PortTaken: another program listens on the port.
            PostgresFailed: it did not start, for the reason told.
            PostgresMissing: its programs are not installed.
        """
        with self._alone():
            self._make()
            running = self._settled()
            if running is not None and self._port not in {None, running.port}:
                self._stop(running, "fast")
                running = None
            if running is None:
                self._clear_after_crash()
                self._start()

    def stop(self, mode: Literal["fast", "immediate"] = "fast") -> None:
        """Stop the server if it runs: "fast" ends sessions and writes a checkpoint, "immediate" is a crash.

        Raises:
            PostgresFailed: it still runs after 30 s.
        """
        with self._alone():
            running = self.running()
            if running is not None:
                self._stop(running, mode)

    def remove(self) -> None:
        """Stop the server at once and delete its data, wherever they lie."""
        if self._directory.exists():
            self.stop("immediate")
            shutil.rmtree(self.place)
            shutil.rmtree(self._directory, ignore_errors=True)

    def running(self) -> Server | None:
        """The server on these data, or None; a pid file that outlived its server or names a stranger counts as none."""
        try:
            lines = (self._data / "postmaster.pid").read_text().splitlines()
            pid, port = int(lines[0]), int(lines[3])
        except (FileNotFoundError, IndexError, ValueError):  # absent, or being written at this moment
            return None
        # The state is added last, once the server has come so far.
        state = lines[7].strip() if len(lines) > 7 else "starting"
        return Server(pid, port, state) if self._works_here(pid) else None

    def url(self, database: str = SUPERUSER) -> str:
        """The address of a database, password included.

        Raises:
            PostgresFailed: the server does not run, so its port is not known.
        """
        port = self._port
        if port is None:
            running = self.running()
            if running is None:
                raise PostgresFailed("PostgreSQL does not run")
            port = running.port
        password = (self.place / "password").read_text().strip()
        return f"postgresql://{SUPERUSER}:{password}@127.0.0.1:{port}/{quote(database, safe='')}"

    def ensure_database(self, name: str = SUPERUSER) -> str:
        """Create a database unless it exists; answers its address."""
        known = self._client("psql", "--no-psqlrc", "-tAc", "SELECT datname FROM pg_database", "postgres").splitlines()
        if name not in known:
            self._client("createdb", "--", name)
        return self.url(name)

    # -- making -------------------------------------------------------------------------------------------------------

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """One start or stop at a time; the lock goes with the process that holds it."""
        make_folder(self._directory)
        with (self._directory / "lock").open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _make(self) -> None:
        """Run initdb beside the final name, so that a crash half-way leaves nothing that looks whole."""
        version = self._data / "PG_VERSION"
        if version.exists():
            if version.read_text().strip() != str(MAJOR):
                raise PostgresFailed(
                    f"The data in {self._data} are of PostgreSQL {version.read_text().strip()}; this is {MAJOR}. "
                    "Dump them with the old version, or set MAINSTAY_HOME to another folder"
                )
            return
        self._choose_place()
        self._cluster.mkdir(mode=0o700, exist_ok=True)
        for left_over in self._cluster.iterdir():
            shutil.rmtree(left_over, ignore_errors=True)
        user = RunAs.unprivileged()
        user.own(self._cluster)
        password = secrets.token_urlsafe(24)
        write_private(self.place / "password", password)
        attempt = secrets.token_hex(4)  # an initdb whose starter was killed may still be busy with its own
        handed_over = self._cluster / f"password.{attempt}"
        write_private(handed_over, password)
        user.own(handed_over)
        new = self._cluster / f"data.{attempt}"
        self._run(
            self._binaries["initdb"],
            f"--pgdata={new}",
            f"--username={SUPERUSER}",
            f"--pwfile={handed_over}",
            "--auth=scram-sha-256",
            "--encoding=UTF8",
            "--locale=C",
            "--locale-provider=builtin",
            "--builtin-locale=C.UTF-8",  # the same order and case rules on every machine
            *([] if self._durable else ["--no-sync"]),
        )
        handed_over.unlink()
        new.rename(self._data)

    def _choose_place(self) -> None:
        if (self._directory / "location").exists() or RunAs.unprivileged().can_enter(self._directory):
            return
        try:
            make_folder(ELSEWHERE)
            place = Path(tempfile.mkdtemp(prefix="postgres-", dir=ELSEWHERE))
        except OSError as error:
            raise PostgresFailed(
                f"PostgreSQL does not run as root, user nobody cannot enter {self._directory}, and {error}. "
                "Set MAINSTAY_HOME to a folder that everybody may pass through, or start as an ordinary user"
            ) from error
        place.chmod(0o711)
        (place / "belongs-to").write_text(f"{self._directory}\n")
        (self._directory / "location").write_text(f"{place}\n")

    # -- starting and stopping ----------------------------------------------------------------------------------------

    def _start(self) -> None:
        for attempts_left in (2, 1, 0):
            port = self._port or free_port()
            if not is_free(port):
                raise PortTaken(f"Port {port}, meant for PostgreSQL, is taken by another program")
            settings = _SETTINGS | {"port": str(port)} | ({} if self._durable else _NOT_DURABLE)
            options = shlex.join(word for name, value in settings.items() for word in ("-c", f"{name}={value}"))
            self._start_log.unlink(missing_ok=True)
            try:
                self._pg_ctl(
                    "start", f"--timeout={_START_WITHIN}", f"--log={self._start_log}", f"--options={options}", "--wait"
                )
            except PostgresFailed as error:
                # Somebody else may take a port between our look at it and PostgreSQL's own.
                if "ddress already in use" in str(error) and self._port is None and attempts_left:
                    continue
                raise
            return

    def _stop(self, server: Server, mode: Literal["fast", "immediate"]) -> None:
        # Not `pg_ctl stop`: that waits for the pid file to go, in vain when the server is killed meanwhile.
        with suppress(ProcessLookupError):
            os.kill(server.pid, signal.SIGINT if mode == "fast" else signal.SIGQUIT)
        if not self._gone([server.pid], within=_STOP_WITHIN):
            raise PostgresFailed(f"PostgreSQL (process {server.pid}) did not stop within {_STOP_WITHIN} s")

    def _settled(self) -> Server | None:
        """The running server once it is ready, or None once it is gone: it may be starting or stopping right now."""
        deadline = time.monotonic() + _START_WITHIN
        while (server := self.running()) is not None and server.state != "ready":
            if time.monotonic() > deadline:
                raise PostgresFailed(f"PostgreSQL (process {server.pid}) has been {server.state} for {_START_WITHIN} s")
            time.sleep(0.05)
        return server

    def _clear_after_crash(self) -> None:
        """Forget a server that was killed.

        Its sessions notice within moments that it is gone; they must have left before another server touches the data.
        Its pid file may by now name another program of this user, for which PostgreSQL would take it for alive.
        """
        pid_file = self._data / "postmaster.pid"
        if not pid_file.exists():
            return
        left_over = [pid for pid in psutil.pids() if self._works_here(pid)]
        if not self._gone(left_over, within=10):
            for pid in left_over:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            self._gone(left_over, within=5)
        pid_file.unlink(missing_ok=True)

    def _gone(self, pids: Collection[int], *, within: float) -> bool:
        """Wait until none of these processes works on the data; False when one still does after `within` seconds."""
        deadline = time.monotonic() + within
        while any(self._works_here(pid) for pid in pids):
            if time.monotonic() > deadline:
                return False
            time.sleep(0.02)
        return True

    def _works_here(self, pid: int) -> bool:
        """Whether this is a process of PostgreSQL on these data: they are the current folder of each of them."""
        try:
            process = psutil.Process(pid)
            return "postgres" in process.name() and Path(process.cwd()) == self._data.resolve()
        except (psutil.Error, OSError):
            return False

    # -- running programs ---------------------------------------------------------------------------------------------

    def _pg_ctl(self, *arguments: str) -> None:
        self._run(self._binaries["pg_ctl"], *arguments, f"--pgdata={self._data}", "--silent")

    def _run(self, *command: str) -> None:
        """Run a program as the server's user; the server that pg_ctl starts must not keep our pipes open."""
        with tempfile.TemporaryFile() as said:
            try:
                code = subprocess.run(
                    command,
                    check=False,
                    cwd=self._cluster,
                    env=_environment(),
                    stdin=subprocess.DEVNULL,
                    stdout=said,
                    stderr=subprocess.STDOUT,
                    **self._user.process_user(),
                ).returncode
            except OSError as error:
                raise PostgresFailed(
                    f"{Path(command[0]).name} could not be run as user {self._user.uid}: {error}"
                ) from error
            if code != 0:
                said.seek(0)
                raise PostgresFailed(self._last_words(Path(command[0]).name, said.read().decode(errors="replace")))

    def _last_words(self, program: str, said: str) -> str:
        """What a failed program and the server it wanted to start have said, the last 15 lines of each."""
        texts: list[str] = [said]
        if self._start_log.exists():
            texts.append(self._start_log.read_text(errors="replace"))
        if self.log_directory.exists():
            logs = sorted(self.log_directory.iterdir(), key=lambda path: path.stat().st_mtime)
            texts += [path.read_text(errors="replace") for path in logs[-1:]]
        lines = [line for text in texts for line in text.splitlines()[-15:]]
        return "\n".join([f"{program} failed (data in {self._data}):", *lines])

    def _client(self, program: str, *arguments: str) -> str:
        """Run a client program against the server as ourselves; answers its output."""
        running = self.running()
        if running is None:
            raise PostgresFailed("PostgreSQL does not run")
        environment = _environment() | {
            "PGHOST": "127.0.0.1",
            "PGPORT": str(running.port),
            "PGUSER": SUPERUSER,
            "PGPASSWORD": (self.place / "password").read_text().strip(),
        }
        command = [self._binaries[program], *arguments]
        done = subprocess.run(command, check=False, capture_output=True, text=True, env=environment, cwd="/")
        if done.returncode != 0:
            raise PostgresFailed(f"{program} failed: {done.stderr.strip()}")
        return done.stdout


def _environment() -> dict[str, str]:
    """A plain environment: none of the caller's PG* variables reach the programs."""
    return {"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"}
