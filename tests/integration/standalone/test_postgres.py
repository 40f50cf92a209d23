import os
import signal
import socket
import subprocess
import sys
import textwrap
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import asyncpg
import psutil
import pytest

from standalone.binaries import find_binaries
from standalone.postgres import EmbeddedPostgres, PortTaken, PostgresFailed, Server
from standalone.runas import RunAs

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can be another user")


async def ask(url: str, statement: str) -> Any:
    connection = await asyncpg.connect(url)
    try:
        return await connection.fetchval(statement)
    finally:
        await connection.close()


def server_of(postgres: EmbeddedPostgres) -> Server:
    running = postgres.running()
    assert running is not None
    return running


def kill(postgres: EmbeddedPostgres) -> int:
    """SIGKILL the server, and wait until it is gone."""
    pid = server_of(postgres).pid
    os.kill(pid, signal.SIGKILL)
    while postgres.running() is not None:
        pass
    return pid


async def test_it_makes_starts_and_stops_a_server(postgres: EmbeddedPostgres) -> None:
    postgres.start()

    assert (await ask(postgres.url("postgres"), "SHOW server_version")).startswith("18.")

    postgres.stop()
    assert postgres.running() is None


async def test_a_second_start_takes_over_the_running_server(postgres: EmbeddedPostgres) -> None:
    postgres.start()
    first = server_of(postgres)
    after_a_crash_of_ours = EmbeddedPostgres(postgres.place, durable=False)

    after_a_crash_of_ours.start()

    assert server_of(after_a_crash_of_ours) == first
    assert after_a_crash_of_ours.url() == postgres.url()


async def test_what_was_committed_survives_a_kill_of_the_server(folder: Path) -> None:
    postgres = EmbeddedPostgres(folder / "durable")
    postgres.start()
    url = postgres.ensure_database("mine")
    await ask(url, "CREATE TABLE kept AS SELECT 42 AS answer")

    killed = kill(postgres)
    postgres.start()

    assert server_of(postgres).pid != killed
    assert await ask(postgres.url("mine"), "SELECT answer FROM kept") == 42
    postgres.remove()


async def test_a_pid_file_that_names_a_stranger_does_not_keep_it_from_starting(postgres: EmbeddedPostgres) -> None:
    postgres.start()
    postgres.stop()
    stranger = os.getpid()
    (postgres.place / "cluster/data/postmaster.pid").write_text(f"{stranger}\n/elsewhere\n1\n5432\n\n\n0 0\nready\n")
    assert postgres.running() is None

    postgres.start()

    assert await ask(postgres.url("postgres"), "SELECT 1") == 1


async def test_an_initdb_that_was_killed_half_way_is_begun_anew(postgres: EmbeddedPostgres) -> None:
    half = postgres.place / "cluster" / "data.0badcafe"
    half.mkdir(parents=True)
    RunAs.unprivileged().own(half.parent)
    (half / "PG_VERSION").write_text("18\n")

    postgres.start()

    assert not half.exists()
    assert await ask(postgres.url("postgres"), "SELECT 1") == 1


async def test_starts_at_the_same_time_make_one_server(postgres: EmbeddedPostgres) -> None:
    both = [postgres, EmbeddedPostgres(postgres.place, durable=False)]

    with ThreadPoolExecutor(2) as threads:
        list(threads.map(EmbeddedPostgres.start, both))

    assert server_of(both[0]) == server_of(both[1])


async def test_it_is_reached_with_its_password_and_from_this_machine_only(postgres: EmbeddedPostgres) -> None:
    postgres.start()
    running = server_of(postgres)

    with pytest.raises(asyncpg.InvalidPasswordError):
        await ask(f"postgresql://mainstay:guess@127.0.0.1:{running.port}/postgres", "SELECT 1")

    listening = [c.laddr for c in psutil.net_connections("inet") if c.pid == running.pid and c.status == "LISTEN"]
    assert [tuple(address) for address in listening] == [("127.0.0.1", running.port)]
    assert (postgres.place / "password").stat().st_mode & 0o777 == 0o600
    assert (postgres.place / "cluster").stat().st_mode & 0o777 == 0o700


async def test_creating_a_database_twice_keeps_it(postgres: EmbeddedPostgres) -> None:
    postgres.start()
    url = postgres.ensure_database("a b")
    await ask(url, "CREATE TABLE t AS SELECT 1")

    assert postgres.ensure_database("a b") == url
    assert await ask(url, "SELECT count(*) FROM t") == 1


async def test_a_taken_port_is_named(folder: Path) -> None:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        port = holder.getsockname()[1]
        postgres = EmbeddedPostgres(folder / "postgres", port=port, durable=False)

        with pytest.raises(PortTaken, match=f"Port {port}"):
            postgres.start()

    postgres.start()
    assert server_of(postgres).port == port
    postgres.remove()


async def test_a_start_with_another_port_moves_the_server(postgres: EmbeddedPostgres) -> None:
    postgres.start()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    moved = EmbeddedPostgres(postgres.place, port=port, durable=False)

    moved.start()

    assert server_of(moved).port == port
    assert await ask(moved.url("postgres"), "SELECT 1") == 1


def test_data_of_another_major_version_are_refused_in_words(postgres: EmbeddedPostgres) -> None:
    postgres.start()
    postgres.stop()
    (postgres.place / "cluster/data/PG_VERSION").write_text("17\n")

    with pytest.raises(PostgresFailed, match="of PostgreSQL 17; this is 18"):
        postgres.start()


def reachable_python(user: RunAs) -> str:
    """A Python like ours that the user may start; ours may lie below root's home."""
    for python in (sys.executable, f"/usr/bin/python3.{sys.version_info[1]}"):
        try:
            subprocess.run([python, "-c", ""], check=True, cwd="/", **user.process_user())
        except (OSError, subprocess.CalledProcessError):
            continue
        return python
    pytest.skip("no Python here can be started by an ordinary user")


@as_root
async def test_below_a_closed_folder_its_data_lie_elsewhere_and_nothing_is_opened(folder: Path) -> None:
    closed = folder / "closed"
    closed.mkdir(mode=0o700)
    before = [(path, path.stat().st_mode) for path in (closed, *closed.parents)]
    postgres = EmbeddedPostgres(closed / "state" / "postgres", durable=False)

    postgres.start()

    assert await ask(postgres.url("postgres"), "SELECT 1") == 1
    assert postgres.place.parent == Path("/var/lib/mainstay")
    assert [(path, path.stat().st_mode) for path, _ in before] == before
    postgres.remove()
    assert not postgres.place.exists()


@as_root
def test_root_runs_it_as_somebody_else(postgres: EmbeddedPostgres) -> None:
    postgres.start()

    assert psutil.Process(server_of(postgres).pid).uids().real == RunAs.unprivileged().uid != 0


@as_root
def test_an_ordinary_user_runs_it_as_oneself(folder: Path) -> None:
    own = folder / "own"
    own.mkdir()
    story = textwrap.dedent("""
        import os, sys, psutil
        from pathlib import Path
        from standalone.postgres import EmbeddedPostgres
        postgres = EmbeddedPostgres(Path(sys.argv[1]), durable=False)
        postgres.start()
        server = postgres.running()
        print(psutil.Process(server.pid).uids().real)
        os.kill(server.pid, 9)
        while postgres.running():
            pass
        postgres.start()
        postgres.remove()
    """)
    nobody = RunAs.unprivileged()
    os.chown(own, nobody.uid, nobody.gid)
    python = reachable_python(nobody)

    told = subprocess.run(
        [python, "-c", story, str(own / "postgres")],
        check=False,
        capture_output=True,
        text=True,
        cwd="/",
        env={"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
        **nobody.process_user(),
    )

    assert (told.stdout.strip(), told.stderr) == (str(nobody.uid), "")


@as_root
def test_programs_that_the_other_user_cannot_reach_are_copied(folder: Path) -> None:
    user = RunAs.unprivileged()
    copied = find_binaries().copy_to(folder / "binaries")

    assert copied.run_for(user)
    for program in ("initdb", "pg_ctl", "psql", "createdb"):
        assert (
            subprocess.run(
                [copied[program], "--version"],
                check=True,
                capture_output=True,
                text=True,
                cwd="/",
                **user.process_user(),
            )
            .stdout.strip()
            .endswith(copied.version)
        )
    assert find_binaries().copy_to(folder / "binaries") == copied


async def test_it_stays_usable_while_it_is_killed_again_and_again(postgres: EmbeddedPostgres) -> None:
    postgres.start()
    url = postgres.ensure_database("mine")
    await ask(url, "CREATE TABLE t (n int)")
    for _ in range(3):
        sessions = [await asyncpg.connect(postgres.url("mine")) for _ in range(5)]
        kill(postgres)
        postgres.start()
        assert await ask(postgres.url("mine"), "SELECT count(*) FROM t") == 0
        for session in sessions:
            session.terminate()
