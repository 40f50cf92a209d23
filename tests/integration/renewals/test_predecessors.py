"""Contracts that renew others by what a source says: in whatever order both come, and never over a person's word."""

from random import Random
from typing import Any

import pytest
from sqlalchemy import text

from mainstay.contracts.envelope import Event, encode
from mainstay.contracts.renewals import TermEnded
from mainstay.messaging.consuming import Batch
from renewals.signals_reading import customer_signal
from tests.integration.renewals.office import Office, as_record
from tests.integration.renewals.test_signals import conflicts, decide, fact, hears, revisions, term

OLD = ("2025-02-01", "2026-01-31")
NEW = ("2026-02-01", "2027-01-31")


def old(at: str = "2026-01-02T10:00", *terms: Any, **more: Any) -> Event[Any]:
    return fact(at, *(terms or (term(*OLD, "1000.00"),)), **{"ident": "K-1", "at_end": "renew", **more})  # type: ignore[no-any-return] # a fact


def new(at: str = "2026-01-02T11:00", *terms: Any, **more: Any) -> Event[Any]:
    stated = {"ident": "K-2", "at_end": "renew", "predecessor_id": "K-1", **more}
    return fact(at, *(terms or (term(*NEW, "1500.00"),)), **stated)  # type: ignore[no-any-return] # a fact


async def at_once(office: Office, *events: Event[Any]) -> None:
    statements = [customer_signal(as_record(encode(each))) for each in events]
    await office.service.signals(Batch((), tuple(each for each in statements if each)))


async def contracts(office: Office, account: str = "acme") -> dict[str, Any]:
    found = (await office.reads("/v1/contracts", account_id=account))["data"]
    return {each["external_id"]: each for each in found}


async def ledger(office: Office, account: str) -> list[Any]:
    """What is believed of an account's contracts, by their external ids, and which renews which."""
    lines = text(
        "SELECT c.external_id, e.term, e.kind, e.start, e.end_exclusive, e.amount, e.arr, e.seats, e.continues,"
        " e.grace_days, p.external_id AS renews, c.predecessor ->> 'expires_before' AS expires,"
        " c.predecessor ->> 'served_before' AS served FROM renewals.ledger_entry e"
        " JOIN renewals.contract c ON c.id = e.contract_id"
        " LEFT JOIN renewals.contract p ON p.id = c.predecessor ->> 'contract_id'"
        " WHERE c.account_id = :account AND NOT EXISTS"
        " (SELECT FROM renewals.ledger_withdrawal w WHERE w.entry_id = e.id) ORDER BY 1, 2, 3, 4"
    )
    async with office.service.chassis.database.engine.connect() as connection:
        return [tuple(row) for row in await connection.execute(lines, {"account": account})]


async def test_the_one_after_is_the_renewal_whichever_comes_first(office: Office) -> None:
    await hears(office, old(account="a"), new(account="a"))
    await hears(office, new(account="b", ident="B-2", predecessor_id="B-1"))
    assert await conflicts(office) == [("renews", "predecessor_unknown", None, "B-1")]
    await hears(office, old(account="b", ident="B-1"))
    await at_once(office, new(account="c", ident="C-2", predecessor_id="C-1"), old(account="c", ident="C-1"))

    assert await conflicts(office) == []
    for account in "abc":
        first, second = (await contracts(office, account)).values()
        before, after = sorted((first, second), key=lambda each: str(each["external_id"]))
        assert (after["renews"], before["at_end"], before["renews"]) == (before["id"], "cancel", None), account
    asked = {"from": "2026-01-01", "to": "2026-02-01", "as_of": "2026-02-01"}
    [row] = (await office.reads("/v1/kpis/retention", **asked))["data"]
    assert (row["figures"]["due"], row["figures"]["renewed"]) == ("3000.00", "4500.00")
    strip = [[line[1:10] + line[11:] for line in await ledger(office, account)] for account in "abc"]
    assert strip[0] == strip[1] == strip[2]


async def test_a_renewal_that_is_known_late_takes_back_what_followed_by_itself(office: Office) -> None:
    await hears(office, old("2026-01-02T10:00", term("2024-02-01", "2025-01-31"), at_end="renew"))
    assert len((await contracts(office))["K-1"]["terms"]) == 2
    await office.said()

    await hears(office, new("2026-01-03T10:00", term("2025-02-01", "2026-01-31", "1500.00")))

    found = await contracts(office)
    assert [each["state"] for each in found["K-1"]["terms"]] == ["ended"]
    assert found["K-2"]["renews"] == found["K-1"]["id"]
    assert [str(each.term_id[-2:]) for each in await office.said_of(TermEnded)] == [".1"]
    before = await ledger(office, "acme")
    await hears(office, old("2026-01-03T11:00", term("2024-02-01", "2025-01-31"), at_end="renew"))
    assert await ledger(office, "acme") == before
    assert await conflicts(office) == []
    assert await office.said_of(TermEnded) == []


async def test_the_end_that_was_agreed_can_still_move(office: Office) -> None:
    await hears(office, old(), new("2026-01-03T10:00", term("2026-01-20", "2027-01-19", "1500.00")))
    kept = (await ledger(office, "acme"))[-1][-2:]
    assert kept == ("2026-02-01", "2026-01-20")

    await hears(office, old("2026-01-04T10:00", term("2025-02-01", "2026-02-28", "1000.00")))

    found = await contracts(office)
    assert found["K-1"]["terms"][0]["end"] == "2026-01-19"
    assert (await ledger(office, "acme"))[-1][-2:] == ("2026-03-01", "2026-01-20")
    assert await conflicts(office) == []


@pytest.mark.parametrize(
    ("one", "detail"),
    [
        (new("2026-01-02T11:00", term(*NEW, "1.00", currency="USD"), currency="USD"), "EUR"),
        (new(kind="one_time", at_end="cancel"), "recurring"),
        (new(account="bolt"), "same account"),
        (new("2026-01-02T11:00", term("2026-05-01", "2027-04-30")), "grace"),
        (new("2026-01-02T11:00", term("2025-02-01", "2026-01-31")), "not renewed from"),
    ],
)
async def test_what_cannot_renew_says_why_and_is_looked_at_again(office: Office, one: Event[Any], detail: str) -> None:
    for order in ((old(), one), (one, old())):
        await hears(office, *order)
        [told] = (await office.reads("/v1/contract-conflicts", state="open"))["data"]
        assert (told["field"], told["kind"]) == ("renews", "ledger_refuses")
        assert detail in told["detail"]
        assert (await decide(office, "theirs")).status_code in {409, 422}
    before = (await contracts(office))["K-1"]
    assert (before["at_end"], len(before["terms"])) == ("renew", 1)


async def test_what_was_refused_is_linked_once_it_fits(office: Office) -> None:
    await hears(office, old(), new("2026-01-02T11:00", term("2026-03-01", "2027-02-28")))
    assert [kind for _, kind, _, _ in await conflicts(office)] == ["ledger_refuses"]

    await hears(office, old("2026-01-03T10:00", term("2025-02-01", "2026-02-28", "1000.00")))

    assert await conflicts(office) == []
    found = await contracts(office)
    assert found["K-2"]["renews"] == found["K-1"]["id"]


async def test_nothing_that_a_person_stated_is_overwritten(office: Office) -> None:
    byhand = await office.enters("acme", start="2025-02-01", term_months=12, external_id="K-1")
    await hears(office, new())
    assert await conflicts(office) == [("renews", "changed_here", None, byhand["id"])]
    assert (await contracts(office))["K-1"]["at_end"] == "renew"

    answer = await decide(office, "theirs", "the order form says so")

    found = await contracts(office)
    assert answer.status_code == 200
    assert (found["K-2"]["renews"], found["K-1"]["at_end"]) == (byhand["id"], "cancel")
    assert (await revisions(office, found["K-1"]))[-1][1] == "the order form says so"
    await hears(office, new("2026-01-03T10:00"))
    assert await conflicts(office) == []


async def test_a_contract_that_a_person_had_ended_already_is_renewed_as_the_source_says(office: Office) -> None:
    byhand = await office.enters("acme", start="2025-02-01", term_months=12, external_id="K-1", at_end="cancel")

    await hears(office, new())

    assert (await contracts(office))["K-2"]["renews"] == byhand["id"]
    assert await conflicts(office) == []


async def test_ours_stands_also_when_the_predecessor_comes(office: Office) -> None:
    await hears(office, new())
    assert (await decide(office, "theirs")).json()["code"] == "nothing-to-take"
    assert (await decide(office, "ours")).status_code == 200

    await hears(office, old(), new("2026-01-03T10:00"))

    assert (await contracts(office))["K-2"]["renews"] is None
    assert await conflicts(office) == []
    await hears(office, old("2026-01-03T11:00", ident="K-0"), new("2026-01-04T10:00", predecessor_id="K-0"))
    found = await contracts(office)
    assert found["K-2"]["renews"] == found["K-0"]["id"]


async def test_a_renewal_is_not_taken_back_nor_given_to_another(office: Office) -> None:
    await hears(office, old(), new(), new("2026-01-03T10:00", predecessor_id=None))
    found = await contracts(office)
    assert await conflicts(office) == [("renews", "ledger_refuses", found["K-1"]["id"], None)]

    await hears(office, new("2026-01-04T10:00", predecessor_id="K-9"))
    assert await conflicts(office) == [("renews", "ledger_refuses", found["K-1"]["id"], "K-9")]
    await hears(office, new("2026-01-04T11:00"))
    assert await conflicts(office) == []


async def test_that_the_one_before_is_closed_by_its_source_is_no_news(office: Office) -> None:
    await hears(office, old(), new(), old("2026-01-02T12:00", state="ended"), old("2026-01-02T13:00", at_end="renew"))
    assert await conflicts(office) == []

    await hears(office, old("2026-01-03T13:00", state="cancelled"))

    assert [(name, kind) for name, kind, _, _ in await conflicts(office)] == [("cancelled_on", "ledger_refuses")]


async def test_what_was_reported_before_is_told_again_as_it_was_known(office: Office) -> None:
    asked = {"from": "2026-01-01", "to": "2026-04-01", "as_of": "2026-04-01"}

    async def told(**known: str) -> list[Any]:
        [row] = (await office.reads("/v1/kpis/retention", **asked, **known))["data"]
        board = await office.reads(
            "/v1/renewals", as_of="2026-04-01", **{"from": "2026-01-01", "to": "2026-04-01"}, **known
        )
        return [row["figures"]["due"], row["figures"]["renewed"], [each["state"] for each in board["data"]]]

    await office.it_is("2026-04-01T09:00")
    await hears(
        office, old(at_end="cancel"), new("2026-01-02T11:00", term("2026-01-25", "2027-01-24"), predecessor_id=None)
    )
    reports = {"2026-04-01T09:30:00Z": await told()}
    await office.it_is("2026-04-01T10:00")
    await hears(office, new("2026-01-03T11:00", term("2026-01-25", "2027-01-24")))
    reports["2026-04-01T10:30:00Z"] = await told()
    await office.it_is("2026-04-01T11:00")
    await hears(office, old("2026-01-04T10:00", term("2025-02-01", "2026-02-28", "1000.00"), at_end="cancel"))
    await office.it_is("2026-04-01T12:00")

    assert await conflicts(office) == []
    assert [figures[:2] for figures in [*reports.values(), await told()]] == [
        ["1000.00", "0.00"],
        ["1000.00", "1200.00"],
        ["923.08", "1200.00"],
    ]
    for known_at, was in reports.items():
        assert await told(known_at=known_at) == was


def story(random: Random, account: str) -> list[Event[Any]]:
    """Three contracts, one after the other, of which the source says more and more; what it says last fits together."""
    facts, is_early = [], False
    for place, year in enumerate((2024, 2025, 2026)):
        is_early = is_early or (bool(place) and random.random() < 0.4)
        start, end = (f"{year}-01-21", f"{year + 1}-01-20") if is_early else (f"{year}-02-01", f"{year + 1}-01-31")
        for number in range(random.randint(1, 3)):
            more: dict[str, Any] = {"account": account, "ident": f"{account}-{place}", "at_end": "renew"}
            if place and (number == 0 or random.random() < 0.5):
                more["predecessor_id"] = f"{account}-{place - 1}"
            stated = term(start, end, f"{random.randint(1, 9)}00.00", random.choice([5, None]))
            facts.append(fact(f"2026-01-0{number + 2}T{10 + place}:00", stated, **more))
    return facts


@pytest.mark.parametrize("seed", range(12))
async def test_order_and_repetition_do_not_matter(office: Office, seed: int) -> None:
    ordered = story(Random(seed), "acme")
    await at_once(office, *ordered)
    expected = await ledger(office, "acme")
    await office.it_is("2026-01-05T09:01")

    for account in ("b", "c", "d"):
        facts = story(Random(seed), account)
        random = Random(f"{seed}{account}")
        facts += random.choices(facts, k=4)
        random.shuffle(facts)
        while facts:
            some, facts = facts[: (size := random.randint(1, 3))], facts[size:]
            await at_once(office, *some)
        assert await conflicts(office) == [], account
        found = await ledger(office, account)
        named = [tuple(str(value).replace(f"{account}-", "acme-") for value in line) for line in found]
        assert named == [tuple(str(value) for value in line) for line in expected], account
    assert await conflicts(office) == []
    assert [each["renews"] is not None for _, each in sorted((await contracts(office)).items())] == [False, True, True]
