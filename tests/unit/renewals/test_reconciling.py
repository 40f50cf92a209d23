"""What a source says ends in the same contract, in whatever order it comes; what cannot be taken is told."""

import sys
from collections.abc import Callable, Sequence
from decimal import Decimal
from types import FrameType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from renewals.domain.contracts import Contract
from renewals.domain.faces import Face, face
from renewals.domain.ledger import lines
from renewals.domain.reconciling import ConflictKind, reconcile
from renewals.domain.statements import Statement, merged, read
from renewals.domain.stating import enter
from renewals.domain.taking import REFUSALS
from tests.unit.renewals.building import at

NOW = at("2026-06-01T12:00")
HEADER = {"account_id": "acme", "kind": "recurring", "currency": "EUR", "zone": "Europe/Berlin"}


def term(year: int, amount: int = 1200, seats: int | None = 10, end: str = "12-31") -> dict[str, Any]:
    return {"start": f"{year}-01-01", "end": f"{year}-{end}", "amount": f"{amount}.00", "seats": seats}


def halves(stated: dict[str, Any]) -> list[dict[str, str]]:
    """A price schedule of two steps, the second of which costs all but a cent."""
    year = stated["start"][:4]
    rest = Decimal(stated["amount"]) - Decimal("0.01")
    return [{"start": f"{year}-01-01", "amount": "0.01"}, {"start": f"{year}-07-01", "amount": f"{rest}"}]


def said(number: int, terms: Sequence[dict[str, Any]] | None, **fields: Any) -> Statement:
    return Statement(
        source="crm",
        external_id="K-7",
        occurred_at=at(f"2026-05-{number + 1:02}T10:00"),
        event_id=f"f{number}",
        fields={**HEADER, **fields},
        terms=terms,
    )


def heard(statements: Sequence[Statement]) -> tuple[Contract | None, list[str]]:
    """The contract after statements came one by one, as the application takes them in; which fields are in conflict."""
    known: Any = {}
    contract, taken, conflicts = None, 0, list[str]()
    for each in statements:
        news = merged(known, each)
        if news == known:
            continue
        known, stated = news, read(news)
        if contract is None:
            if stated.terms and not stated.is_draft:
                contract = enter("c1", "K-7", stated, NOW)
        else:
            done = reconcile(contract, stated, frozenset(), NOW, terms_taken=taken)
            conflicts = [each.difference.field for each in done.conflicts]
            contract = done.contract.catch_up(NOW)[0]
        taken = max(taken, len(stated.terms))
    return contract, conflicts


def shown(contract: Contract) -> Face:
    """The face; what terms to come cost is of no account where there are none."""
    return {name: value for name, value in face(contract).items() if name != "next_amount" or not contract.is_over}


@st.composite
def stories(draw: st.DrawFn) -> list[Statement]:
    """What a source says in the course of time: terms only grow, and so that the running one is among them."""
    story: list[Statement] = []
    length = 1
    varies = draw(st.booleans())  # another end, and more terms after it, are no story of one contract
    for number in range(draw(st.integers(1, 6))):
        length = length if varies else draw(st.integers(length, 3))
        terms = [
            term(2026 + each, draw(st.integers(1, 9)) * 100, draw(st.sampled_from([5, 10, None])))
            for each in range(length)
        ]
        for each in terms:
            if draw(st.booleans()):
                each["entitlements"] = draw(st.sampled_from([{}, {"api_calls": 100}, {"api_calls": 200, "sso": 1}]))
            if draw(st.booleans()):
                each["price_schedule"] = draw(st.sampled_from([[], halves(each)]))
        if varies:
            terms[0]["end"] = draw(st.sampled_from(["2026-11-30", "2026-12-31", "2027-02-28"]))
        fields: dict[str, Any] = {}
        if draw(st.booleans()):
            fields["at_end"] = draw(st.sampled_from(["renew", "renew_once", "evergreen", "cancel"]))
        if draw(st.booleans()):
            fields |= draw(
                st.sampled_from(
                    [{"notice_amount": None}, {"notice_amount": 3, "notice_unit": "months"}, {"grace_days": 14}]
                )
            )
        if draw(st.booleans()):
            fields["next_amount"] = draw(st.sampled_from(["700.00", "900.00"]))
        if draw(st.booleans()):
            fields["state"] = draw(st.sampled_from(["signed", "cancelled", "draft" if not number else "signed"]))
        has_terms = number == 0 or draw(st.booleans())
        story.append(said(number, terms if has_terms else None, **fields))
    return story


@given(stories(), st.randoms(use_true_random=False))
def test_in_any_order_and_however_often_the_contract_is_what_the_source_says_in_the_end(
    story: list[Statement], random: Any
) -> None:
    shuffled = [*story, *random.choices(story, k=3)]
    random.shuffle(shuffled)

    (in_order, left), (in_disorder, also_left) = heard(story), heard(shuffled)

    known: Any = {}
    for each in story:
        known = merged(known, each)
    stated = read(known)
    if stated.is_draft:
        # What came without a word about its state was entered before anybody said that it is a draft.
        assert in_order is None
        assert in_disorder is None or also_left == ["state"]
        return
    assert left == also_left == []
    at_once = enter("c1", "K-7", stated, NOW)
    assert in_order is not None
    assert in_disorder is not None
    assert shown(in_order) == shown(in_disorder) == shown(at_once)
    assert lines(in_order) == lines(in_disorder) == lines(at_once)


@given(stories(), st.randoms(use_true_random=False))
def test_what_was_said_is_the_same_in_any_order(story: list[Statement], random: Any) -> None:
    shuffled = random.sample(story, k=len(story))
    known: Any = {}
    other: Any = {}
    for each, another in zip(story, shuffled, strict=True):
        known, other = merged(known, each), merged(other, another)

    assert known == other
    assert merged(known, story[0]) == known


@pytest.mark.parametrize(
    ("fields", "terms", "field"),
    [
        ({"currency": "USD"}, [term(2026)], "currency"),
        ({"kind": "one_time"}, [term(2026)], "kind"),
        ({"zone": "Asia/Tokyo"}, [term(2026)], "zone"),
        ({"account_id": "bolt"}, [term(2026)], "account_id"),
        ({"state": "draft"}, [term(2026)], "state"),
        ({}, [{**term(2026), "start": "2026-02-01"}], "terms.1.start"),
        ({}, [], "terms.1"),
        ({}, [term(2026), term(2028)], "terms.2"),
        ({}, [{**term(2026), "amount": "0.001"}], "terms.1.amount"),
        ({}, [{**term(2026), "end": "2025-12-31"}], "terms.1.end"),
    ],
)
def test_what_no_amendment_can_say_is_a_conflict_and_nothing_else_is_lost(
    fields: dict[str, Any], terms: list[dict[str, Any]], field: str
) -> None:
    contract = enter("c1", "K-7", read(merged({}, said(0, [term(2026)]))), NOW)
    known = merged(merged({}, said(0, [term(2026)])), said(1, terms, grace_days=9, **fields))

    done = reconcile(contract, read(known), frozenset(), NOW, terms_taken=1)

    assert [(each.difference.field, each.kind) for each in done.conflicts] == [(field, ConflictKind.LEDGER_REFUSES)]
    assert done.contract.grace_days == 9
    assert done.contract.terms == contract.terms


def test_terms_that_followed_by_themselves_are_worth_what_the_last_stated_one_is() -> None:
    contract = enter("c1", "K-7", read(merged({}, said(0, [term(2024, 1000)]))), NOW)
    assert len(contract.terms) == 3
    corrected = read(merged({}, said(1, [term(2024, 1500)])))

    done = reconcile(contract, corrected, frozenset(), NOW, terms_taken=1)
    kept = reconcile(contract, corrected, frozenset({"terms.3.amount"}), NOW, terms_taken=1)

    assert lines(done.contract) == lines(enter("c1", "K-7", corrected, NOW))
    assert face(kept.contract)["terms.2.amount"] == "1500.00"
    assert face(kept.contract)["terms.3.amount"] == "1000.00"


def test_a_contract_that_renewed_once_by_itself_is_what_the_source_says() -> None:
    stated = read(merged({}, said(0, [term(2025)], at_end="renew_once")))
    contract = enter("c1", "K-7", stated, NOW)
    assert len(contract.terms) == 2

    assert reconcile(contract, stated, frozenset(), NOW, terms_taken=1).conflicts == ()


@pytest.mark.parametrize("terms", [[], [{**term(2026), "start": "0001-01-01"}], [term(2024), term(2026)]])
def test_what_cannot_be_entered_says_why(terms: list[dict[str, Any]]) -> None:
    with pytest.raises(REFUSALS):
        enter("c1", "K-7", read(merged({}, said(0, terms, at_end="cancel"))), NOW)


def calls_of(work: Callable[[], object]) -> int:
    """How many functions of Python a work calls: the same on any machine, whatever else that does."""
    calls = 0

    def count(_frame: FrameType, event: str, _argument: object) -> None:
        nonlocal calls
        calls += event == "call"

    before = sys.getprofile()
    sys.setprofile(count)
    try:
        work()
    finally:
        sys.setprofile(before)
    return calls


def test_the_work_of_comparing_a_contract_is_far_from_the_square_of_its_terms() -> None:
    def compared(count: int) -> int:
        months = [
            {"start": f"{year}-{month:02}-01", "months": 1, "amount": "100.00"}
            for year in range(2010, 2027)
            for month in range(1, 13)
        ][:200][-count:]
        contract = enter("c1", "K-7", read(merged({}, said(0, months))), NOW)
        dearer = read(merged({}, said(1, [{**each, "amount": "110.00"} for each in months])))
        calls = calls_of(lambda: reconcile(contract, dearer, frozenset(), NOW, terms_taken=count))
        done = reconcile(contract, dearer, frozenset(), NOW, terms_taken=count)
        shown = face(done.contract)
        assert done.conflicts == ()
        assert {shown[f"terms.{number}.amount"] for number in range(1, count + 1)} == {"110.00"}
        return calls

    few, many = compared(50), compared(200)
    assert many < 8 * few  # the square would be 16; it was 6.6
