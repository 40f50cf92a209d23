"""Files of contracts with every column: they give the contracts that POSTs of the same JSON give."""

import csv
import io
from datetime import timedelta
from typing import Any

import pytest

from tests.integration.renewals.office import Office
from tests.integration.renewals.test_imports import contracts, counts, rows, sends

NOTICE = {"amount": 3, "unit": "months", "counted_from": "day_after", "roll": "preceding", "holidays": "DE-BY"}
HEADER = (
    *("account_id", "external_id", "kind", "currency", "zone", "start", "end", "term_months", "amount", "seats"),
    *("at_end", "grace_days", "window_days", *(f"notice_{name}" for name in NOTICE)),
    *("entitlements", "price_schedule", "next_amount", "renews", "co_terms_with"),
)

CONTRACTS: list[dict[str, Any]] = [
    {"external_id": "K-3", "start": "2026-01-20", "term_months": 24, "amount": "2600.00", "renews": "K-2"}
    | {"price_schedule": [("2026-01-20", "1250.00"), ("2027-01-20", "1350.00")], "grace_days": 14, "seats": 20}
    | {"entitlements": {"api_calls": 200000, "sso": 1}, "zone": "Europe/Berlin", "window_days": 45}
    | {
        "notice": {"amount": 3, "unit": "months", "counted_from": "day_after", "roll": "preceding", "holidays": "DE-BY"}
    },
    {"external_id": "K-4", "start": "2026-03-01", "amount": "500.00", "co_terms_with": "K-3", "seats": 3}
    | {"zone": "Europe/Berlin"},
    {"external_id": "K-2", "start": "2025-02-01", "end": "2026-01-31", "amount": "1000.00", "renews": "K-1"}
    | {"seats": 10, "entitlements": {"api_calls": 100000}, "at_end": "renew", "zone": "Europe/Berlin"},
    {"external_id": "K-1", "start": "2024-02-01", "term_months": 12, "amount": "900.00", "zone": "Europe/Berlin"},
    {"external_id": "K-5", "start": "2025-12-15", "end": "2026-02-14", "term_months": 12, "amount": "150.00"}
    | {"next_amount": "960.00", "at_end": "renew_once"},
    {"external_id": "K-6", "kind": "one_time", "start": "2026-01-01", "end": "2026-03-31", "amount": "75.50"},
]


def file_of(bodies: list[dict[str, Any]]) -> str:
    """The same contracts as rows of a file."""
    written = io.StringIO()
    writer = csv.DictWriter(written, HEADER)
    writer.writeheader()
    for body in bodies:
        row: dict[str, Any] = {"account_id": "acme", "kind": "recurring", "currency": "EUR", **body}
        row |= {f"notice_{name}": value for name, value in dict[str, Any](row.pop("notice", {})).items()}
        entitled: dict[str, int] = body.get("entitlements", {})
        for name, pairs in (("entitlements", entitled.items()), ("price_schedule", body.get("price_schedule", ()))):
            row[name] = "; ".join(f"{each}={value}" for each, value in pairs)
        writer.writerow(row)
    return written.getvalue()


async def posts(office: Office, bodies: list[dict[str, Any]]) -> None:
    """The same contracts over HTTP, for another account: each after those that it names."""
    ids = dict[str, str]()
    for body in sorted(bodies, key=lambda each: each["start"]):
        named = {name: ids[body[name]] for name in ("renews", "co_terms_with") if name in body}
        more: dict[str, Any] = {"external_id": f"posted {body['external_id']}"}
        if "price_schedule" in body:
            more["price_schedule"] = [{"start": start, "amount": amount} for start, amount in body["price_schedule"]]
        if "next_amount" in body:
            more["next_amount"] = {"amount": body["next_amount"], "currency": "EUR"}
        facts: dict[str, Any] = body | named | more
        contract = await office.enters("posted acme", **facts)
        ids[body["external_id"]] = contract["id"]


def comparable(found: dict[str, Any]) -> list[dict[str, Any]]:
    """Contracts without what no two have in common, in the order of their ids elsewhere."""
    ids = {each["id"]: name.removeprefix("posted ") for name, each in found.items()}
    told = []
    for contract in found.values():
        name = ids[contract["id"]]
        one = {**contract, "id": name, "external_id": name, "account_id": "acme"}
        one |= {field: ids.get(contract[field]) for field in ("renews", "co_terms_with")}
        one["terms"] = [
            {**term, "id": None, "window_opened_at": term["window_opened_at"] is not None} for term in contract["terms"]
        ]
        told.append(one)
    return sorted(told, key=lambda each: str(each["id"]))


async def test_a_file_with_every_column_gives_what_posts_of_the_same_give(office: Office) -> None:
    dry = await sends(office, file_of(CONTRACTS), dry_run="true")
    job = await sends(office, file_of(CONTRACTS))

    assert counts(dry) == counts(job) == {"read": 6, "entered": 6}
    assert counts(await sends(office, file_of(CONTRACTS))) == {"read": 6, "unchanged": 6}
    imported = await contracts(office)
    await posts(office, CONTRACTS)
    posted = {name: each for name, each in (await contracts(office)).items() if name not in imported}
    assert comparable(imported) == comparable(posted)
    asked = {"from": "2025-02-01", "to": "2026-02-01", "as_of": "2026-02-01"}
    customers = (await office.reads("/v1/kpis/retention/customers", **asked))["data"]
    assert len(customers) == 2
    one, other = [{**each, "account_id": "acme", "entries": len(each["entries"])} for each in customers]
    assert one == other


@pytest.mark.parametrize(
    ("change", "field", "value"),
    [
        ({"entitlements": {"api_calls": 300000}}, "entitlements", {"api_calls": 300000}),
        ({"next_amount": "2000.00"}, "amount", {"amount": "2000.00", "currency": "EUR"}),
    ],
)
async def test_what_the_file_changes_is_taken_over(office: Office, change: Any, field: str, value: Any) -> None:
    await sends(office, file_of(CONTRACTS))

    job = await sends(office, file_of([{**CONTRACTS[0], **change}]))

    assert counts(job) == {"read": 1, "changed": 1}
    assert (await contracts(office))["K-3"][field] == value
    assert counts(await sends(office, file_of([{**CONTRACTS[0], **change}]))) == {"read": 1, "unchanged": 1}


async def test_another_price_schedule_leaves_the_seats_as_they_are(office: Office) -> None:
    await sends(office, file_of(CONTRACTS))
    contract = (await contracts(office))["K-3"]
    path = f"/v1/contracts/{contract['id']}/changes"
    assert (await office.http.post(path, json={"effective": "2026-06-01", "seats": 30})).status_code == 200
    steps = [("2026-01-20", "1000.00"), ("2027-01-20", "1600.00")]

    again = {name: value for name, value in CONTRACTS[0].items() if name != "seats"}
    job = await sends(office, file_of([{**again, "price_schedule": steps}]))

    assert counts(job) == {"read": 1, "changed": 1}
    term = (await contracts(office))["K-3"]["terms"][0]
    assert [(each["start"], each["arr"]["amount"], each["seats"]) for each in term["price_steps"]] == [
        ("2026-01-20", "1000.00", 20),
        ("2026-06-01", "1000.00", 30),
        ("2027-01-20", "1600.00", 30),
    ]


async def test_what_a_person_changed_of_them_is_a_conflict(office: Office) -> None:
    await sends(office, file_of(CONTRACTS))
    contract = (await contracts(office))["K-3"]
    path = f"/v1/contracts/{contract['id']}/changes"
    change = {"effective": "2026-06-01", "entitlements": {"api_calls": 1}}
    assert (await office.http.post(path, json=change)).status_code == 200

    job = await sends(office, file_of(CONTRACTS))

    assert counts(job) == {"read": 6, "conflicts": 1, "unchanged": 5}
    assert await rows(office, job, outcome="conflict") == [(2, "conflict", "changed-here", "terms.1.entitlements")]


async def test_seats_can_be_written_among_the_entitlements(office: Office) -> None:
    header = "account_id,external_id,kind,currency,start,term_months,amount,entitlements,seats"
    line = "acme,{},recurring,EUR,2026-01-01,12,1200,seats=50; api_calls=100000;,{}"

    job = await sends(office, header, line.format("K-1", ""), line.format("K-2", "50"), line.format("K-3", "51"))

    assert await rows(office, job, outcome="refused") == [(4, "refused", "invalid", "entitlements")]
    contract = (await contracts(office))["K-1"]
    assert (contract["seats"], contract["entitlements"]) == (50, {"api_calls": 100000})


WRONG = {
    "entitlements": ["api_calls", "api_calls=1.5", "=3", "a=1; a=2", "api_calls=-1", "a=1;;b=2", "a=99999999999999999"],
    "price_schedule": [
        "2026-01-01",
        "2026-01-01=1.200,00; 2027-01-01=1",
        "01.01.2026=1200",
        "2026-01-02=600; 2026-06-01=600",
        "2026-01-01=600; 2026-01-01=600",
        "2026-01-01=600; 2026-06-01=700",
        "2026-01-01=0.001; 2026-06-01=1199.999",
    ],
    "next_amount": ["1,5", "-1", "1.005"],
    "renews": ["K-1", "x" * 201],
    "co_terms_with": ["K-0"],
}


@pytest.mark.parametrize("column", WRONG)
async def test_what_is_wrong_is_told_by_row_and_column(office: Office, column: str) -> None:
    body: dict[str, Any] = {"account_id": "acme", "external_id": "K-1", "kind": "recurring", "currency": "EUR"}
    body |= {"start": "2026-01-01", "term_months": "12", "amount": "1200"}
    written = io.StringIO()
    writer = csv.DictWriter(written, [*body, column])
    writer.writeheader()
    for cell in WRONG[column]:
        writer.writerow({**body, column: cell})

    job = await sends(office, written.getvalue())

    assert counts(job) == {"read": len(WRONG[column]), "refused": len(WRONG[column])}
    told = await rows(office, job)
    assert [(row, name) for row, _, _, name in told] == [(n, column) for n in range(2, len(told) + 2)]
    found = (await office.reads(f"/v1/contract-imports/{job['id']}/rows"))["data"]
    assert all(each["detail"] for each in found)


async def test_rows_that_name_each_other_are_taken_in_any_order(office: Office) -> None:
    """More contracts than one transaction takes; each comes before the one that it renews, and last the first."""
    line = "acme,K-{},recurring,EUR,{},{},12,{}"
    years = [
        line.format(n, f"{2000 + n}-01-01", f"{2000 + n}-12-31", f"K-{n - 1}" if n > 1 else "") for n in range(1, 26)
    ]
    others = [f"b{n},B-{n},recurring,EUR,2026-01-01,2026-12-31,12," for n in range(150)]
    header = "account_id,external_id,kind,currency,start,end,amount,renews"
    lines = [header, *reversed(years), *others]

    dry = await sends(office, *lines, dry_run="true")
    job = await sends(office, *lines)

    assert counts(dry) == counts(job) == {"read": 175, "entered": 175}
    found = await contracts(office)
    assert all(found[f"K-{n}"]["renews"] == found[f"K-{n - 1}"]["id"] for n in range(2, 26))


async def test_who_waits_for_a_contract_of_a_later_file_is_told_and_linked_then(office: Office) -> None:
    header = "account_id,external_id,kind,currency,start,end,amount,renews,co_terms_with"
    later = "acme,K-2,recurring,EUR,2026-01-01,2026-12-31,1200,K-1,"
    along = "acme,K-3,recurring,EUR,2026-03-01,,100,,K-4"
    job = await sends(office, header, later, along)
    assert await rows(office, job) == [
        (2, "conflict", "predecessor-unknown", "renews"),
        (3, "refused", "not-entered", "contract"),
    ]

    first = "acme,K-1,recurring,EUR,2025-01-01,2025-12-31,1000,,"
    lead = "acme,K-4,recurring,EUR,2026-01-01,2026-12-31,1000,,"
    assert counts(await sends(office, header, first, lead)) == {"read": 2, "entered": 2}

    found = await contracts(office)
    assert found["K-2"]["renews"] == found["K-1"]["id"]
    assert (found["K-3"]["co_terms_with"], found["K-3"]["terms"][0]["end"]) == (found["K-4"]["id"], "2026-12-31")
    assert counts(await sends(office, header, later, first, along, lead)) == {"read": 4, "unchanged": 4}


async def test_a_circle_and_a_name_of_another_account_are_told(office: Office) -> None:
    header = "account_id,external_id,kind,currency,start,end,amount,renews"
    job = await sends(
        office,
        header,
        "acme,K-1,recurring,EUR,2025-01-01,2025-12-31,1000,K-2",
        "acme,K-2,recurring,EUR,2026-01-01,2026-12-31,1000,K-1",
        "bolt,K-3,recurring,EUR,2026-01-01,2026-12-31,1000,K-1",
    )
    office.clock.advance(timedelta(seconds=1))

    assert await rows(office, job) == [
        (2, "conflict", "ledger-refuses", "renews"),
        (3, "entered", None, None),
        (4, "conflict", "ledger-refuses", "renews"),
    ]
