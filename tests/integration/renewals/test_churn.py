"""Outcomes of terms, reviews of customers that left, and the reasons in the figures."""

import csv
import io
from contextlib import suppress
from dataclasses import replace
from decimal import Decimal
from random import Random
from typing import Any

from renewals.application.figures import Axis, Why
from renewals.application.ports import Note
from renewals.domain.outcomes import ChurnReason, KeptReview, Review
from tests.integration.renewals.office import Office
from tests.integration.renewals.test_economics import are
from tests.integration.renewals.test_erasure import ask, holds
from tests.integration.renewals.test_figures import NOW, SPAN, book


class _Undone(Exception):
    """Ends a transaction of which nothing is to stay."""


LEFT: dict[str, Any] = {"start": "2025-01-01", "end": "2025-12-31", "at_end": "cancel"}
DONE = {
    "reason": "price",
    "went_well": "The start.",
    "went_badly": "Nobody asked in the second half year.",
    "was_expected": False,
    "was_avoidable": True,
    "was_good_customer": True,
    "win_back_on": "2026-07-01",
    "is_done": True,
}


async def read(office: Office, path: str, **query: str) -> Any:
    await office.service.chassis.keys.refresh()
    answer = await office.http.get(path, params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def reviews(office: Office, contract: dict[str, Any], **said: Any) -> dict[str, Any]:
    await office.service.chassis.keys.refresh()
    answer = await office.http.put(f"/v1/renewals/{contract['id']}.1/review", json={**DONE, **said})
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def open_reviews(office: Office, state: str = "open") -> list[str]:
    return [each["account_id"] for each in (await read(office, "/v1/churn-reviews", state=state))["data"]]


async def test_each_term_that_came_to_its_end_has_an_outcome(office: Office) -> None:
    await office.enters("same", start="2025-01-01", end="2025-12-31")
    more = await office.enters("more", start="2025-01-01", term_months=12)
    assert (
        await office.http.post(
            f"/v1/contracts/{more['id']}/changes",
            json={"effective": "2026-01-01", "amount": {"amount": "1500", "currency": "EUR"}},
        )
    ).status_code == 200
    gone = await office.enters("gone", **LEFT)
    before = await office.enters("less", **LEFT)
    after = await office.enters("less", amount="900.00", start="2026-01-01", term_months=12, renews=before["id"])
    await office.enters("running", start="2025-06-01", term_months=12)
    await office.enters("once", **{**LEFT, "kind": "one_time"})

    found = (await read(office, "/v1/outcomes"))["data"]

    told = {each["account_id"]: (each["outcome"], each["due"]["amount"], each["renewed"]["amount"]) for each in found}
    assert told == {
        "same": ("renewed", "1200.00", "1200.00"),
        "more": ("expanded", "1200.00", "1500.00"),
        "less": ("contracted", "1200.00", "900.00"),
        "gone": ("churned", "1200.00", "0.00"),
    }
    by_account = {each["account_id"]: each for each in found}
    assert (by_account["gone"]["term_id"], by_account["gone"]["reason"]) == (f"{gone['id']}.1", "not renewed")
    assert by_account["gone"]["customer_left"]
    assert by_account["less"]["renewed_by"] == [after["id"]]
    assert (await read(office, "/v1/outcomes", to="2025-12-30"))["data"] == []


async def test_outcomes_and_reviews_come_in_pages(office: Office) -> None:
    for number, end in enumerate(["2025-11-30", "2025-10-31", "2025-12-31", "2025-10-31", "2025-12-01"]):
        await office.enters(f"a{number}", start="2025-01-01", end=end, at_end="cancel")

    for path in ("/v1/outcomes", "/v1/churn-reviews"):
        found, cursor = list[str](), None
        while True:
            page = await read(office, path, limit="2", **({"cursor": cursor} if cursor else {}))
            assert len(page["data"]) <= 2
            found += [each["ended_on"] for each in page["data"]]
            cursor = page["next_cursor"]
            if cursor is None:
                break
        assert found == ["2025-10-31", "2025-10-31", "2025-11-30", "2025-12-01", "2025-12-31"]
    within = await read(office, "/v1/churn-reviews", **{"from": "2025-11-30", "to": "2025-12-01"})
    assert [each["ended_on"] for each in within["data"]] == ["2025-11-30", "2025-12-01"]


async def test_a_customer_that_left_is_reviewed_and_listed_until_that_is_done(office: Office) -> None:
    gone = await office.enters("gone", **LEFT)
    await office.enters("kept one of two", **LEFT)
    await office.enters("kept one of two", start="2025-06-01", term_months=12)
    await office.enters("in grace", **{**LEFT, "grace_days": 30})
    await office.enters("once", **{**LEFT, "kind": "one_time"})
    assert await open_reviews(office) == ["gone"]

    draft = await reviews(office, gone, is_done=False, was_avoidable=None)
    still = await open_reviews(office)
    incomplete = await office.http.put(
        f"/v1/renewals/{gone['id']}.1/review", json={**DONE, "was_avoidable": None, "reason": None}
    )
    done = await reviews(office, gone)

    assert (draft["review"]["was_avoidable"], still) == (None, ["gone"])
    assert (incomplete.status_code, incomplete.json()["code"]) == (422, "review-incomplete")
    assert "reason, was_avoidable" in incomplete.json()["detail"]
    assert {name: done["review"][name] for name in DONE} == DONE
    assert await open_reviews(office) == []
    assert await open_reviews(office, "done") == ["gone"]
    assert (await read(office, f"/v1/renewals/{gone['id']}.1/review")) == done
    for day, accounts in (("2026-06-30", []), ("2026-07-01", ["gone"])):
        found = (await read(office, "/v1/churn-reviews", win_back_by=day))["data"]
        assert [each["account_id"] for each in found] == accounts
    await office.it_is("2026-01-31T09:00")
    assert await open_reviews(office) == ["in grace"]


async def test_a_cancellation_that_is_withdrawn_takes_the_review_off_the_list(office: Office) -> None:
    contract = await office.enters("acme", start="2025-06-01", term_months=12)
    await office.amends(contract, status="cancelled", reason="too dear")
    assert await open_reviews(office) == ["acme"]

    await office.http.delete(f"/v1/contracts/{contract['id']}/cancellation")

    assert await open_reviews(office) == []
    answer = await office.http.put(f"/v1/renewals/{contract['id']}.1/review", json=DONE)
    assert (answer.status_code, answer.json()["code"]) == (409, "not-churned")


async def test_terms_that_are_not_there_have_no_review(office: Office) -> None:
    gone = await office.enters("gone", **LEFT)
    for name in ("nothing", "nothing.1", f"{gone['id']}.2", f"{gone['id']}.0", f"{gone['id']}.01", f"{gone['id']}.1 "):
        for answer in (
            await office.http.get(f"/v1/renewals/{name}/review"),
            await office.http.put(f"/v1/renewals/{name}/review", json=DONE),
        ):
            assert (answer.status_code, answer.json()["code"]) == (404, "term-unknown"), name
    for wrong in (
        {"reason": "weather"},
        {"went_well": "a\x00b"},
        {"was_expected": "no"},
        {"win_back_on": "0001-01-01"},
    ):
        answer = await office.http.put(f"/v1/renewals/{gone['id']}.1/review", json={**DONE, **wrong})
        assert (answer.status_code, answer.json()["code"]) == (422, "invalid-request"), wrong


async def some_left(office: Office) -> list[dict[str, Any]]:
    await office.enters("stays", amount="5000.00", start="2024-06-01", term_months=12)
    amounts = {"a": "1000.00", "b": "2000.00", "c": "300.00", "d": "40.00"}
    return [await office.enters(name, **LEFT, amount=amount) for name, amount in amounts.items()]


async def test_reasons_are_figures_that_add_up_to_the_churn(office: Office) -> None:
    a, b, c, _ = await some_left(office)
    await are(office, "large", "a", "b")
    await reviews(office, a)
    await reviews(office, b, reason="competitor", was_avoidable=False, was_expected=True)
    await reviews(office, c, was_good_customer=False)
    period = {"from": "2025-06-01", "to": "2026-01-02"}

    rows = (await read(office, "/v1/kpis/churn/reasons", **period))["data"]
    [whole] = (await read(office, "/v1/kpis/churn", **period))["data"]
    told = {
        (row["figures"]["why"], row["figures"]["value"]): (row["figures"]["customers"], row["figures"]["churned"])
        for row in rows
    }

    assert told == {
        ("reason", "price"): (2, "1300.00"),
        ("reason", "competitor"): (1, "2000.00"),
        ("reason", None): (1, "40.00"),
        ("expected", "true"): (1, "2000.00"),
        ("expected", "false"): (2, "1300.00"),
        ("expected", None): (1, "40.00"),
        ("avoidable", "true"): (2, "1300.00"),
        ("avoidable", "false"): (1, "2000.00"),
        ("avoidable", None): (1, "40.00"),
        ("good_customer", "true"): (2, "3000.00"),
        ("good_customer", "false"): (1, "300.00"),
        ("good_customer", None): (1, "40.00"),
        ("meets_criteria", "unknown"): (3, "3300.00"),
        ("meets_criteria", None): (1, "40.00"),
    }
    for why in {why for why, _ in told}:
        of_why = [row["figures"] for row in rows if row["figures"]["why"] == why]
        assert sum(Decimal(each["churned"]) for each in of_why) == Decimal(whole["figures"]["churned"])
        assert sum(each["customers"] for each in of_why) == whole["figures"]["churned_customers"]
        assert (
            abs(sum(Decimal(each["of_opening"]) for each in of_why) - Decimal(whole["figures"]["revenue_churn"])) < 1e-5
        )
    table = await office.http.get(
        "/v1/kpis/churn/reasons", params={**period, "by": "segment"}, headers={"Accept": "text/csv"}
    )
    large = [row for row in csv.DictReader(io.StringIO(table.text)) if row["segment"] == "large"]
    assert {row["value"] for row in large if row["why"] == "reason"} == {"price", "competitor"}


async def test_reasons_are_those_that_were_known(office: Office) -> None:
    a, *_ = await some_left(office)
    await reviews(office, a)
    then = office.clock.now()
    await office.it_is("2026-02-01T09:00")
    await reviews(office, a, reason="competitor")
    period = {"from": "2025-06-01", "to": "2026-01-02", "known_at": then.isoformat()}

    def told(answer: Any) -> set[str | None]:
        return {row["figures"]["value"] for row in answer["data"] if row["figures"]["why"] == "reason"}

    assert told(await read(office, "/v1/kpis/churn/reasons", **period)) == {"price", None}
    del period["known_at"]
    assert told(await read(office, "/v1/kpis/churn/reasons", **period)) == {"competitor", None}


async def test_of_books_made_up_at_random_each_kind_of_reason_adds_up_to_the_churn(office: Office) -> None:
    seen = 0
    for seed in range(4):
        random = Random(seed)
        contracts = book(random)
        with suppress(_Undone):
            async with office.service.work() as work:
                await work.accounts.lock({each.account_id for each in contracts})
                for contract in contracts:
                    await work.contracts.add(contract, Note(NOW, "tests", "made up"))
                    for term in random.sample(contract.terms, random.randrange(len(contract.terms) + 1)):
                        for _ in range(2):  # the one recorded last holds
                            review = Review(reason=random.choice([None, *ChurnReason]))
                            await work.churn.add(
                                contract.id, term.number, KeptReview(review, NOW, "tests", "unknown", None)
                            )
                for axes in ((), (Axis.COHORT,)):
                    for span in (SPAN, replace(SPAN, returning=True)):
                        moved = await work.figures.movements(span, axes)
                        lost = await work.figures.lost(span, axes)
                        for group, figures in moved.items():
                            for why in Why:
                                of_why = [each for each in lost.get(group, ()) if each.why is why]
                                assert sum(each.customers for each in of_why) == figures.churned_customers, seed
                                assert sum((each.arr for each in of_why), Decimal(0)) == figures.churned, seed
                                seen += sum(each.value is not None for each in of_why)
                raise _Undone
    assert seen > 20


async def test_an_erased_customers_review_keeps_its_reason_and_loses_its_words(office: Office) -> None:
    gone = await office.enters("gone-canary", **LEFT)
    await are(office, "large", "gone-canary")
    await reviews(office, gone, went_well="canary sang")

    await ask(office, "account", "gone-canary")

    assert await holds(office, "canary") == []
    kept = await read(office, f"/v1/renewals/{gone['id']}.1/review")
    assert (kept["review"]["reason"], kept["review"]["went_well"]) == ("price", None)
    assert await open_reviews(office, "done") == []
    again = await office.http.put(f"/v1/renewals/{gone['id']}.1/review", json=DONE)
    assert (again.status_code, again.json()["code"]) == (409, "account-erased")
