"""What tests of forecasts say and ask: calls, figures, and a past to learn from."""

from typing import Any

from tests.integration.renewals.book import money
from tests.integration.renewals.office import Office, scored


async def get(office: Office, path: str, **query: Any) -> Any:
    await office.service.chassis.keys.refresh()
    answer = await office.http.get(f"/v1/{path}", params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def says(office: Office, term: str, kind: str, category: str, probability: str, amount: str, **more: Any) -> Any:
    await office.service.chassis.keys.refresh()
    body = {"category": category, "probability": probability, "amount": money(amount, "EUR"), **more}
    answer = await office.http.put(f"/v1/renewals/{term}/calls/{kind}", json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def a_past(office: Office) -> None:
    """Of ten accounts with contracts that ended with 2025, green ones renewed and red ones did not."""
    for number in range(10):
        account, is_red = f"old{number}", number >= 7
        facts = {"at_end": "cancel"} if is_red else {}
        await office.enters(account, start="2025-01-01", end="2025-12-31", term_months=12, **facts)
        await office.hears(scored(account, 20 if is_red else 90, "red" if is_red else "green", "2025-03-01"))
