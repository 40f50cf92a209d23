"""`mainstay import` against a running Mainstay: what is killed goes on, and what is printed helps."""

import asyncio
import csv
import gzip
import io
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from rich.console import Console

from mainstay.contracts.topics import USAGE_EVENTS
from mainstay.messaging.open import open_log
from standalone.database import current_url
from standalone.importing import ImportedAlready, ImportFailed, Wanted, import_file
from standalone.settings import StandaloneSettings
from tests.e2e.running import Running, eventually, running

pytestmark = pytest.mark.xdist_group("imports")  # its tests share one Mainstay

ROWS = 30_000
HEADER = "Company,User,Action,When,Note\r\n"
MAPPING = ("Company=account_id", "User=user_id", "Action=event", "When=time", "Note=properties.note")


@pytest.fixture(scope="module")
def mainstay(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with running(tmp_path_factory.mktemp("imports") / "home") as it:
        yield it


@pytest.mark.timeout(240)
def test_an_import_survives_its_sender_and_ingest(mainstay: Running, tmp_path: Path) -> None:
    file, expected = tmp_path / "events.csv.gz", Counter[str]()
    rows = io.StringIO(newline="")
    for number in range(ROWS):
        is_bad = number % 1_000 == 500
        rows.write(
            f'killed-{number % 20},u{number % 90},Opened,{"never" if is_bad else "2026-10-01 09:00"},"{number}\r\n"\r\n'
        )
        expected.update([] if is_bad else [f"killed-{number % 20}"])
    file.write_bytes(gzip.compress((HEADER + rows.getvalue()).encode()))

    with started(mainstay, file) as sender:
        eventually(lambda: progress(mainstay)["next_byte"] > 0, "the import has begun", 60)
        sender.kill()
    job = progress(mainstay)
    assert 0 < job["rows"] < ROWS, "the sender was killed too late"
    with started(mainstay, file) as sender:
        eventually(lambda: progress(mainstay)["rows"] > job["rows"], "the import goes on", 60)
        assert mainstay.kill("ingest")
        printed, _ = sender.communicate(timeout=120)

    assert sender.returncode == 1, printed
    assert f"{ROWS:,} rows, 30 refused; {ROWS - 30:,} stored" in printed
    assert progress(mainstay)["id"] == job["id"]
    with (tmp_path / "events.csv.gz.refused.csv").open(newline="") as report:
        assert [int(row["row"]) for row in csv.DictReader(report)] == list(range(501, ROWS + 1, 1_000))
    assert asyncio.run(stored(mainstay)) == expected


def test_a_file_is_not_imported_twice_unasked(mainstay: Running, tmp_path: Path) -> None:
    file = written(tmp_path, "accounts.csv", b"account_id,name\nacme,Acme\n")
    assert "1 row; 1 stored" in imported(mainstay, Wanted(file, "account"))

    with pytest.raises(ImportedAlready, match="--again"):
        imported(mainstay, Wanted(file, "account"))

    assert "1 row; 1 stored" in imported(mainstay, Wanted(file, "account", again=True))


def test_a_file_that_was_refused_is_begun_anew(mainstay: Running, tmp_path: Path) -> None:
    wanted = Wanted(written(tmp_path, "accounts.csv", b"Company;Name\nacme;Acme\n"), "account")
    for _ in range(2):
        with pytest.raises(ImportFailed, match="delimiter=;"):
            imported(mainstay, wanted)


@pytest.mark.parametrize(
    ("name", "body", "kind", "told"),
    [
        ("a.csv", b"account_id,name\nacme,Acme\n", None, "kind-missing"),
        ("a.csv", b"account_id,name\nacme,Acme\n", "people", "contract"),
        ("a.csv", b"Company,name\nacme,Acme\n", "account", "account_id, name, owner"),
        ("a.csv", "account_id\nacme\n".encode("utf-16"), "account", "UTF-8"),
        ("a.txt", b"account_id\nacme\n", "account", ".csv, .tsv, .ndjson, .jsonl"),
        ("a.csv.gz", b"account_id\nacme\n", "account", "not a whole gzip file"),
    ],
)
def test_what_cannot_be_imported_says_what_to_do(
    mainstay: Running, tmp_path: Path, name: str, body: bytes, kind: str | None, told: str
) -> None:
    with pytest.raises(ImportFailed) as failed:
        imported(mainstay, Wanted(written(tmp_path, name, body), kind))

    assert told in str(failed.value)


def test_the_first_refused_rows_are_printed_with_their_columns(mainstay: Running, tmp_path: Path) -> None:
    file = written(tmp_path, "a.csv", b"account_id,name\nacme,Ac\x01me\nglobex,Globex")

    printed = imported(mainstay, Wanted(file, "account"))

    assert "2 rows, 1 refused; 1 stored" in printed
    assert "/name" in printed
    assert str(file) + ".refused.csv" in printed


def imported(mainstay: Running, wanted: Wanted) -> str:
    """What the command prints where it is not a terminal."""
    output = io.StringIO()
    import_file(settings_of(mainstay), wanted, Console(file=output, width=200))
    return output.getvalue()


def settings_of(mainstay: Running) -> StandaloneSettings:
    return StandaloneSettings(
        home=mainstay.home, ingest_port=mainstay.ports["ingest"], postgres_port=mainstay.ports["postgres"]
    )


def started(mainstay: Running, file: Path) -> subprocess.Popen[str]:
    command = [str(Path(sys.executable).parent / "mainstay"), "import", str(file), "--kind", "event"]
    command += [word for each in MAPPING for word in ("--map", each)]
    environment = {**mainstay.environment, "COLUMNS": "200"}
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def progress(mainstay: Running) -> dict[str, Any]:
    """The newest import that brings events."""
    try:
        jobs = mainstay.get("ingest", "/v1/imports")["data"]
    except httpx.TransportError:
        jobs = []
    found: dict[str, Any] = next((job for job in jobs if job["kind"] == "event"), {"next_byte": 0, "rows": 0})
    return found


async def stored(mainstay: Running) -> Counter[str]:
    """How many different events the log has of each account that the file names."""
    log = open_log(current_url(settings_of(mainstay)), client_name="tests")
    await log.start()
    try:
        ids: dict[str, set[str | None]] = {}
        for partition, bounds in (await log.bounds(USAGE_EVENTS.name)).items():
            at = bounds.first
            while at < bounds.next:
                records = await log.read(USAGE_EVENTS.name, partition, at, 1_000)
                for record in records:
                    ids.setdefault(record.key, set()).add(record.header("ce_id"))
                at = records[-1].offset + 1
        return Counter({key: len(found) for key, found in ids.items() if key.startswith("killed-")})
    finally:
        await log.close()


def written(folder: Path, name: str, body: bytes) -> Path:
    (folder / name).write_bytes(body)
    return folder / name
