"""A worked book: 42 contracts in four currencies and three zones over three years, and what each is worth by hand."""

from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any

from tests.integration.renewals.office import Office

BERLIN, NEW_YORK, TOKYO = "Europe/Berlin", "America/New_York", "Asia/Tokyo"
BEGUN = "2023-01-02"


@dataclass(frozen=True)
class Step:
    """On `day` somebody posts `body` to `path`; `{contract}` stands for the id of the contract with that key."""

    day: str
    method: str
    path: str
    body: dict[str, Any]
    key: str | None = None


def money(amount: str, currency: str) -> dict[str, str]:
    return {"amount": amount, "currency": currency}


def enter(
    key: str, account: str, currency: str, amount: str, start: str, zone: str = BERLIN, *, day: str = "", **facts: Any
) -> Step:
    body = {"kind": "recurring", "start": start, "amount": money(amount, currency), "zone": zone, **facts}
    if not {"end", "co_terms_with"} & facts.keys():
        body.setdefault("term_months", 12)
    return Step(day or max(start, BEGUN), "POST", "/v1/contracts", {**body, "account_id": account}, key)


def on(day: str, key: str, what: str, method: str = "POST", **body: Any) -> Step:
    return Step(day, method, f"/v1/contracts/{{{key}}}/{what}", body)


def rates(day: str, valid_from: str, **by_currency: str) -> Step:
    return Step(day, "PUT", "/v1/exchange-rates", {"date": valid_from, "base": "EUR", "rates": by_currency})


PLAIN = [
    ("a01", "EUR", "1200.00", BERLIN),
    ("a02", "USD", "2400.00", NEW_YORK),
    ("a03", "GBP", "3600.00", BERLIN),
    ("a04", "JPY", "120000", TOKYO),
    ("a05", "EUR", "600.00", BERLIN),
    ("a06", "USD", "1000.00", NEW_YORK),
    ("a07", "GBP", "500.00", BERLIN),
    ("a08", "JPY", "50000", TOKYO),
    ("a09", "EUR", "9999.99", TOKYO),
    ("a10", "EUR", "333.33", NEW_YORK),
]
"""Of a year each from 2023-02-01, renewed by themselves at the same price."""

STEPS = [
    rates(BEGUN, "2024-01-01", USD="0.90", GBP="1.20", JPY="0.0070"),
    rates(BEGUN, "2025-01-01", USD="0.95", GBP="1.15", JPY="0.0060"),
    rates(BEGUN, "2026-01-01", USD="1.00", GBP="1.25", JPY="0.0065"),
    rates(BEGUN, "2023-01-01", USD="0.88", GBP="1.10", JPY="0.0075"),
    rates("2025-02-15", "2025-01-01", GBP="1.16"),  # corrected: from here on the old rate is known to be wrong
    *(enter(key, key, currency, amount, "2023-02-01", zone) for key, currency, amount, zone in PLAIN),
    # December 31: over with the year, and not renewed
    enter("b11", "b11", "EUR", "1000", "2024-01-01", end="2024-12-31", at_end="cancel"),
    # February 29
    enter("b12", "b12", "EUR", "700", "2024-02-29"),
    # renewed early: from April on, for the term that was to end with June
    enter("b13", "b13", "USD", "1200", "2023-07-01", NEW_YORK),
    on("2024-03-10", "b13", "renewals", start="2024-04-01", amount=money("1500", "USD")),
    # renewed late, within 30 days of grace
    enter("b14", "b14", "GBP", "800", "2024-01-01", end="2024-12-31", at_end="cancel", grace_days=30),
    on("2025-01-20", "b14", "renewals", start="2025-01-15", amount=money("900", "GBP")),
    # away for four months
    enter("b15", "b15", "EUR", "1200", "2023-05-01", end="2024-04-30", at_end="cancel", grace_days=30),
    enter("b15 again", "b15", "EUR", "1200", "2024-09-01"),
    # away for eleven months, and not of the cohort of 2024
    enter("b16", "b16", "EUR", "500", "2022-06-01", end="2023-05-31", at_end="cancel"),
    enter("b16 again", "b16", "EUR", "600", "2024-05-01"),
    # three years with a price schedule
    enter(
        "b17",
        "b17",
        "USD",
        "3600",
        "2023-01-01",
        NEW_YORK,
        end="2025-12-31",
        at_end="cancel",
        price_schedule=[
            {"start": "2023-01-01", "amount": "1000"},
            {"start": "2024-01-01", "amount": "1200"},
            {"start": "2025-01-01", "amount": "1400"},
        ],
    ),
    # one-time: served, and in no figure
    enter("b18", "b18", "EUR", "5000", "2024-01-01", end="2024-12-31", kind="one_time"),
    # upsell and contraction on a day
    enter("b19", "b19", "EUR", "1200", "2024-01-01"),
    on("2024-07-01", "b19", "changes", effective="2024-07-01", amount=money("1800", "EUR")),
    enter("b20", "b20", "GBP", "1000", "2024-01-01", seats=10),
    on("2024-03-05", "b20", "changes", effective="2024-03-01", amount=money("400", "GBP"), seats=4),
    # co-term: 300 for the half year that the other one still runs
    enter("b21", "b21", "EUR", "1200", "2023-04-01"),
    enter("b21 more", "b21", "EUR", "300", "2024-10-01", co_terms_with="{b21}"),
    # assigned to an account that has one already
    enter("b22", "b22", "EUR", "900", "2024-01-01"),
    enter("b23", "b23", "EUR", "1100", "2023-09-01"),
    on("2024-06-03", "b22", "assignment", account_id="b23", effective="2024-06-01"),
    # merged, and then smaller
    enter("b24", "b24", "USD", "600", "2023-03-01", NEW_YORK),
    enter("b25", "b25", "EUR", "400", "2023-11-01"),
    Step("2025-05-02", "POST", "/v1/accounts/b24/merger", {"into": "b25", "effective": "2025-05-01"}),
    on("2025-08-15", "b24", "cancellation", effective="2025-09-01", reason="two products too many"),
    # cancelled, and thought better of it
    enter("b26", "b26", "EUR", "700", "2023-10-01"),
    on("2024-08-01", "b26", "cancellation", effective="2024-10-01"),
    on("2024-09-15", "b26", "cancellation", "DELETE"),
    # what was entered for the second year was wrong, as came out in February
    enter("b27", "b27", "EUR", "2000", "2023-08-01"),
    on("2025-02-10", "b27", "changes", effective="2024-08-01", amount=money("2500", "EUR")),
    # it had been cancelled in time, as came out three weeks after it was renewed
    enter("b28", "b28", "JPY", "60000", "2023-06-01", TOKYO),
    on("2024-06-20", "b28", "cancellation", effective="2024-06-01", reason="the letter had got lost"),
    # evergreen, by the month after a year
    enter(
        "b29",
        "b29",
        "EUR",
        "360",
        "2023-01-15",
        end="2024-01-14",
        term_months=1,
        next_amount=money("30", "EUR"),
        at_end="evergreen",
    ),
    # renewed once
    enter("b30", "b30", "GBP", "240", "2023-03-15", at_end="renew_once"),
    # renewed by a contract of its own
    enter("b31", "b31", "EUR", "500", "2023-12-16", end="2024-12-15", at_end="cancel"),
    enter("b31 next", "b31", "EUR", "450", "2024-12-16", day="2024-12-10", renews="{b31}"),
    # nights on which the clocks change
    enter("b32", "b32", "EUR", "730", "2023-10-29"),
    enter("b33", "b33", "USD", "365", "2023-03-12", NEW_YORK),
    # terms of seven months, two of which expire in 2025
    enter("b34", "b34", "EUR", "700", "2023-06-01", term_months=7),
    # come and gone, and two that are new in 2025
    enter("b35", "b35", "USD", "480", "2024-06-01", NEW_YORK, end="2025-05-31", at_end="cancel"),
    enter("b36", "b36", "GBP", "1000", "2025-03-01"),
    enter("b37", "b37", "JPY", "10000", "2025-12-31", TOKYO),
    # by the month, from January 31
    enter("b38", "b38", "EUR", "10", "2024-01-31", term_months=1),
]

WORTH = {
    # customer: currency, ARR on 2024-01-01, 2025-01-01 and 2026-01-01, due and renewed in 2024, due and renewed in 2025
    **{key: (currency, *(7 * (amount,))) for key, currency, amount, _ in PLAIN},
    "b11": ("EUR", "1000", "0", "0", "1000", "0", "0", "0"),
    "b12": ("EUR", "0", "700", "700", "0", "0", "700", "700"),
    "b13": ("USD", "1200", "1500", "1500", "1200", "1500", "1500", "1500"),
    "b14": ("GBP", "800", "900", "900", "800", "900", "0", "0"),
    "b15": ("EUR", "1200", "1200", "1200", "1200", "0", "1200", "1200"),
    "b16": ("EUR", "0", "600", "600", "0", "0", "600", "600"),
    "b17": ("USD", "1200", "1400", "0", "0", "0", "1400", "0"),
    "b19": ("EUR", "1200", "1800", "1800", "1800", "1800", "1800", "1800"),
    "b20": ("GBP", "1000", "400", "400", "400", "400", "400", "400"),
    "b21": ("EUR", "1200", "1800", "1800", "1200", "1200", "1800", "1800"),
    "b23": ("EUR", "2000", "2000", "2000", "2000", "2000", "2000", "2000"),
    "b24": ("USD", "600", "600", "0", "600", "600", "600", "600"),  # of b25 from May 2025 on
    "b25": ("EUR", "400", "400", "400", "400", "400", "400", "400"),
    "b26": ("EUR", "700", "700", "700", "700", "700", "700", "700"),
    "b27": ("EUR", "2000", "2500", "2500", "2000", "2500", "2500", "2500"),
    "b28": ("JPY", "60000", "0", "0", "60000", "0", "0", "0"),
    "b29": ("EUR", "360", "360", "360", "360", "360", "0", "0"),
    "b30": ("GBP", "240", "240", "0", "240", "240", "240", "0"),
    "b31": ("EUR", "500", "450", "450", "500", "450", "450", "450"),
    "b32": ("EUR", "730", "730", "730", "730", "730", "730", "730"),
    "b33": ("USD", "365", "365", "365", "365", "365", "365", "365"),
    "b34": ("EUR", "1200", "1200", "1200", "1200", "1200", "2400", "2400"),
    "b35": ("USD", "0", "480", "0", "0", "0", "480", "0"),
    "b36": ("GBP", "0", "0", "1000", "0", "0", "0", "0"),
    "b37": ("JPY", "0", "0", "10000", "0", "0", "0", "0"),
    "b38": ("EUR", "0", "120", "120", "1320", "1320", "1440", "1440"),
}


@dataclass(frozen=True)
class Report:
    """What was answered on a day, and how it was asked for."""

    known_at: str
    query: dict[str, str]
    data: list[dict[str, Any]]


Look = Callable[[Office, str], Awaitable[None]]


async def keep(office: Office, look: Look | None = None) -> list[Report]:
    """Let three years pass in the office; answers the reports of each month, as they were on its tenth.

    `look` is called on those days too.
    """
    ids: dict[str, str] = {}
    reports = []
    for day, step in sorted(_days(), key=lambda each: each[0]):
        await office.it_is(f"{day}T09:00")
        await office.service.chassis.keys.refresh()  # they are good for five seconds
        if step is None:
            reports.append(await _report(office, day))
            if look:
                await look(office, day)
            continue
        body = {name: value.format(**ids) if _names(value) else value for name, value in step.body.items()}
        path = step.path.format(**ids)
        answer = await office.http.request(step.method, path, json=body if step.method != "DELETE" else None)
        assert answer.status_code in {200, 201}, (step, answer.text)
        if step.key:
            ids[step.key] = answer.json()["id"]
    return reports


def _days() -> Iterator[tuple[str, Step | None]]:
    yield from ((step.day, step) for step in STEPS)
    yield from ((str(date(2024 + n // 12, n % 12 + 1, 10)), None) for n in range(26))


def _names(value: Any) -> bool:
    return isinstance(value, str) and value.startswith("{")


async def _report(office: Office, day: str) -> Report:
    month = date.fromisoformat(day).replace(day=1)
    query = {"from": str(month.replace(year=month.year - 1)), "to": str(month), "currency": "EUR"}
    answer = await office.http.get("/v1/kpis/retention", params=query)
    assert answer.status_code == 200, answer.text
    return Report(answer.json()["known_at"], query, answer.json()["data"])
