from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from renewals.api.schemas import ContractBody
from renewals.domain.schedule import schedule
from standalone.demo.cast import CAST, WindowOpens
from standalone.demo.contracts import add_months, contract_of
from standalone.demo.stories import OneTime

DAYS = st.dates(date(2024, 1, 1), date(2034, 12, 31))


@given(DAYS)
def test_windows_that_should_open_now_do(first_day: date) -> None:
    for account in CAST:
        if not isinstance(account.renewal, WindowOpens):
            continue
        contract = contract_of(account, first_day)
        end_exclusive = contract.end + timedelta(days=1)
        opens = schedule(contract.start, end_exclusive, None, None).window(1, contract.start, end_exclusive)
        wanted = first_day + timedelta(days=account.renewal.day)
        # Months without the day open theirs up to three days earlier; that is still fresh.
        assert timedelta(0) <= wanted - opens <= timedelta(days=3)


@given(DAYS)
def test_the_other_windows_opened_long_ago_or_will_open_later(first_day: date) -> None:
    for account in CAST:
        if isinstance(account.renewal, WindowOpens) or isinstance(account.story, OneTime):
            continue
        contract = contract_of(account, first_day)
        end_exclusive = contract.end + timedelta(days=1)
        opens = schedule(contract.start, end_exclusive, None, None).window(1, contract.start, end_exclusive)
        assert not -8 < (opens - first_day).days < 2, account.id


def test_renewals_are_ahead_from_ten_days_to_a_year() -> None:
    first_day = date(2026, 3, 4)
    ends = sorted((contract_of(account, first_day).end - first_day).days for account in CAST)

    assert 10 <= ends[0] < 20
    assert sum(end <= 120 for end in ends) >= 15
    assert ends[-1] < 366


@given(DAYS)
def test_contracts_have_begun_and_last_a_year_or_the_project(first_day: date) -> None:
    for account in CAST:
        contract = contract_of(account, first_day)
        assert contract.start < first_day < contract.end
        if isinstance(account.story, OneTime):
            assert contract.kind == "one_time"
        else:
            assert contract.kind == "recurring"
            assert abs((contract.end - contract.start).days - 365) <= 4


@pytest.mark.parametrize("account", CAST, ids=lambda account: account.id)
def test_renewals_takes_the_body_as_it_is(account: object) -> None:
    contract = contract_of(account, date(2026, 3, 4))  # type: ignore[arg-type] # pytest's ids want an object

    body = ContractBody.model_validate(contract.body)

    assert body.stated().account_id == contract.account.id
    assert body.seats == contract.account.seats


def test_months_without_the_day_give_their_last() -> None:
    assert add_months(date(2026, 1, 31), 1) == date(2026, 2, 28)
    assert add_months(date(2026, 11, 30), -9) == date(2026, 2, 28)
    assert add_months(date(2026, 5, 15), -12) == date(2025, 5, 15)
