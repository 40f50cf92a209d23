"""Bad input on every route that the OpenAPI documents name: a clear problem, 4xx, nothing half done."""

import asyncio
import gzip
import json
import re
from collections.abc import Iterator
from typing import Any, NamedTuple

import httpx
import pytest

from mainstay.contracts.topics import CUSTOMER_SIGNALS, USAGE_EVENTS
from mainstay.messaging.open import open_log
from mainstay.web.pages import encode_cursor
from tests.e2e.running import SERVICES, Running, eventually, running

PROBLEM = {"type", "title", "status", "code", "message", "trace_id"}

JSON = {"Content-Type": "application/json"}
MIB = 1 << 20

BODIES = {
    "cut off": b'{"a": ',
    "no JSON": b"\x00\x01\xff",
    "an array": b"[1, 2]",
    "a string": b'"x"',
    "a number": b"1",
    "NaN": b'{"x": NaN}',
    "Infinity": b'{"x": -Infinity}',
    "a number of 5,000 digits": b'{"x": ' + b"9" * 5_000 + b"}",
    "an exponent beyond a double": b'{"x": 1e5000}',
    "100,000 arrays deep": b"[" * 100_000 + b"]" * 100_000,
    "100,000 objects deep": b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
    "NUL": b'{"name": "a\\u0000b"}',
    "half a surrogate pair": b'{"name": "\\ud800"}',
    "truncated UTF-8": b'{"name": "\xc3"}',
    "UTF-16": '{"a": 1}'.encode("utf-16"),
    "too large": b'{"x": "' + b"x" * MIB + b'"}',
    "a gzip bomb": gzip.compress(b" " * (64 * MIB)),
    "broken gzip": gzip.compress(b'{"a": 1}')[:-4],
    "no gzip": b'{"a": 1',
}
IDS = ["nope", "..%2F..", "a%2Fb", "a%00b", "%FF", "%ED%A0%80", "x" * 201, "x" * 3_000, "\u00e9", "%0d%0aX: y"]
QUERIES = {
    "limit": ["0", "-1", "501", "1e9", "x", "", "9" * 5_000],
    "cursor": ["", "!!!", "x", "%00", "bnVsbA", "W10", "e30", "WyJcdTAwMDAiXQ", "x" * 2_001, "W1tbW1tbW1tbW1tb"],
    "from": ["2026-02-30", "today", "%00", "10000-01-01", "9" * 5_000],
    "to": ["2026-13-01", "", "-0001-01-01", "%FF"],
    "as_of": ["2026-02-30", "today", "%00", "9999-12-31", "9" * 5_000],
    "sort": ["nope", "", "%00"],
    "band": ["purple", "%00"],
    "state": ["nope", "%00"],
    "owner": ["%00", "x" * 5_000],
    "account_id": ["%00", "x" * 5_000],
}
CONTRACT: dict[str, Any] = {
    "account_id": "acme",
    "kind": "recurring",
    "start": "2026-01-01",
    "end": "2026-12-31",
    "amount": {"amount": "1200.00", "currency": "EUR"},
}
CHANNEL = {"name": "tool", "kind": "webhook", "url": "https://192.0.2.1/hook"}
UNREADABLE = ["https://[]/", "https://[", "https://a[b/", "https://xn--a/", "https://192.0.2.1:99999999999999999999/"]
TRACK = {"messageId": "m", "userId": "ann", "event": "Opened", "context": {"groupId": "half"}}
TAKEN = {**TRACK, "type": "track", "context": {"groupId": "acme"}}
"""A good call beside a bad one is taken; its account is one that there is anyway."""
FROM_INGEST = (USAGE_EVENTS, CUSTOMER_SIGNALS)
PLACES: list[list[Any]] = [  # as the lists write them
    ["x"],
    ["2026-01-01"],
    ["2026-01-01T00:00:00Z", "x"],
    ["2026-01-01", "x", 1],
    ["account_id", "x", "x"],
]
NEVER_FAIL = ("/sa", "/pixel.gif")
"""Their clients die of an error, so they are told 200, and what is bad waits in quarantine."""
BY_LINK = "/v1/actions/"
"""A link in a message, which somebody's browser opens: its signature stands for a key, its answers are pages."""
BY_TOKEN = "/v1/renewals/calendar.ics"
"""A calendar program asks for it by a link with a secret, which is asked for here before anything else."""
FILES = ("/v1/imports", "/v1/contract-imports")
"""What takes a file has another limit, or none."""
ANY_ID = {
    ("DELETE", "/v1/users/{user_id}"),
    ("DELETE", "/v1/accounts/{account_id}"),
    ("PUT", "/v1/sources/{source_id}"),
    ("GET", "/v1/sources/{source_id}/health"),
    ("GET", "/v1/csms/{csm_id}/load"),
}
"""Who was never heard of can be erased (and kept out), a source set up before it sends, and a CSM may have no account.

Facts, too, may be about accounts and things that nobody spoke of before.
"""
NOT_NEEDED = {("ingest", "/v1/track"): {"context"}}
"""Without a context the call waits for its user's account."""
UNKNOWN = [
    ("health_score", "accounts", "account"),
    ("alerts", "alerts", "alert"),
    ("alerts", "channels", "channel"),
    ("renewals", "contracts", "contract"),
]
FIELDS: list[tuple[str, str, dict[str, Any], dict[str, list[Any]]]] = [
    (
        "renewals",
        "/v1/contracts",
        CONTRACT,
        {
            "account_id": [None, 1, "", "a\u0000b", "x" * 201, ["a"]],
            "kind": [None, 1, "lease"],
            "start": [None, True, {}, "2026-02-30", "0001-01-01", "9999-12-31"],
            "end": [1.5, [], "2025-12-31", "9999-12-31"],
            "amount": [None, 1, {}, {"amount": "NaN", "currency": "EUR"}, {"amount": "1e400", "currency": "EUR"}],
            "seats": [-1, 1.5, "3", True, 2**63],
            "term_months": [0, 121, "12"],
            "zone": [None, "", "Mars/Olympus", "../../etc/passwd"],
            "unheard_of": [1],
        },
    ),
    (
        "alerts",
        "/v1/channels",
        CHANNEL,
        {
            "name": [None, 1, "", "a\nb", "x" * 101],
            "kind": [None, 1, "pigeon", ["webhook"], {}],
            "url": [None, 1, "", "x", "ftp://192.0.2.1", "https://u:p@192.0.2.1/", "https:///x", *UNREADABLE],
            "owners": [None, "a", [1], [""]],
            "min_severity": [None, 1, "loud"],
            "unheard_of": [1],
        },
    ),
    (
        "ingest",
        "/v1/track",
        TRACK,
        {
            "userId": [None, 1.5, [], "", "a\u0000b", "x" * 3_000],
            "event": [None, 1, "", []],
            "context": [1, [], {"groupId": ""}, {"groupId": 1.5}],
            "timestamp": [1, "yesterday", "2026-02-30T00:00:00Z", "0001-01-01T00:00:00Z", "10000-01-01T00:00:00Z"],
            "properties": [1, "x", []],
        },
    ),
    (
        "ingest",
        "/v1/batch",
        {"batch": [{**TRACK, "type": "track"}]},
        {"batch": [None, {}, [1], [TAKEN, {"type": "track"}], [{**TRACK, "type": "poke"}]]},
    ),
]


class Route(NamedTuple):
    service: str
    method: str
    path: str
    parameters: frozenset[str]
    required: frozenset[str]
    takes_body: bool

    def filled(self, value: str = "") -> str:
        """The path with an id; where none is given, one that could be: an event in quarantine has a number."""
        path = self.path.replace("{event}", value or "7") if "/quarantine/" in self.path else self.path
        return re.sub(r"\{\w+\}", value or "acme", path)

    @property
    def content_type(self) -> str:
        other = {"/v1/events": "application/cloudevents+json", "/v1/contract-imports": "text/csv"}
        return other.get(self.path, "application/json")

    @property
    def asked(self) -> str:
        """The path with an id, and with all that its query must have."""
        query = "&".join(f"{name}=acme" for name in sorted(self.required))
        return f"{self.filled()}?{query}" if query else self.filled()


class Attacked:
    """A Mainstay under attack; what it answered otherwise than it should."""

    def __init__(self, mainstay: Running) -> None:
        self.mainstay = mainstay
        self.wrong: list[str] = []
        self.routes = [
            Route(
                service,
                method.upper(),
                path,
                frozenset(one["name"] for one in _queries(operation)),
                frozenset(one["name"] for one in _queries(operation) if one.get("required")),
                "requestBody" in operation,
            )
            for service in SERVICES
            for path, operations in mainstay.get(service, "/openapi.json")["paths"].items()
            for method, operation in operations.items()
        ]

    def expect(self, what: str, service: str, method: str, path: str, *statuses: int, **request: Any) -> None:
        """Send a request that has to be refused, with one of the statuses, or any 4xx."""
        answer = self.mainstay.http(service).request(method, path, **request)
        told = f"{what}: {method} {path[:100]} of {service} -> {answer.status_code} {answer.text[:200]}"
        if answer.status_code not in (statuses or range(400, 500)):
            self.wrong.append(told)
        elif path == "/v1/events" and "results" in answer.text:
            pass  # a verdict for each event
        elif path.startswith(BY_LINK) and answer.headers["Content-Type"].startswith("text/html"):
            pass  # a person looks at it
        elif answer.headers["Content-Type"] != "application/problem+json" or not is_problem(answer):
            self.wrong.append(f"no problem: {told}")

    def stored(self) -> dict[str, list[str]]:
        return {
            "contracts": [one["id"] for one in self.mainstay.get("renewals", "/v1/contracts", limit="500")["data"]],
            "channels": [one["id"] for one in self.mainstay.get("alerts", "/v1/channels", limit="500")["data"]],
            "accounts": [one["account_id"] for one in self.mainstay.get("health_score", "/v1/accounts")["data"]],
        }


def _queries(operation: dict[str, Any]) -> list[dict[str, Any]]:
    return [one for one in operation.get("parameters", ()) if one["in"] == "query"]


def is_problem(answer: httpx.Response) -> bool:
    body = answer.json()
    return all(body.get(name) for name in PROBLEM) and body["status"] == answer.status_code


@pytest.fixture(scope="module")
def mainstay(module_postgres_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    settings = {
        "MAINSTAY_ALERTS_ALLOW_PRIVATE_DESTINATIONS": "false",
        "MAINSTAY_DATABASE_URL": module_postgres_url,
    }
    with running(tmp_path_factory.mktemp("attacked"), **settings) as started:
        started.post("ingest", "/v1/group", {"messageId": "g", "userId": "ann", "groupId": "acme"})
        yield started


@pytest.fixture
def attacked(mainstay: Running, module_postgres_url: str) -> Iterator[Attacked]:
    """Whatever a test sends: nothing of it is stored, nothing fails inside, and every service stays ready."""
    attack = Attacked(mainstay)
    until_read(mainstay, module_postgres_url)  # what earlier tests have sent
    before = attack.stored()
    yield attack
    assert not attack.wrong, "\n".join(attack.wrong)
    until_read(mainstay, module_postgres_url)
    assert attack.stored() == before
    assert all(mainstay.ready(service) for service in SERVICES)
    for log in (mainstay.home / "logs").glob("*.log"):
        failures = [line for line in log.read_text().splitlines() if '"level": "error"' in line]
        assert not failures, f"{log.name}: {failures[:3]}"


def until_read(mainstay: Running, url: str) -> None:
    """Wait until health-score has handled all that ingest has put into the log."""
    eventually(lambda: handled(mainstay) >= asyncio.run(logged(url)), "health-score has read the log", 30)


def handled(mainstay: Running) -> int:
    """Records that health-score has handled since it started, by its own metrics."""
    lines = mainstay.http("health_score").get("/metrics").text.splitlines()
    counts = [line for line in lines if line.startswith("mainstay_consumer_records_total{")]
    of_ingest = [line for line in counts if any(f'topic="{topic.name}"' in line for topic in FROM_INGEST)]
    return int(sum(float(line.rsplit(" ", 1)[1]) for line in of_ingest))


async def logged(url: str) -> int:
    """Records that ingest has put into the log for health-score."""
    log = open_log(url, client_name="tests")
    await log.start()
    try:
        found = [await log.bounds(topic.name) for topic in FROM_INGEST]
        return sum(bounds.next for topic in found for bounds in topic.values())
    finally:
        await log.close()


def test_every_route_refuses_callers_without_a_key_that_may(attacked: Attacked) -> None:
    wrong = attacked.mainstay.key[:-1] + ("0" if attacked.mainstay.key[-1] != "0" else "1")
    for route in attacked.routes:
        for name, value in {"none": "", "mistyped": f"Bearer {wrong}", "long": "Bearer " + "x" * 5_000}.items():
            # Segment's SDKs may put their key into the body, so ingest looks there too.
            body = b'{"batch": [{}]}' if route.service == "ingest" else b'{"a": '
            headers = {"Content-Type": route.content_type, "Authorization": value}
            attacked.expect(
                f"key {name}",
                route.service,
                route.method,
                route.filled(),
                422 if route.path == BY_TOKEN else 403 if route.path.startswith(BY_LINK) else 401,
                content=body if route.takes_body else None,
                headers=headers,
            )


def test_no_route_takes_a_method_that_it_does_not_document(attacked: Attacked) -> None:
    documented = {(route.service, route.path, route.method) for route in attacked.routes}
    for route in attacked.routes:
        for method in ("GET", "POST", "PUT", "PATCH", "DELETE"):
            if (route.service, route.path, method) not in documented:
                attacked.expect("method", route.service, method, route.filled(), 405)


def test_every_route_refuses_bodies_that_are_broken_or_too_large(attacked: Attacked) -> None:
    for route in attacked.routes:
        if not route.takes_body or route.path.startswith(NEVER_FAIL):
            continue
        for name, body in BODIES.items():
            headers = {"Content-Type": route.content_type}
            statuses: list[int] = []
            if "gzip" in name:
                headers["Content-Encoding"] = "gzip"
                statuses = [] if route.service == "ingest" else [415]
            attacked.expect(name, route.service, route.method, route.asked, *statuses, content=body, headers=headers)
        chunks = (b" " * 65_536 for _ in range(20))  # no Content-Length
        headers = {"Content-Type": route.content_type}
        statuses = [] if route.path.startswith(FILES) else [413]
        attacked.expect("chunked", route.service, route.method, route.asked, *statuses, content=chunks, headers=headers)


def test_every_route_with_an_id_refuses_ids_that_do_not_exist(attacked: Attacked) -> None:
    for route in attacked.routes:
        writes_facts = route.service == "ingest" and route.path.startswith("/v1/accounts/{account_id}/")
        if "{" in route.path and (route.method, route.path) not in ANY_ID and not writes_facts:
            for value in IDS:
                body: dict[str, Any] = {"json": {}} if route.takes_body else {}
                attacked.expect("id", route.service, route.method, route.filled(value), **body)


def test_what_does_not_exist_is_told_by_a_sentence(mainstay: Running) -> None:
    for service, things, thing in UNKNOWN:
        answer = mainstay.http(service).get(f"/v1/{things}/nope")
        told = answer.json()
        assert (told["code"], told["title"]) == (f"{thing}-unknown", f"There is no such {thing}")
        assert told["message"] == f"no {thing} has the id nope"


def test_every_list_refuses_absurd_paging_dates_and_filters(attacked: Attacked) -> None:
    for route in attacked.routes:
        if route.method == "GET":
            for name in route.parameters & set(QUERIES):
                for value in QUERIES[name]:
                    attacked.expect("query", route.service, "GET", f"{route.filled()}?{name}={value}")


def test_no_list_takes_the_cursor_of_another(attacked: Attacked) -> None:
    for route in attacked.routes:
        if "cursor" in route.parameters:
            for place in PLACES:
                query = "&".join(f"{name}=acme" for name in sorted(route.required))
                cursor = encode_cursor("another list", place)
                attacked.expect("cursor", route.service, "GET", f"{route.filled()}?{query}&cursor={cursor}", 400)


def test_fields_of_a_wrong_type_or_range_are_refused(attacked: Attacked) -> None:
    for service, path, valid, fields in FIELDS:
        for name, values in fields.items():
            for value in values:
                body = json.dumps({**valid, name: value})
                attacked.expect(f"{name}={value!r:.40}", service, "POST", path, content=body, headers=JSON)
            if name in valid and name not in {"end", *NOT_NEEDED.get((service, path), ())}:
                less = json.dumps({key: said for key, said in valid.items() if key != name})
                attacked.expect(f"without {name}", service, "POST", path, content=less, headers=JSON)


def test_of_a_batch_with_one_bad_call_the_others_are_taken(mainstay: Running) -> None:
    good = {**TRACK, "type": "track", "messageId": "good", "context": {"groupId": "taken"}}
    bad = {**TRACK, "type": "track", "messageId": "bad", "event": 1}
    answer = mainstay.http("ingest").post("/v1/batch", json={"batch": [good, bad]})

    told = answer.json()
    assert (answer.status_code, told["accepted"], told["errors"][0]["pointer"]) == (400, 1, "/batch/1/event")
    eventually(lambda: counted(mainstay, "taken") == 1, "the good call is counted", 10)


def counted(mainstay: Running, account: str) -> int:
    answer = mainstay.http("health_score").get(f"/v1/accounts/{account}/metrics")
    return 0 if answer.status_code == httpx.codes.NOT_FOUND else int(answer.json()["metrics"]["events_28d"])


def test_an_end_at_the_end_of_the_calendar_is_refused(mainstay: Running) -> None:
    contract = mainstay.post("renewals", "/v1/contracts", CONTRACT)
    answer = mainstay.http("renewals").patch(f"/v1/contracts/{contract['id']}", json={"end": "9999-12-31"})
    assert answer.status_code == 422, answer.text
