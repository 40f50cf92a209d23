"""Imports over HTTP: what a file says is stored, what it may not is reported, and an interrupted one goes on."""

import asyncio
import csv
import gzip
import io
import json
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from mainstay.contracts.ingest import UsageRecorded
from mainstay.contracts.topics import CUSTOMER_SIGNALS, USAGE_EVENTS
from mainstay.testing import eventually
from tests.integration.ingest.door import Door

MAPPING = {
    "Company": "account_id",
    "Who": "user_id",
    "What": "event",
    "When": "occurred_at",
    "=file": "properties.from",
}
CSV = {"Content-Type": "text/csv"}
LINES = {"Content-Type": "application/x-ndjson"}
HEADER = "Company,Who,What,When,Minutes\r\n"


def row(number: int) -> str:
    return f'acme-{number % 7},u{number % 50},"Report, opened",2026-02-{number % 28 + 1:02} 09:00:00,{number}\r\n'


@pytest.fixture
async def reading(door: Door) -> dict[str, str]:
    return {"Authorization": f"Bearer {await door.another_key(['ingest:read', 'ingest:write'])}"}


def query(kind: str, mapping: Mapping[str, str | list[str]] | Mapping[str, list[str]] | None = None) -> str:
    return f"/v1/imports?{httpx.QueryParams({'kind': kind, **({'mapping': json.dumps(mapping)} if mapping else {})})}"


async def usage(door: Door) -> list[UsageRecorded]:
    return [event.data for event in await door.events(USAGE_EVENTS)]


async def test_a_mapped_csv_becomes_events(door: Door, reading: dict[str, str]) -> None:
    mapping = {**MAPPING, "Minutes": "properties.minutes:number"}
    body = ("\ufeff" + HEADER + row(1) + '"acme",ann,"two, words",,\r\n').encode()

    answer = await door.post(query("event", mapping), content=body, headers=CSV)

    assert answer.status_code == 201, answer.text
    job = answer.json()
    assert (job["state"], job["rows"], job["accepted"], job["next_byte"]) == ("done", 2, 2, len(body))
    first, second = sorted(await usage(door), key=lambda data: data.user_id or "", reverse=True)
    assert (first.account_id, first.event, first.occurred_at) == (
        "acme-1",
        "Report, opened",
        datetime(2026, 2, 2, 9, tzinfo=UTC),
    )
    assert json.loads(bytes(first.properties)) == {"from": "file", "minutes": 1}
    assert (second.account_id, second.user_id, second.event) == ("acme", "ann", "two, words")
    shown = await door.http.get(answer.headers["location"], headers=reading)
    assert shown.json() == job
    assert (await door.http.get("/v1/imports", headers=reading)).json()["data"] == [job]


async def test_lines_are_known_by_their_shape(door: Door) -> None:
    lines = [
        {"type": "track", "messageId": "m1", "userId": "ann", "event": "Opened", "context": {"groupId": "acme"}},
        {
            "specversion": "1.0",
            "id": "1",
            "source": "urn:crm",
            "type": "mainstay.customer.account.v1",
            "data": {"account_id": "acme", "tier": "gold"},
        },
        {"what": "ever"},
    ]
    body = "\n".join(map(json.dumps, lines)).encode()

    job = (await door.post("/v1/imports", content=body, headers=LINES)).json()

    assert (job["rows"], job["accepted"], job["refused"]) == (3, 2, 1)
    assert [data.event for data in await usage(door)] == ["Opened"]
    assert [event.data.tier for event in await door.events(CUSTOMER_SIGNALS)] == ["gold"]


async def test_accounts_by_the_fields_own_names(door: Door) -> None:
    body = b"account_id;name;owner\nacme;Acme;\nglobex;Globex;eve@example.com\n"

    job = (await door.post(query("account") + "&delimiter=%3B", content=body, headers=CSV)).json()

    assert (job["state"], job["accepted"]) == ("done", 2)
    facts = {event.data.account_id: event.data for event in await door.events(CUSTOMER_SIGNALS)}
    assert (facts["acme"].name, facts["globex"].owner) == ("Acme", "eve@example.com")


async def test_contracts_bring_their_terms(door: Door) -> None:
    mapping: dict[str, str | list[str]] = {
        "No": "contract_id",
        "Customer": "account_id",
        "=recurring": "kind",
        "Currency": ["currency", "terms.0.amount.currency"],
        "From": "terms.0.starts_on",
        "To": "terms.0.ends_on",
        "Value": "terms.0.amount.amount",
        "Seats": "terms.0.seats",
        "Notice": "notice.amount",
        "Unit": "notice.unit",
    }
    body = (
        b"No,Customer,Currency,From,To,Value,Seats,Notice,Unit\n"
        b"K-1,acme,EUR,2026-01-01,2026-12-31,12000.00,50,3,months\n"
        b"K-2,acme,EUR,2026-01-01,2026-12-31,12000.00,,,,,\n"
        b"K-3,acme,EUR,1/1/2026,2026-12-31,12000.00,,,\n"
    )

    job = (await door.post(query("contract", mapping), content=body, headers=CSV)).json()

    assert (job["accepted"], job["refused"]) == (2, 1)
    first, second = [json.loads(record.value) for record in await door.records(CUSTOMER_SIGNALS)]
    term = {"starts_on": "2026-01-01", "ends_on": "2026-12-31", "amount": {"amount": "12000.00", "currency": "EUR"}}
    assert first["terms"] == [{**term, "seats": 50}]
    assert first["notice"] == {"amount": 3, "unit": "months"}
    assert (second["contract_id"], second["terms"]) == ("K-2", [term])


async def test_the_report_points_at_the_column(door: Door, reading: dict[str, str]) -> None:
    mapping: dict[str, str | list[str]] = {
        "Id": ["account_id", "external_ids.crm"],
        "Full name": "name",
        "Since": "time",
    }
    body = b'Id,Full name,Since\nacme,"Two\nlines",\nglobex,,soon\n'

    job = (await door.post(query("account", mapping), content=body, headers=CSV)).json()

    lines = await door.http.get(f"/v1/imports/{job['id']}/report", headers=reading | {"Accept": "application/x-ndjson"})
    assert [json.loads(line)["pointer"] for line in lines.text.splitlines()] == ["/Full name", "/Since"]


async def test_what_sensors_data_says_of_things_is_passed_over(door: Door) -> None:
    body = b'{"type":"item_set","time":1760000000000,"item_id":"1","item_type":"x","properties":{}}\n'

    job = (await door.post("/v1/imports", content=body, headers=LINES)).json()

    assert (job["rows"], job["refused"]) == (1, 0)


async def test_the_report_names_exactly_the_bad_rows(door: Door, reading: dict[str, str]) -> None:
    rows = [row(number) for number in range(10_000)]
    bad = set(range(50, 10_000, 100))
    for number in bad:
        rows[number] = f"acme,ann,Opened,yesterday-{number},\r\n"
    body = (HEADER + "".join(rows)).encode()

    answer = await door.post(
        query("event", MAPPING), content=gzip.compress(body), headers=CSV | {"Content-Encoding": "gzip"}
    )

    job = answer.json()
    assert (job["rows"], job["accepted"], job["refused"]) == (10_000, 9_900, 100)
    report = f"/v1/imports/{job['id']}/report"
    told = list(csv.DictReader(io.StringIO((await door.http.get(report, headers=reading)).text)))
    assert [int(each["row"]) for each in told] == sorted(number + 1 for number in bad)
    for each in told:
        assert body[int(each["byte"]) :].startswith(each["document"].encode())
        assert f"yesterday-{int(each['row']) - 1}" in each["document"]
    lines = (await door.http.get(report, headers=reading | {"Accept": "application/x-ndjson"})).text.splitlines()
    assert [json.loads(line)["code"] for line in lines] == [each["code"] for each in told]
    assert len(await usage(door)) == 9_900


async def test_a_sender_goes_on_where_it_stopped(door: Door, reading: dict[str, str]) -> None:
    body = (HEADER + "".join(row(number) for number in range(3_000))).encode()
    started = await door.post(query("event", MAPPING), content=b"", headers=CSV | {"Upload-Complete": "?0"})
    place = started.headers["location"]
    assert (started.status_code, started.json()["state"]) == (201, "interrupted")

    async def dying() -> AsyncIterator[bytes]:
        yield body[:100_001]
        raise ConnectionError

    with pytest.raises(ConnectionError):
        await door.http.patch(place, content=dying(), headers=reading | {"Upload-Offset": "0"})

    async def interrupted() -> dict[str, Any] | None:
        job: dict[str, Any] = (await door.http.get(place, headers=reading)).json()
        return job if job["state"] == "interrupted" and job["next_byte"] else None

    job = await eventually(interrupted, 20)
    assert job is not None
    assert 0 < job["next_byte"] <= 100_001
    assert body[: job["next_byte"]].endswith(b"\r\n")

    wrong = await door.http.patch(place, content=body, headers=reading | {"Upload-Offset": "7"})
    assert (wrong.status_code, wrong.json()["code"]) == (409, "offset-wrong")
    offset = int(wrong.headers["upload-offset"])
    assert offset == job["next_byte"]
    done = await door.http.patch(place, content=body[offset:], headers=reading | {"Upload-Offset": str(offset)})

    assert (done.status_code, done.json()["state"], done.json()["rows"]) == (200, "done", 3_000)
    assert done.json()["total_bytes"] == len(body)
    ids = [event.id for event in await door.events(USAGE_EVENTS)]
    assert len(ids) == len(set(ids)) == 3_000
    over = await door.http.patch(place, content=b"", headers=reading | {"Upload-Offset": str(len(body))})
    assert (over.status_code, over.json()["code"]) == (409, "import-over")


async def test_only_one_request_feeds_an_import(door: Door, reading: dict[str, str]) -> None:
    started = await door.post(query("event", MAPPING), content=b"", headers=CSV | {"Upload-Complete": "?0"})
    place, go_on = started.headers["location"], asyncio.Event()

    async def slow() -> AsyncIterator[bytes]:
        yield HEADER.encode()
        await go_on.wait()
        yield row(1).encode()

    first = asyncio.create_task(door.http.patch(place, content=slow(), headers=reading | {"Upload-Offset": "0"}))

    async def fed() -> bool:
        return bool((await door.http.get(place, headers=reading)).json()["state"] == "receiving")

    await eventually(fed, 20)
    second = await door.http.patch(place, content=b"", headers=reading | {"Upload-Offset": "0"})
    assert (second.status_code, second.json()["code"]) == (409, "import-busy")
    go_on.set()
    assert (await first).json()["accepted"] == 1


async def test_a_cancelled_import_takes_no_more(door: Door, reading: dict[str, str]) -> None:
    started = await door.post(query("event", MAPPING), content=b"", headers=CSV | {"Upload-Complete": "?0"})
    place = started.headers["location"]

    assert (await door.http.delete(place, headers=reading)).status_code == 204

    answer = await door.http.patch(place, content=b"", headers=reading | {"Upload-Offset": "0"})
    assert (answer.status_code, answer.json()["code"]) == (409, "import-over")
    assert (await door.http.get(place, headers=reading)).json()["state"] == "cancelled"


@pytest.mark.parametrize(
    ("path", "headers", "body", "code"),
    [
        ("/v1/imports", CSV, b"a,b\n1,2\n", "kind-missing"),
        ("/v1/imports?kind=nothing", CSV, b"", "kind-unknown"),
        ("/v1/imports?kind=event&mapping=%7B%22a%22:%22nowhere%22%7D", CSV, b"", "mapping-invalid"),
        ("/v1/imports?kind=event&mapping=%5B%5D", CSV, b"", "mapping-invalid"),
        (query("event", {"a": "event"}), CSV, b"b,c\n1,2\n", "column-missing"),
        ("/v1/imports?kind=event", CSV, b"event,elsewhere\n1,2\n", "mapping-invalid"),
        ("/v1/imports?kind=event&mapping=%7B%22%3Dx%22:%22properties.n:number%22%7D", CSV, b"", "value-invalid"),
        ("/v1/imports?kind=event", CSV, "event\n".encode("utf-16"), "not-utf-8"),
        ("/v1/imports?kind=event&delimiter=ab", CSV, b"", "delimiter-invalid"),
        ("/v1/imports", {"Content-Type": "text/plain"}, b"", "content-type-not-supported"),
        ("/v1/imports", LINES | {"Content-Encoding": "br"}, b"", "encoding-not-supported"),
        ("/v1/imports", LINES | {"Content-Encoding": "gzip"}, b"no gzip", "gzip-malformed"),
        ("/v1/imports", LINES | {"Upload-Complete": "yes"}, b"", "header-invalid"),
        ("/v1/imports", LINES | {"Authorization": ""}, b"", "key-missing"),
    ],
)
async def test_what_cannot_be_imported_is_said_at_once(
    door: Door, path: str, headers: dict[str, str], body: bytes, code: str
) -> None:
    answer = await door.post(path, content=body, headers=headers)

    assert 400 <= answer.status_code < 500, answer.text
    assert answer.json()["code"] == code


@pytest.mark.parametrize(
    ("mapping", "header", "told"),
    [
        ({"Company": "account_id"}, b"company,Name\n", "there are 'company', 'Name'"),
        ({"Company": "account_id"}, b"Company;Name\n", "say delimiter=;"),
        (None, b"account_id\tname\n", "say delimiter=tab"),
    ],
)
async def test_a_header_that_does_not_fit_is_told_with_what_it_has(
    door: Door, mapping: dict[str, str] | None, header: bytes, told: str
) -> None:
    answer = await door.post(query("account", mapping), content=header + b"acme\n", headers=CSV)

    assert (answer.status_code, told in answer.json()["detail"]) == (400, True), answer.text


async def test_a_source_with_a_rate_of_its_own_imports_at_that_pace(door: Door, reading: dict[str, str]) -> None:
    limits = {"rate": {"events_per_second": 100, "burst": 100}}
    answer = await door.http.put("/v1/sources/product", json=limits, headers=reading)
    assert answer.is_success, answer.text

    async def is_limited() -> bool:
        return door.service.importing.policies.of("product").rate is not None

    await eventually(is_limited, 20)
    body = (HEADER + "".join(row(number) for number in range(900))).encode()
    sending = asyncio.create_task(door.post(query("event", MAPPING), content=body, headers=CSV))
    seen: set[int] = set()

    async def taken() -> bool:
        jobs = (await door.http.get("/v1/imports", headers=reading)).json()["data"]
        seen.update(job["rows"] for job in jobs)
        return sending.done()

    await eventually(taken, 40)
    assert (await sending).json()["accepted"] == 900
    assert 500 in seen, "all of it was taken at once, or nothing was shown while it waited"
