"""Contracts as other systems have them: taken over where nobody changed them here, and else a conflict."""

from decimal import Decimal
from itertools import count
from random import Random
from typing import Any

import pytest
from msgspec import UNSET
from sqlalchemy import text

from mainstay.contracts.common import MoneyData
from mainstay.contracts.envelope import Event, encode
from mainstay.contracts.facts import ContractFact, ContractTerm, Notice
from mainstay.contracts.renewals import AccountValueChanged
from mainstay.messaging.consuming import Batch
from renewals.signals_reading import UnusableFact, customer_signal
from tests.integration.renewals.office import Office, as_record, instant
from tests.integration.renewals.test_erasure import ask, holds
from tests.unit.renewals.building import day

_ids = count(1)


def term(start: str, end: str, amount: str = "1200.00", seats: int | None = 10, currency: str = "EUR") -> ContractTerm:
    return ContractTerm(day(start), day(end), MoneyData(Decimal(amount), currency), seats)


YEAR = ("2026-01-01", "2026-12-31")
NEXT = ("2027-01-01", "2027-12-31")


def fact(
    at: str, *terms: ContractTerm, account: str = "acme", ident: str = "K-7", source: str = "crm", **more: Any
) -> Any:
    data = ContractFact(
        account_id=account,
        contract_id=ident,
        occurred_at=instant(at),
        kind=more.pop("kind", "recurring"),
        currency=more.pop("currency", "EUR"),
        terms=terms or UNSET,
        **more,
    )
    return Event(f"f{next(_ids)}", source, instant(at), data)


async def hears(office: Office, *events: Any) -> None:
    """Facts arrive, in this order, as one batch each."""
    for event in events:
        statement = customer_signal(as_record(encode(event)))
        assert statement is not None
        await office.service.signals(Batch((), (statement,)))


async def contract_of(office: Office, account: str = "acme") -> dict[str, Any]:
    found = (await office.http.get("/v1/contracts", params={"account_id": account})).json()["data"]
    assert len(found) == 1, found
    contract: dict[str, Any] = found[0]
    return contract


async def conflicts(office: Office, state: str = "open", **asked: str) -> list[tuple[str, str, Any, Any]]:
    found = (await office.http.get("/v1/contract-conflicts", params={"state": state, **asked})).json()["data"]
    return [(each["field"], each["kind"], each["here"], each["there"]) for each in found]


async def decide(office: Office, take: str, reason: str = "looked it up") -> Any:
    found = (await office.http.get("/v1/contract-conflicts", params={"state": "open"})).json()["data"]
    path = f"/v1/contract-conflicts/{found[0]['id']}/resolution"
    return await office.http.post(path, json={"take": take, "reason": reason})


async def revisions(office: Office, contract: dict[str, Any]) -> list[tuple[str, str]]:
    found = (await office.http.get(f"/v1/contracts/{contract['id']}/revisions")).json()["data"]
    return [(each["recorded_by"], each["reason"]) for each in found]


async def test_a_contract_that_is_not_known_is_entered_with_all_its_terms(office: Office) -> None:
    past = term("2025-01-01", "2025-12-31", "1000.00", 8)
    await hears(office, fact("2026-01-02T10:00", past, term(*YEAR), notice=Notice(3, "months"), zone="Europe/Berlin"))

    contract = await contract_of(office)
    assert (contract["external_id"], contract["zone"], contract["at_end"]) == ("K-7", "Europe/Berlin", "renew")
    assert [(each["start"], each["end"], each["amount"]["amount"]) for each in contract["terms"]] == [
        ("2025-01-01", "2025-12-31", "1000.00"),
        ("2026-01-01", "2026-12-31", "1200.00"),
    ]
    assert contract["notice"]["amount"] == 3
    assert (await revisions(office, contract))[0] == ("source/crm", "entered")
    assert [value.seats for value in await office.said_of(AccountValueChanged)] == [10]
    assert await conflicts(office) == []


async def test_the_same_again_changes_nothing(office: Office) -> None:
    await hears(office, fact("2026-01-02T10:00", term(*YEAR)))
    contract = await contract_of(office)

    await hears(office, fact("2026-01-03T10:00", term(*YEAR)), fact("2026-01-04T10:00", term(*YEAR), state="signed"))

    assert await contract_of(office) == contract
    assert len(await revisions(office, contract)) == 1


async def test_more_terms_are_renewals_and_another_price_is_an_amendment(office: Office) -> None:
    await hears(office, fact("2026-01-02T10:00", term(*YEAR)))

    await hears(office, fact("2026-01-03T10:00", term(*YEAR, "1300.00", 12), term(*NEXT, "1500.00", 20)))

    contract = await contract_of(office)
    assert [(each["amount"]["amount"], each["seats"], each["state"]) for each in contract["terms"]] == [
        ("1300.00", 12, "renewed"),
        ("1500.00", 20, "upcoming"),
    ]
    assert contract["amount"]["amount"] == "1500.00"


@pytest.mark.parametrize(
    ("change", "field", "value"),
    [
        ({"at_end": "cancel"}, "at_end", "cancel"),
        ({"notice": Notice(30, "days")}, "notice", {"amount": 30, "unit": "days"}),
        ({"state": "cancelled"}, "cancellation", {"on": "2026-01-03"}),
        ({"state": "ended"}, "at_end", "cancel"),
    ],
)
async def test_what_a_source_changes_is_taken_over(office: Office, change: Any, field: str, value: Any) -> None:
    await hears(office, fact("2026-01-02T10:00", term(*YEAR), at_end="renew"))

    await hears(office, fact("2026-01-03T10:00", term(*YEAR), **change))

    found = (await contract_of(office))[field]
    assert found == value if isinstance(value, str) else value.items() <= found.items()


async def test_a_cancellation_that_the_source_takes_back_is_off(office: Office) -> None:
    await hears(office, fact("2026-01-02T10:00", term(*YEAR)), fact("2026-01-03T10:00", term(*YEAR), state="cancelled"))
    assert (await contract_of(office))["state"] == "cancelled"

    await hears(office, fact("2026-01-04T10:00", term(*YEAR), state="signed"))

    assert (await contract_of(office))["state"] == "active"
    assert await conflicts(office) == []


async def test_a_draft_is_listed_and_entered_when_it_is_signed(office: Office) -> None:
    await hears(office, fact("2026-01-02T10:00", term(*YEAR), state="draft"))
    assert (await office.http.get("/v1/contracts")).json()["data"] == []
    assert await conflicts(office, kind="draft") == [("state", "draft", None, "draft")]

    await hears(office, fact("2026-01-03T10:00", state="signed"))

    assert (await contract_of(office))["terms"][0]["seats"] == 10
    assert await conflicts(office) == []


async def test_what_a_person_changed_here_is_not_overwritten(office: Office) -> None:
    await hears(office, fact("2026-01-02T10:00", term(*YEAR)))
    contract = await contract_of(office)
    await office.amends(contract, seats=25)

    await hears(office, fact("2026-01-03T10:00", term(*YEAR, "1400.00")))

    contract = await contract_of(office)
    assert (contract["terms"][0]["seats"], contract["terms"][0]["amount"]["amount"]) == (25, "1400.00")
    assert await conflicts(office) == [("terms.1.seats", "changed_here", 25, 10)]
    await hears(office, fact("2026-01-04T10:00", term(*YEAR, "1400.00")))
    assert len(await conflicts(office, state="open")) == 1


async def test_theirs_amends_with_the_reason(office: Office) -> None:
    await hears(office, fact("2026-01-02T10:00", term(*YEAR)))
    await office.amends(await contract_of(office), seats=25)
    await hears(office, fact("2026-01-03T10:00", term(*YEAR)))

    answer = await decide(office, "theirs", "the order form says ten")

    contract = await contract_of(office)
    assert (answer.status_code, answer.json()["state"], contract["seats"]) == (200, "theirs", 10)
    assert (await revisions(office, contract))[-1][1] == "the order form says ten"
    assert await conflicts(office) == []
    await hears(office, fact("2026-01-04T10:00", term(*YEAR, seats=30)))
    assert (await contract_of(office))["seats"] == 30


async def test_ours_stands_until_the_source_says_something_else(office: Office) -> None:
    await hears(office, fact("2026-01-02T10:00", term(*YEAR)))
    await office.amends(await contract_of(office), seats=25)
    await hears(office, fact("2026-01-03T10:00", term(*YEAR)))

    assert (await decide(office, "ours")).json()["state"] == "ours"
    await hears(office, fact("2026-01-04T10:00", term(*YEAR)))
    assert await conflicts(office) == []

    await hears(office, fact("2026-01-05T08:00", term(*YEAR, seats=11)))
    assert await conflicts(office) == [("terms.1.seats", "changed_here", 25, 11)]


async def test_a_conflict_ends_by_itself_when_both_agree(office: Office) -> None:
    await hears(office, fact("2026-01-02T10:00", term(*YEAR)))
    await office.amends(await contract_of(office), seats=25)
    await hears(office, fact("2026-01-03T10:00", term(*YEAR)))

    await office.amends(await contract_of(office), seats=10)

    assert await conflicts(office) == []
    assert len(await conflicts(office, state="ended")) == 1
    await hears(office, fact("2026-01-04T10:00", term(*YEAR, seats=12)))
    assert (await contract_of(office))["seats"] == 12


@pytest.mark.parametrize(
    ("said", "field"),
    [
        (fact("2026-01-03T10:00", term(*YEAR, currency="USD"), currency="USD"), "currency"),
        (fact("2026-01-03T10:00", term("2026-01-02", "2026-12-31")), "terms.1.start"),
        (fact("2026-01-03T10:00", term(*YEAR), kind="one_time"), "kind"),
        (fact("2026-01-03T10:00", term(*YEAR), account="bolt"), "account_id"),
        (fact("2026-01-03T10:00", term(*YEAR), zone="Asia/Tokyo"), "zone"),
        (fact("2026-01-03T10:00", term(*YEAR, "1200.001")), "terms.1.amount"),
    ],
)
async def test_what_the_ledger_cannot_take_is_a_conflict(office: Office, said: Any, field: str) -> None:
    await hears(office, fact("2026-01-02T10:00", term(*YEAR), zone="UTC"))
    contract = await contract_of(office)

    await hears(office, said)

    assert await contract_of(office) == contract
    assert [(name, kind) for name, kind, _, _ in await conflicts(office)] == [(field, "ledger_refuses")]
    answer = await decide(office, "theirs")
    if field == "account_id":
        assert (answer.status_code, (await contract_of(office, "bolt"))["id"]) == (200, contract["id"])
    else:
        assert answer.status_code in {409, 422}


async def test_an_external_id_that_was_taken_by_hand_is_a_conflict_and_can_be_adopted(office: Office) -> None:
    await office.enters("acme", start="2026-01-01", term_months=12, seats=5, external_id="K-7")

    await hears(office, fact("2026-01-02T10:00", term(*YEAR)))
    assert [kind for _, kind, _, _ in await conflicts(office)] == ["entered_by_hand"]

    assert (await decide(office, "theirs")).status_code == 200
    assert await conflicts(office) == [("terms.1.seats", "changed_here", 5, 10)]


async def test_two_sources_cannot_have_one_contract(office: Office) -> None:
    await hears(office, fact("2026-01-02T10:00", term(*YEAR)), fact("2026-01-03T10:00", term(*YEAR), source="billing"))

    assert [kind for _, kind, _, _ in await conflicts(office)] == ["other_source"]
    assert (await decide(office, "theirs")).status_code == 409
    assert (await decide(office, "ours")).status_code == 200


async def test_older_facts_change_nothing(office: Office) -> None:
    await hears(office, fact("2026-01-03T10:00", term(*YEAR, "1500.00")))

    await hears(office, fact("2026-01-02T10:00", term(*YEAR, "1200.00")))

    assert (await contract_of(office))["amount"]["amount"] == "1500.00"
    assert await conflicts(office) == []


async def test_an_erased_accounts_facts_are_suppressed(office: Office) -> None:
    await hears(office, fact("2026-01-02T10:00", term(*YEAR), account="canary"))
    await office.amends(await contract_of(office, "canary"), seats=3)
    await hears(office, fact("2026-01-03T10:00", term(*YEAR), account="canary", ident="K-7"))
    await ask(office, "account", "canary")

    await hears(office, fact("2026-01-04T10:00", term(*YEAR), account="canary"))

    assert await holds(office, "canary") == []
    assert await holds(office, "K-7") == []


async def test_a_fact_that_contradicts_itself_goes_to_the_dead_letters(office: Office) -> None:
    for wrong in (fact("2026-01-02T10:00", term(*YEAR, currency="USD")), fact("2026-01-02T10:00", zone="Mars/Dome")):
        with pytest.raises(UnusableFact):
            customer_signal(as_record(encode(wrong)))
    async with office.service.chassis.database.engine.connect() as connection:
        assert (await connection.execute(text("SELECT count(*) FROM renewals.source_contract"))).scalar_one() == 0


@pytest.mark.parametrize("seed", range(4))
async def test_repeated_and_shuffled_facts_end_in_the_same_ledger(office: Office, seed: int) -> None:
    random = Random(seed)

    def story(ident: str) -> list[Any]:
        more = {"account": f"of {ident}", "ident": ident}
        return [
            fact("2026-01-02T10:00", term(*YEAR), state="draft", **more),
            fact("2026-01-02T11:00", state="signed", **more),
            fact("2026-01-02T12:00", term(*YEAR, "1300.00", 12), at_end="renew_once", **more),
            fact("2026-01-02T13:00", notice=Notice(3, "months"), **more),
            fact("2026-01-02T14:00", term(*YEAR, "1300.00", 12), term(*NEXT, "1500.00", 20), **more),
            fact("2026-01-02T15:00", at_end="cancel", **more),
        ]

    await hears(office, *story("ordered"))
    shuffled = story("shuffled")
    shuffled += random.choices(shuffled, k=4)
    random.shuffle(shuffled)
    while shuffled:  # in batches, as the log hands them out
        some, shuffled = shuffled[: (size := random.randint(1, 3))], shuffled[size:]
        statements = [customer_signal(as_record(encode(each))) for each in some]
        await office.service.signals(Batch((), tuple(each for each in statements if each)))

    async with office.service.chassis.database.engine.connect() as connection:
        ledgers = [
            (
                await connection.execute(
                    text(
                        "SELECT e.term, e.kind, e.start, e.end_exclusive, e.amount, e.arr, e.seats, e.grace_days"
                        " FROM renewals.ledger_entry e WHERE e.account_id = :account AND NOT EXISTS"
                        " (SELECT FROM renewals.ledger_withdrawal w WHERE w.entry_id = e.id) ORDER BY 1, 2, 3"
                    ),
                    {"account": f"of {ident}"},
                )
            ).all()
            for ident in ("ordered", "shuffled")
        ]
    assert ledgers[0] == ledgers[1] != []
    one, other = [await contract_of(office, f"of {ident}") for ident in ("ordered", "shuffled")]
    assert [one[name] for name in ("at_end", "notice", "seats")] == [
        other[name] for name in ("at_end", "notice", "seats")
    ]
    assert await conflicts(office) == []


async def test_an_adopted_contract_is_given_the_terms_that_it_lacks(office: Office) -> None:
    await office.enters("acme", amount="1200.00", start="2026-01-01", term_months=12, seats=10, external_id="K-7")
    await hears(office, fact("2026-01-02T10:00", term(*YEAR), term(*NEXT, "1500.00")))

    assert (await decide(office, "theirs", "it is the same one")).json()["state"] == "theirs"

    contract = await contract_of(office)
    assert [each["amount"]["amount"] for each in contract["terms"]] == ["1200.00", "1500.00"]
    assert await conflicts(office) == []
    await hears(office, fact("2026-01-03T10:00", term(*YEAR), term(*NEXT, "1600.00")))
    assert (await contract_of(office))["terms"][1]["amount"]["amount"] == "1600.00"


async def test_a_contract_that_one_source_adopted_is_not_anothers_too(office: Office) -> None:
    await office.enters("acme", start="2026-01-01", term_months=12, seats=10, external_id="K-7")
    await hears(office, fact("2026-01-02T10:00", term(*YEAR)), fact("2026-01-02T10:00", term(*YEAR), source="billing"))

    assert (await decide(office, "theirs")).status_code == 200
    answer = await decide(office, "theirs")

    assert (answer.status_code, answer.json()["code"]) == (409, "nothing-to-take")


async def test_two_sources_in_one_batch_cannot_have_one_contract_either(office: Office) -> None:
    both = [fact("2026-01-02T10:00", term(*YEAR), source=source, account=source) for source in ("crm", "billing")]
    statements = [customer_signal(as_record(encode(each))) for each in both]

    await office.service.signals(Batch((), tuple(each for each in statements if each)))

    assert [kind for _, kind, _, _ in await conflicts(office)] == ["other_source"]
    assert len((await office.http.get("/v1/contracts")).json()["data"]) == 1
