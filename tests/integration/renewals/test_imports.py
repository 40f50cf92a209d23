"""Files of contracts: every row gets its answer exactly once, whatever happens in the middle."""

import asyncio
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from renewals.application.imports import KEPT, ImportContracts
from tests.integration.renewals.office import Office
from tests.integration.renewals.test_erasure import ask, holds

SAMPLE = Path(__file__).parents[3] / "docs/contracts.csv"
HEADER = "account_id,external_id,kind,currency,start,end,amount,seats"
ACME = "acme,K-7,recurring,EUR,2026-01-01,2026-12-31,1200.00,10"
BOLT = "bolt,K-8,recurring,USD,2026-02-01,2027-01-31,99.5,"


async def sends(office: Office, *lines: str, file: bytes | None = None, status: int = 202, **asked: Any) -> Any:
    """Send a file and have it worked on; answers the import."""
    office.clock.advance(timedelta(seconds=1))
    body = "\n".join(lines).encode() if file is None else file
    answer = await office.http.post(
        "/v1/contract-imports",
        params={"source": "crm", **asked},
        content=body,
        headers={"Content-Type": "text/csv"},
    )
    assert answer.status_code == status, answer.text
    if status != 202:
        return answer.json()
    assert answer.headers["Location"] == f"/v1/contract-imports/{answer.json()['id']}"
    await office.service.timers.run_due()
    return (await office.http.get(answer.headers["Location"])).json()


async def rows(office: Office, job: Any, **asked: str) -> list[tuple[Any, ...]]:
    found = (await office.http.get(f"/v1/contract-imports/{job['id']}/rows", params=asked)).json()["data"]
    return [(each["row"], each["outcome"], each["code"], each["field"]) for each in found]


async def contracts(office: Office) -> dict[str, Any]:
    found = (await office.http.get("/v1/contracts", params={"limit": 500})).json()["data"]
    return {each["external_id"]: each for each in found}


def counts(job: Any) -> dict[str, int]:
    names = ("read", "entered", "changed", "unchanged", "conflicts", "refused")
    return {name: job[name] for name in names if job[name]}


async def test_contracts_are_entered_and_sent_again_they_are_unchanged(office: Office) -> None:
    job = await sends(office, HEADER, ACME, BOLT)

    assert (job["state"], job["source"], counts(job)) == ("done", "crm", {"read": 2, "entered": 2})
    found = await contracts(office)
    assert (found["K-8"]["amount"], found["K-8"]["seats"]) == ({"amount": "99.50", "currency": "USD"}, None)
    assert counts(await sends(office, HEADER, ACME, BOLT)) == {"read": 2, "unchanged": 2}
    changed = ACME.replace("1200.00", "1300.00")
    assert counts(await sends(office, HEADER, changed, BOLT)) == {"read": 2, "changed": 1, "unchanged": 1}
    assert (await contracts(office))["K-7"]["amount"]["amount"] == "1300.00"


async def test_several_rows_of_a_contract_are_its_terms_in_order(office: Office) -> None:
    later = ACME.replace("2026-01-01,2026-12-31,1200.00", "2027-01-01,2028-12-31,2600.00")
    job = await sends(office, HEADER, ACME, BOLT, later)

    assert counts(job) == {"read": 3, "entered": 3}
    terms = (await contracts(office))["K-7"]["terms"]
    assert [(each["start"], each["end"], each["amount"]["amount"]) for each in terms] == [
        ("2026-01-01", "2026-12-31", "1200.00"),
        ("2027-01-01", "2028-12-31", "2600.00"),
    ]


async def test_the_sample_of_the_documentation_is_taken(office: Office) -> None:
    job = await sends(office, file=SAMPLE.read_bytes())

    assert counts(job) == {"read": 6, "entered": 6}
    found = await contracts(office)
    assert [len(found[name]["terms"]) for name in ("K-77", "K-78", "K-79")] == [2, 1, 1]
    assert found["K-78"]["renews"] == found["K-70"]["id"]
    assert found["K-80"]["terms"][0]["end"] == "2026-12-31"


async def test_every_column_is_taken(office: Office) -> None:
    header = (
        "account_id;external_id;kind;currency;zone;start;term_months;amount;at_end;grace_days;window_days;"
        "notice_amount;notice_unit;notice_counted_from;notice_roll;notice_holidays"
    )
    line = "acme;K-1;recurring;EUR;Europe/Berlin;2026-01-01;24;2400;evergreen;14;45;3;months;day_after;preceding;DE-BY"

    await sends(office, file=b"\xef\xbb\xbf" + f"{header}\r\n{line}\r\n".encode())

    contract = (await contracts(office))["K-1"]
    assert contract["terms"][0]["end"] == "2027-12-31"
    assert (contract["zone"], contract["at_end"], contract["term_months"]) == ("Europe/Berlin", "evergreen", 24)
    assert (contract["grace_days"], contract["window_days"]) == (14, 45)
    assert contract["notice"] == {
        "amount": 3,
        "unit": "months",
        "counted_from": "day_after",
        "roll": "preceding",
        "holidays": "DE-BY",
    }


async def test_excels_ways_of_writing_are_read(office: Office) -> None:
    tabs = "\r\n".join(line.replace(",", "\t") for line in (HEADER, ACME, "", BOLT))
    assert counts(await sends(office, file=b"\xef\xbb\xbf" + tabs.encode())) == {"read": 2, "entered": 2}
    quoted = (
        HEADER + ',zone\n"acme",K-9,recurring,EUR,2026-01-01,2026-12-31,"1200.00",3,"Europe\n/Berlin"\n' + BOLT + ","
    )
    job = await sends(office, quoted)
    assert await rows(office, job) == [(2, "refused", "cell-invalid", "zone"), (3, "unchanged", None, None)]


async def test_a_dry_run_tells_and_changes_nothing(office: Office) -> None:
    await sends(office, HEADER, ACME)
    before = await contracts(office)

    job = await sends(office, HEADER, ACME.replace("1200", "1300"), BOLT, dry_run="true")

    assert (job["dry_run"], counts(job)) == (True, {"read": 2, "changed": 1, "entered": 1})
    assert await contracts(office) == before
    async with office.service.chassis.database.engine.connect() as connection:
        known = (await connection.execute(text("SELECT external_id FROM renewals.source_contract"))).scalars().all()
        accounts = (await connection.execute(text("SELECT account_id FROM renewals.account"))).scalars().all()
    assert (known, accounts) == (["K-7"], ["acme"])


async def test_what_is_wrong_is_told_by_row_and_field_and_the_rest_is_done(office: Office) -> None:
    wrong = {
        'acme,K-1,recurring,EUR,2026-01-01,2026-12-31,"1.234,56",1': ("invalid", "amount"),
        "acme,K-2,recurring,EUR,2026-01-01,2025-12-31,1,1": ("end-before-start", "end"),
        "acme,K-3,sometimes,EUR,2026-01-01,2026-12-31,1,1": ("invalid", "kind"),
        "acme,K-4,recurring,JPY,2026-01-01,2026-12-31,1.5,1": ("amount-invalid", "amount"),
        "acme,K-5,recurring,XXX,2026-01-01,2026-12-31,1,1": ("amount-invalid", "amount"),
        "acme,,recurring,EUR,2026-01-01,2026-12-31,1,1": ("missing", "external_id"),
        "acme,K-6,recurring,EUR,01.01.2026,2026-12-31,1,1": ("invalid", "start"),
        "acme,K-9,recurring,EUR,2026-01-01,,1,1": ("missing", "end"),
        "acme,K-10,recurring,EUR,2026-01-01,2026-12-31,1,1,,,oops": ("too-many-cells", None),
        "acme,K-11,recurring,EUR,2026-01-01,2026-12-31,1,1e3": ("invalid", "seats"),
        "acme,K-12,recurring,EUR,9999-01-01,9999-12-31,1,1": ("start-out-of-range", "start"),
    }
    job = await sends(office, HEADER, ACME, *wrong)

    assert counts(job) == {"read": 12, "entered": 1, "refused": 11}
    told = await rows(office, job, outcome="refused")
    assert told == [(3 + place, "refused", code, name) for place, (code, name) in enumerate(wrong.values())]


async def test_rows_of_one_contract_stand_and_fall_together(office: Office) -> None:
    bad_term = ACME.replace("2026-01-01,2026-12-31", "2027-01-01,never")
    other_account = BOLT.replace("bolt", "bolts").replace("2026-02-01,2027-01-31", "2027-02-01,2028-01-31")
    job = await sends(office, HEADER, ACME, bad_term, BOLT, other_account)

    assert counts(job) == {"read": 4, "refused": 4}
    assert await rows(office, job) == [
        (2, "refused", "contract-incomplete", None),
        (3, "refused", "invalid", "end"),
        (4, "refused", "rows-disagree", "account_id"),
        (5, "refused", "rows-disagree", "account_id"),
    ]


async def test_what_a_person_changed_here_is_a_conflict_and_what_cannot_be_entered_is_refused(office: Office) -> None:
    await sends(office, HEADER, ACME)
    contract = (await contracts(office))["K-7"]
    await office.amends(contract, seats=25)
    gap = BOLT.replace("2026-02-01,2027-01-31", "2028-02-01,2029-01-31")

    job = await sends(office, HEADER, ACME, BOLT, gap)

    assert counts(job) == {"read": 3, "conflicts": 1, "refused": 2}
    assert await rows(office, job) == [
        (2, "conflict", "changed-here", "terms.1.seats"),
        (3, "refused", "not-entered", "contract"),
        (4, "refused", "not-entered", "contract"),
    ]


@pytest.mark.parametrize(
    ("header", "told"),
    [
        ("account_id,external_id,kind,currency,start,amount", "'end' or 'term_months' is missing"),
        ("account,external_id,kind,currency,start,end,amount", "'account' is no column of contracts"),
        ("external_id,kind,currency,start,end,amount", "'account_id' is missing"),
        (HEADER + ",seats", "'seats' is there twice"),
        ("", "'account_id' is missing"),
    ],
)
async def test_a_wrong_header_is_told_column_by_column(office: Office, header: str, told: str) -> None:
    problem = await sends(office, header, ACME, status=422)

    assert problem["code"] == "header-invalid"
    assert any(told in each["detail"] for each in problem["errors"])
    assert (await office.http.get("/v1/contract-imports")).json()["data"] == []


@pytest.mark.parametrize(
    ("file", "status", "code"),
    [
        (f"{HEADER}\n{ACME}\n".encode("utf-16"), 422, "file-unreadable"),
        (f"{HEADER}\n{ACME}\n".encode() + b"\xff\xfe\n", 422, "file-unreadable"),
        (f'{HEADER}\n{ACME}\nacme,"never closed'.encode(), 422, "file-unreadable"),
        (b"x" * ((32 << 20) + 1), 413, "body-too-large"),
        (b"x" * (1 << 20), 422, "file-unreadable"),
    ],
)
async def test_a_file_that_is_none_is_refused_as_a_whole(office: Office, file: bytes, status: int, code: str) -> None:
    assert (await sends(office, file=file, status=status))["code"] == code
    assert (await office.http.get("/v1/contract-imports")).json()["data"] == []
    assert await contracts(office) == {}


async def test_only_csv_is_taken(office: Office) -> None:
    answer = await office.http.post("/v1/contract-imports", params={"source": "crm"}, json={})
    assert (answer.status_code, answer.json()["code"]) == (415, "media-type-not-supported")


async def test_an_import_obeys_the_idempotency_key(office: Office) -> None:
    headers = {"Content-Type": "text/csv", "Idempotency-Key": "once"}
    file = f"{HEADER}\n{ACME}".encode()
    answers = [
        await office.http.post("/v1/contract-imports", params={"source": "crm"}, content=file, headers=headers)
        for _ in range(2)
    ]
    assert answers[0].json() == answers[1].json()
    assert len((await office.http.get("/v1/contract-imports")).json()["data"]) == 1


async def test_an_erased_accounts_rows_are_forgotten_and_refused(office: Office) -> None:
    canary = ACME.replace("acme", "canary")
    await sends(office, HEADER, canary, dry_run="true")
    await sends(office, HEADER, canary)
    await ask(office, "account", "canary")
    assert await holds(office, "canary") == []

    job = await sends(office, HEADER, canary, BOLT)

    assert counts(job) == {"read": 2, "entered": 1, "refused": 1}
    assert await rows(office, job, outcome="refused") == [(2, "refused", "account-erased", "account_id")]
    assert await holds(office, "canary") == []


async def test_ten_thousand_rows_killed_in_the_middle_are_each_done_once(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = [f"a{n % 2_000},K-{n},recurring,EUR,2026-01-01,2026-12-31,{n}.00,1" for n in range(10_000)]
    go_on, chunks = ImportContracts.go_on, 0

    async def dying(self: ImportContracts, work: Any, import_id: str) -> Any:
        """The process dies at the end of every seventh chunk, before its transaction commits."""
        nonlocal chunks
        chunks += 1
        again = await go_on(self, work, import_id)
        if chunks % 7 == 0:
            raise SystemExit
        return again

    monkeypatch.setattr(ImportContracts, "go_on", dying)
    answer = await office.http.post(
        "/v1/contract-imports",
        params={"source": "crm"},
        content="\n".join([HEADER, *lines]),
        headers={"Content-Type": "text/csv"},
    )
    deaths = 0
    while True:
        try:
            await office.service.timers.run_due()
            break
        except SystemExit:
            deaths += 1

    job = (await office.http.get(answer.headers["Location"])).json()
    assert (job["state"], counts(job)) == ("done", {"read": 10_000, "entered": 10_000})
    assert deaths > 10
    async with office.service.chassis.database.engine.connect() as connection:
        revisions = await connection.execute(text("SELECT count(*), max(number) FROM renewals.contract_revision"))
        assert revisions.one() == (10_000, 1)


async def test_an_import_is_forgotten_after_ninety_days(office: Office) -> None:
    job = await sends(office, HEADER, ACME)

    await office.it_is(office.clock.now() + KEPT)

    assert (await office.http.get(f"/v1/contract-imports/{job['id']}")).status_code == 404
    assert "K-7" in await contracts(office)


async def test_two_processes_work_on_two_files_of_the_same_contracts_at_once(office: Office) -> None:
    def line(n: int, account: str) -> str:
        return f"{account}{n % 50},K-{n},recurring,EUR,2026-01-01,2026-12-31,{n}.00,1"

    jobs = []
    for source, account, order in (("crm", "a", 1), ("billing", "b", -1)):
        answer = await office.http.post(
            "/v1/contract-imports",
            params={"source": source},
            content="\n".join([HEADER, *(line(n, account) for n in list(range(300))[::order])]),
            headers={"Content-Type": "text/csv"},
        )
        jobs.append(answer.headers["Location"])

    while True:
        await asyncio.gather(office.service.timers.run_due(), office.another_runner(batch=1).run_due())
        found = [(await office.http.get(job)).json() for job in jobs]
        if all(each["state"] == "done" for each in found):
            break
        office.clock.advance(timedelta(minutes=1))  # one that met the other is put off

    assert [each["entered"] + each["conflicts"] for each in found] == [300, 300]
    assert sum(each["entered"] for each in found) == 300
    assert len(await contracts(office)) == 300
