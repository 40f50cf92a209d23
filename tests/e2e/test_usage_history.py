"""Three years of real usage through the official Segment client, on both transports, against an independent recount."""

import math
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.history import INSTANTS, Recount, Row, rows, send
from tests.e2e.running import Running, eventually, running
from tests.e2e.transports import transports

Closes = list[tuple[str, int | None, str]]
Portfolio = dict[str, Closes]


@pytest.fixture(scope="module")
def history() -> list[Row]:
    return rows()


@pytest.fixture(scope="module", params=transports())
def mainstay(
    request: pytest.FixtureRequest,
    module_postgres_url: str,
    tmp_path_factory: pytest.TempPathFactory,
    history: list[Row],
) -> Iterator[Running]:
    settings = {"MAINSTAY_DATABASE_URL": module_postgres_url, **request.param(request)}
    with running(home(tmp_path_factory), **settings) as it:
        send(history, host=it.url("ingest"), write_key=it.key)
        yield it


@pytest.fixture(scope="module")
def recount(history: list[Row]) -> Recount:
    return Recount(history)


def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("mainstay") / "home"


@pytest.mark.timeout(300)
def test_every_metric_of_every_account_equals_the_recount(
    mainstay: Running, history: list[Row], recount: Recount
) -> None:
    eventually(lambda: records_read(mainstay) >= len(history), "health-score has read the file", within=120)

    eventually(lambda: differences(mainstay, recount) == [], "all metrics equal the recount", within=120)


@pytest.mark.timeout(300)
def test_sending_the_file_again_changes_nothing(mainstay: Running, history: list[Row], recount: Recount) -> None:
    eventually(lambda: records_read(mainstay) >= len(history), "health-score has read the file", within=120)
    eventually(lambda: differences(mainstay, recount) == [], "all metrics equal the recount", within=120)
    before = settled(mainstay, recount)
    read = records_read(mainstay)

    send(history, host=mainstay.url("ingest"), write_key=mainstay.key)

    eventually(lambda: records_read(mainstay) >= read + len(history), "health-score has read the copies", within=60)
    assert differences(mainstay, recount) == []
    assert settled(mainstay, recount) == before


def differences(mainstay: Running, recount: Recount) -> list[str]:
    """Each figure that the service answers otherwise than the recount says."""
    found = []
    for account in recount.accounts:
        for as_of in INSTANTS:
            answer = mainstay.http("health_score").get(
                f"/v1/accounts/{account}/metrics", params={"as_of": as_of.isoformat()}
            )
            if answer.status_code != 200:
                return [f"{account}: {answer.text}"]
            said: dict[str, Any] = answer.json()["metrics"]
            for name, expected in recount.metrics(account, as_of).items():
                if not equal(said[name], expected):
                    found.append(f"{account} {as_of} {name}: {said[name]}, not {expected}")
    return found


def equal(said: float | None, expected: float | None) -> bool:
    if said is None or expected is None:
        return said is expected
    return math.isclose(said, expected, rel_tol=1e-12)


def closes(mainstay: Running, account: str) -> Closes:
    """Every daily close of the account's recorded life."""
    days: Closes = []
    cursor = None
    while True:
        page = mainstay.get(
            "health_score",
            f"/v1/accounts/{account}/health/history",
            limit="500",
            **{"from": "2012-01-01", "to": "2015-12-31"},
            **({"cursor": cursor} if cursor else {}),
        )
        days += [(day["day"], day["score"], day["band"]) for day in page["data"]]
        cursor = page["next_cursor"]
        if cursor is None:
            return days


def settled(mainstay: Running, recount: Recount) -> Portfolio:
    """Every account's closes, once a rebuild of days has had its time and changed none."""
    looks: list[Portfolio] = []

    def unchanged() -> bool:
        time.sleep(3)  # longer than a rebuild is put off: nothing but time can show that none is to come
        looks.append({account: closes(mainstay, account) for account in recount.accounts})
        return len(looks) > 1 and looks[-1] == looks[-2] and all(looks[-1].values())

    eventually(unchanged, "the days are rebuilt", within=120)
    return looks[-1]


def records_read(mainstay: Running) -> int:
    """Usage records that health-score has handled since it started, by its own metrics."""
    text = mainstay.http("health_score").get("/metrics").text
    lines = [line for line in text.splitlines() if line.startswith("mainstay_consumer_records_total{")]
    return int(sum(float(line.rsplit(" ", 1)[1]) for line in lines if 'topic="usage-events"' in line))
