"""`mainstay up` as its users meet it: a real one, with services, ports and a state folder of its own."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import httpx
import psutil
import pytest
from typer.testing import CliRunner

from standalone.asking import ask_for_inbox
from standalone.cli import app
from standalone.postgres import EmbeddedPostgres
from standalone.probe import lag_of
from standalone.settings import StandaloneSettings
from tests.e2e.running import SERVICES, Running, eventually, free_ports, running

MAINSTAY = Path(sys.executable).parent / "mainstay"
BACK_WITHIN = 30.0


@dataclass(frozen=True)
class Said:
    status: int
    out: str
    err: str


def mainstay(*words: str, environment: Mapping[str, str]) -> Said:
    """Run a command in this process, which saves its start; `up` has one of its own."""
    plain = {name: None for name in os.environ if name.startswith("MAINSTAY_")}
    done = CliRunner().invoke(app, words, env={**plain, **environment, "COLUMNS": "200"})
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exc_info
    return Said(done.exit_code, done.stdout, done.stderr)


def refused_up(environment: Mapping[str, str]) -> Said:
    """Run `mainstay up` where it must not start."""
    done = subprocess.run(
        [MAINSTAY, "up"], check=False, capture_output=True, text=True, cwd=tempfile.gettempdir(), env=environment
    )
    return Said(done.returncode, done.stdout, done.stderr)


@pytest.fixture(scope="module")
def home() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="mainstay-") as folder:
        Path(folder).chmod(0o711)
        yield Path(folder) / "home"


@pytest.fixture(scope="module")
def it(home: Path) -> Iterator[Running]:
    home.mkdir(mode=0o711)
    with running(home) as started:
        yield started


def postgres_pid(home: Path) -> int | None:
    running = EmbeddedPostgres(home / "postgres").running()
    return running.pid if running else None


def is_running(pid: int) -> bool:
    return psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE


def test_the_first_start_makes_an_admin_key_and_prints_it(it: Running, home: Path) -> None:
    assert it.http("ingest").get("/v1/events").status_code != httpx.codes.UNAUTHORIZED
    assert it.key in (home / "up.log").read_text()
    for secret in ("admin.key", "secret.key", "up.lock", "children.json", "postgres/password"):
        assert (home / secret).stat().st_mode & 0o777 == 0o600, secret


def test_status_and_doctor_find_all_well_from_another_folder(it: Running) -> None:
    status = mainstay("status", environment=it.environment)
    doctor = mainstay("doctor", environment=it.environment)

    assert status.status == 0, status.out
    assert all(f"http://127.0.0.1:{it.ports[service]}" in status.out for service in SERVICES)
    assert "PostgreSQL" in status.out
    assert asyncio.run(lag_of(it.url("health_score"))) == 0
    assert asyncio.run(lag_of(it.url("postgres"))) is None
    assert doctor.status == 0, doctor.out
    assert "Mainstay can run here." in doctor.out


def test_status_finds_the_ports_that_the_running_one_was_given(it: Running, home: Path) -> None:
    plain = {name: value for name, value in it.environment.items() if not name.startswith("MAINSTAY_")}

    status = mainstay("status", environment={**plain, "MAINSTAY_HOME": str(home)})

    assert status.status == 0, status.out


def test_a_second_up_says_that_one_runs_and_changes_nothing(it: Running, home: Path) -> None:
    before = {service: it.pid_of(service) for service in SERVICES}

    second = refused_up(it.environment)

    assert second.status == 1
    assert f"runs already with the state in {home} (process {it.process.pid})" in second.err
    assert {service: it.pid_of(service) for service in SERVICES} == before


def test_a_key_is_made_listed_and_revoked(it: Running) -> None:
    made = mainstay("keys", "create", "--name", "sdk", "--scope", "health:read", environment=it.environment)
    key = made.out.strip()
    bearer = {"Authorization": f"Bearer {key}"}

    def status_code() -> int:
        return httpx.get(f"{it.url('health_score')}/v1/accounts", headers=bearer, trust_env=False).status_code

    eventually(lambda: status_code() == httpx.codes.OK, "the key opens", within=10)
    assert key.split("_")[1] in mainstay("keys", "list", environment=it.environment).out

    assert mainstay("keys", "revoke", key, environment=it.environment).status == 0
    eventually(lambda: status_code() == httpx.codes.UNAUTHORIZED, "the key is refused", within=10)
    assert mainstay("keys", "revoke", "nobody", environment=it.environment).status == 1


def test_a_key_with_a_scope_that_does_not_exist_is_refused_in_one_line(it: Running) -> None:
    made = mainstay("keys", "create", "--name", "sdk", "--scope", "everything", environment=it.environment)

    assert (made.status, made.out) == (1, "")
    assert made.err.startswith("everything; there are admin, ")


def test_dead_letters_are_listed_and_redriven(it: Running) -> None:
    listed = mainstay("dead-letters", "list", "alerts", environment=it.environment)
    redriven = mainstay("dead-letters", "redrive", "alerts", environment=it.environment)

    assert (listed.status, listed.out) == (0, "Nothing waits in alerts's dead letters.\n"), listed.err
    assert (redriven.status, redriven.out) == (0, "Sent 0 records round again.\n"), redriven.err
    assert mainstay("dead-letters", "list", "nobody", environment=it.environment).status == 1


def test_the_inbox_comes_when_the_demo_asks_for_it(it: Running, home: Path) -> None:
    alerts = it.pid_of("alerts")
    inbox = f"http://127.0.0.1:{it.ports['inbox']}"
    with pytest.raises(httpx.ConnectError):
        httpx.get(inbox, trust_env=False)

    ask_for_inbox(StandaloneSettings(home=home))

    assert httpx.get(inbox, trust_env=False).status_code == httpx.codes.OK
    assert it.pid_of("alerts") not in {None, alerts}
    assert it.ready("alerts")


def test_killed_services_and_a_killed_database_come_back(it: Running, home: Path) -> None:
    killed = {service: it.pid_of(service) for service in SERVICES}
    database = postgres_pid(home)
    assert database is not None
    for service in SERVICES:
        assert it.kill(service)
    os.kill(database, signal.SIGKILL)

    eventually(lambda: not any(pid and is_running(pid) for pid in killed.values()), "they are gone", BACK_WITHIN)
    eventually(lambda: postgres_pid(home) not in {None, database}, "PostgreSQL is back", BACK_WITHIN)
    eventually(lambda: all(it.ready(service) for service in SERVICES), "the services are back", BACK_WITHIN)

    told = (home / "up.log").read_text()
    assert all(f"{name} was ended by SIGKILL" in told for name in ("ingest", "health-score", "alerts", "renewals"))
    assert "PostgreSQL ended; starting it again" in told


def test_after_a_kill_of_the_supervisor_the_next_up_works_and_nothing_is_left_over(it: Running, home: Path) -> None:
    key = it.key
    children = [pid for service in SERVICES if (pid := it.pid_of(service))]
    database = postgres_pid(home)
    assert database is not None

    it.process.kill()
    it.process.wait()
    with (home / "up2.log").open("wb") as output:
        again = subprocess.Popen([MAINSTAY, "up"], env=it.environment, stdout=output, stderr=subprocess.STDOUT)
    try:
        it.process = again
        eventually(lambda: all(it.pid_of(service) is not None for service in SERVICES), "children", BACK_WITHIN)
        it.wait_until_ready()
        assert not any(is_running(pid) for pid in children)
        assert postgres_pid(home) == database, "the running server was taken over"
        assert it.key == key
    finally:
        again.send_signal(signal.SIGINT)
        assert again.wait(timeout=30) == 0
    assert not is_running(database)
    assert "Traceback" not in (home / "up2.log").read_text()
    assert mainstay("status", environment=it.environment).status == 1


def test_a_taken_port_is_named_before_anything_starts(folder: Path) -> None:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        port = holder.getsockname()[1]
        ports = dict(zip(("INGEST", "HEALTH_SCORE", "RENEWALS", "POSTGRES"), free_ports(4), strict=True))
        environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("MAINSTAY_")},
            **{f"MAINSTAY_{name}_PORT": str(free) for name, free in ports.items()},
            "MAINSTAY_ALERTS_PORT": str(port),
            "MAINSTAY_HOME": str(folder / "home"),
        }

        refused = refused_up(environment)

    assert refused.status == 1
    assert refused.err.startswith(f"Port {port}, which alerts needs, is taken by ")
    assert f"(process {os.getpid()})" in refused.err
    assert "MAINSTAY_ALERTS_PORT=" in refused.err
    assert not (folder / "home" / "postgres" / "cluster").exists()


def test_commands_without_a_running_mainstay_say_so(folder: Path) -> None:
    plain = {name: value for name, value in os.environ.items() if not name.startswith("MAINSTAY_")}
    environment = {**plain, "MAINSTAY_HOME": str(folder / "home")}

    listed = mainstay("keys", "list", environment=environment)

    assert listed.status == 1
    assert listed.err.startswith("Mainstay does not run: start it with `mainstay up`")
    assert not (folder / "home").exists()


def test_doctor_says_what_is_wrong_and_what_to_do(folder: Path) -> None:
    plain = {name: value for name, value in os.environ.items() if not name.startswith("MAINSTAY_")}
    settings = {
        "MAINSTAY_HOME": str(folder / "home"),
        "MAINSTAY_INGEST_PROT": "9001",
        "MAINSTAY_ALERTS_SMTP_FROM": "nobody",
        "MAINSTAY_EVENT_LOG_URL": f"kafka://127.0.0.1:{free_ports(1)[0]}",
        "MAINSTAY_DATABASE_URL": f"postgresql://mainstay:secret@127.0.0.1:{free_ports(1)[0]}/mainstay",
    }
    doctor = mainstay("doctor", environment={**plain, **settings})

    said = " ".join(doctor.out.split())  # the table breaks lines
    assert doctor.status == 1
    assert "MAINSTAY_INGEST_PROT is set, but nothing reads it" in said
    assert "MAINSTAY_ALERTS_SMTP_FROM is not an email address" in said
    assert "Connect call failed" in said
    assert "mend MAINSTAY_EVENT_LOG_URL" in said
    assert "secret" not in said
