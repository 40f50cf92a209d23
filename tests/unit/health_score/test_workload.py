"""ARR classes of a book, and who had an account when."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from health_score.domain.workload import ArrClass, Owners, classes, main_currency
from mainstay.kernel.money import Money


def book(*amounts: str) -> dict[int, list[Money]]:
    return {number: [Money(Decimal(amount), "EUR")] for number, amount in enumerate(amounts)}


@pytest.mark.parametrize(
    ("amounts", "expected"),
    [
        (["80", "15", "5"], "abc"),
        (["79", "16", "5"], "aac"),
        (["5", "15", "80"], "cba"),
        (["10"] * 10, "aaaaaaaabb"),
        (["7"], "a"),
        ([], ""),
    ],
)
def test_where_an_account_begins_within_the_books_arr_decides_its_class(amounts: list[str], expected: str) -> None:
    found = classes(book(*amounts), "EUR")

    assert "".join(found[number] for number in range(len(amounts))) == expected


def test_no_arr_and_arr_in_another_currency_are_classes_of_their_own() -> None:
    arr = {1: [Money(Decimal(5), "USD")], 2: [], 3: [Money(Decimal(0), "EUR")], 4: [Money(Decimal(1), "EUR")]}

    assert classes(arr, "EUR") == {1: ArrClass.OTHER_CURRENCY, 2: ArrClass.NONE, 3: ArrClass.NONE, 4: ArrClass.A}
    assert main_currency(arr) == "EUR"
    assert main_currency({}) is None


@given(st.lists(st.integers(1, 10**9), min_size=1, max_size=60))
def test_more_arr_is_never_a_lower_class(amounts: list[int]) -> None:
    found = classes(book(*map(str, amounts)), "EUR")

    in_order = sorted(range(len(amounts)), key=lambda number: (-amounts[number], number))
    assert [found[number] for number in in_order] == sorted(found[number] for number in in_order)
    assert found[in_order[0]] is ArrClass.A


def test_the_owner_is_the_one_last_stated_before_and_a_guess_before_the_first() -> None:
    first, second = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 2, 1, tzinfo=UTC)
    owners = Owners(((first, "ann"), (second, None)), "bob")

    assert owners.at(datetime(2025, 12, 31, tzinfo=UTC)) == ("ann", False)
    assert owners.at(first) == ("ann", True)
    assert owners.at(second) == (None, True)
    assert Owners((), "bob").at(first) == ("bob", False)
