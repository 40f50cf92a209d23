"""Fault 14: what is made to hurt a reader, in each place of each protocol: refused, nothing stored, no memory lost."""

import asyncio
import gzip
import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path

import httpx
import pytest

from mainstay.contracts.topics import CUSTOMER_SIGNALS, USAGE_EVENTS
from mainstay.messaging.open import open_log
from tests.e2e.hot_routes import Way, ways_in
from tests.e2e.ingest_process import IngestProcess, ingest_process

MIB = 1 << 20
CAP = 4 * MIB
"""Of a body, decompressed: as far as one official client goes."""
VALUES = {
    "100,000 arrays deep": b"[" * 100_000 + b"]" * 100_000,
    "100,000 objects deep": b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
    "100,000 arrays that never end": b"[" * 100_000,
    "65 levels": b"[" * 65 + b"]" * 65,
    "a number of 5,000 digits": b"9" * 5_000,
    "an exponent beyond a double": b"1e5000",
    "NaN": b"NaN",
    "Infinity": b"-Infinity",
    "NUL": b'"a\\u0000b"',
    "NUL as it is": b'"a\x00b"',
    "truncated UTF-8": b'"a\xc3"',
    "half a surrogate pair": b'"\\ud83d"',
    "a surrogate in UTF-8": b'"\xed\xa0\xbd"',
}
"""Written where a sender may put anything of their own."""
MANY = b"[" + b"1," * (CAP // 2 - 100) + b"1]"
"""As many items as a body can hold: cut one from another they take 36 times its memory."""
NEVER_FAIL = ("/sa", "/pixel.gif")
"""Their clients die of an error, so they are told 200, and what is bad waits in quarantine."""
BATCHES = ("/v1/batch", "/v1/import")
FILES = ("/v1/imports",)
"""A file is taken before its rows are read; its report names the bad ones."""

Frame = Callable[[bytes], bytes]


@cache
def bombs() -> dict[str, bytes]:
    """Made when needed: it takes seconds."""
    return {
        "spaces": gzip.compress(b" " * (128 * MIB)),
        "arrays": gzip.compress(b"[" * (128 * MIB)),
        "a text": gzip.compress(b'{"event": "' + b"x" * (128 * MIB) + b'"}'),
        "a bomb in a bomb": gzip.compress(gzip.compress(b" " * (1_024 * MIB), 1) + b" " * (8 * MIB)),
    }


def in_a_call(kind: str, member: bytes) -> Frame:
    call = {
        "type": kind,
        "messageId": "m",
        "userId": "ann",
        "event": "e",
        "groupId": "acme",
        "context": {"groupId": "acme"},
    }
    start = json.dumps(call).encode()[:-1]
    return lambda value: start + b', "' + member + b'": {"x": ' + value + b"}}"


def in_a_batch(value: bytes) -> bytes:
    return b'{"batch": [' + in_a_call("track", b"properties")(value) + b"]}"


def in_an_event(value: bytes) -> bytes:
    event = {"specversion": "1.0", "id": "e", "source": "urn:tests", "type": "mainstay.usage.recorded.v1"}
    return json.dumps(event).encode()[:-1] + b', "data": ' + in_the_data(value) + b"}"


def in_the_data(value: bytes) -> bytes:
    return b'{"account_id": "acme", "event": "e", "user_id": "ann", "properties": {"x": ' + value + b"}}"


def in_a_sensors_event(value: bytes) -> bytes:
    event = {"type": "track", "time": 1_772_000_000_000, "distinct_id": "ann", "event": "e"}
    return json.dumps(event).encode()[:-1] + b', "properties": {"account_id": "acme", "x": ' + value + b"}}"


def frames(way: Way) -> list[Frame]:
    """The document's own place for anything; elsewhere a member of an object, which no route knows."""
    if way.path == "/v1/events":
        batch = "batch" in way.headers["Content-Type"]
        one = in_the_data if "ce-id" in way.headers else in_an_event
        return [(lambda value: b"[" + one(value) + b"]") if batch else one]
    if way.path in BATCHES:
        return [in_a_batch]
    if way.path.startswith("/sa"):
        return [(lambda value: b"[" + in_a_sensors_event(value) + b"]") if "many" in way.name else in_a_sensors_event]
    kind = way.path.rpartition("/")[2]
    member = b"traits" if kind in {"identify", "group"} else b"properties"
    return [in_a_call(kind, member)]


def is_refused(way: Way, answer: httpx.Response) -> bool:
    if way.path.startswith(NEVER_FAIL + FILES):
        return answer.status_code < 500
    return 400 <= answer.status_code < 500


@pytest.fixture
def records(migrated_url: str) -> Callable[[], int]:
    """How many records the log has ever taken."""

    async def count() -> int:
        log = open_log(migrated_url, client_name="tests")
        await log.start()
        found = [await log.bounds(topic.name) for topic in (USAGE_EVENTS, CUSTOMER_SIGNALS)]
        await log.close()
        return sum(bounds.next for topic in found for bounds in topic.values())

    def counted() -> int:
        with ThreadPoolExecutor(1) as thread:
            return thread.submit(asyncio.run, count()).result()

    return counted


@pytest.mark.timeout(240)
def test_hostile_bodies_are_refused(migrated_url: str, tmp_path: Path, records: Callable[[], int]) -> None:
    with ingest_process(migrated_url, tmp_path, MAINSTAY_INGEST_MAX_BODY_BYTES=str(CAP)) as ingest:
        ways, stored = ways_in(ingest.http), records()
        texts = [way for way in ways if way.path.startswith("/pixel.gif")]  # "NaN" may well be a feature's name
        assert attack(ingest, [way for way in ways if way not in texts]) == []
        assert many_items(ingest, ways) == []
        assert records() == stored
        assert attack(ingest, texts) == []
        assert ingest.failures() == []
        assert ingest.http.get("/readyz").status_code == 200


@pytest.mark.timeout(240)
def test_hostile_bodies_cost_no_memory(migrated_url: str, tmp_path: Path) -> None:
    with ingest_process(migrated_url, tmp_path, MAINSTAY_INGEST_MAX_BODY_BYTES=str(CAP)) as ingest:
        ways = ways_in(ingest.http)
        attack(ingest, ways)  # what is loaded and made at the first use is no growth
        ingest.forget_peak()
        before = ingest.memory()
        attack(ingest, ways)
        grown = ingest.peak_memory() - before
        print(f"{len(ways)} ways in; peak memory + {grown / MIB:.1f} MiB at a cap of {CAP / MIB:.0f} MiB")
        assert grown < 2 * CAP


def many_items(ingest: IngestProcess, ways: list[Way]) -> list[str]:
    """Send as many items as fit in every way; answers what was not refused."""
    bodies = [(way, b'{"batch": ' + MANY + b"}" if way.path in BATCHES else MANY) for way in ways]
    answers = [(way, way.send(ingest.http, body)) for way, body in bodies]
    return [f"{way.name} -> {answer.status_code}" for way, answer in answers if not is_refused(way, answer)]


def attack(ingest: IngestProcess, ways: list[Way]) -> list[str]:
    """Send everything in every way; answers what was not refused."""
    wrong = []
    for way in ways:
        sent = [(name, way, frame(value)) for name, value in VALUES.items() for frame in frames(way)]
        zipped = way._replace(headers={**way.headers, "Content-Encoding": "gzip"}, written=bytes)
        sent += [(f"gzip bomb: {name}", zipped, bomb) for name, bomb in bombs().items()]
        for name, how, body in sent:
            answer = how.send(ingest.http, body)
            if not is_refused(way, answer):
                wrong.append(f"{name}: {way.name} -> {answer.status_code} {answer.text[:200]}")
    return wrong
