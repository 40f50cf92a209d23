"""Asking with `known_at` gives exactly what was answered at that instant, whatever was recorded since.

Hypothesis puts what people, other systems and time record in an order. After each step the routes that take `known_at`
are asked, in turn, as of now and page by page; in the end each question is asked again with the instant at which it was
asked.
"""

import asyncio
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from tests.conftest import EXAMPLES
from tests.integration.renewals.changes import CHANGES, TWICE
from tests.integration.renewals.office import Office, account_record
from tests.integration.renewals.test_expansion import hears, uses
from tests.integration.renewals.test_signals import fact, term
from tests.integration.renewals.test_signals import hears as states

START = datetime(2026, 1, 5, 9, tzinfo=UTC)
DAY = timedelta(days=1)
KEPT = ("api_key", "alembic_version")
"""Tables that a new example keeps."""
ALL = {"limit": "2"}
"""Pages are small, so that most answers have a second one."""
MORE: Mapping[str, tuple[dict[str, str], ...]] = {
    "/v1/contracts": ({"account_id": "acme"},),
    "/v1/outcomes": ({"from": "2025-01-01", "to": "2030-01-01"}, {"account_id": "bolt"}),
    "/v1/churn-reviews": ({"state": "open"}, {"state": "done"}, {"win_back_by": "2027-01-01"}),
    "/v1/opportunities": ({"stage": "won"}, {"owner": "ann"}),
    "/v1/kpis/retention": ({"by": "segment", "period": "quarter"},),
    "/v1/kpis/credits": ({"from": "2025-01-01", "to": "2030-01-01"},),
    "/v1/kpis/charges": ({"from": "2025-01-01", "to": "2030-01-01"},),
    "/v1/renewals": ({"from": "2025-01-01", "to": "2030-01-01"},),
}
"""What is asked besides a route with nothing but its moment."""
TURNS = 4
"""Each question is asked after every fourth step."""
Question = tuple[str, tuple[tuple[str, str], ...]]


class Recorded:
    """The service, and what it answered when."""

    def __init__(self, office: Office, runner: asyncio.Runner) -> None:
        self.office = office
        self.runner = runner
        self.contracts: list[str] = []
        self.opportunities: list[str] = []
        self.steps = 0
        self.answers: dict[tuple[datetime, Question], Any] = {}

    def run(self, coroutine: Any) -> Any:
        return self.runner.run(coroutine)

    @property
    def today(self) -> date:
        return self.office.clock.now().date()

    def begins(self) -> None:
        """Three contracts, one of them lost and one within grace, and an opportunity; nothing of the example before."""
        self.contracts, self.opportunities, self.answers = [], [], {}
        self.run(self._cleared())
        self.office.clock.move_to(START)
        self.a_contract_is_entered("acme", 400, 12, "cancel", 0, renews=False)
        self.a_contract_is_entered("bolt", 364, 12, "cancel", 45, renews=False)
        self.a_contract_is_entered("acme", 200, 6, "renew", 0, renews=False)
        self.an_opportunity_is_entered("acme", "ann")

    async def _cleared(self) -> None:
        async with self.office.service.chassis.database.engine.begin() as connection:
            names = (
                await connection.execute(
                    text("SELECT tablename FROM pg_tables WHERE schemaname = 'renewals' AND tablename <> ALL(:kept)"),
                    {"kept": list(KEPT)},
                )
            ).scalars()
            tables = ", ".join(f"renewals.{name}" for name in names)
            await connection.execute(text(f"TRUNCATE {tables} RESTART IDENTITY CASCADE"))

    # What is recorded. A refusal (too late, not churned, unknown) is an answer like any other, and records nothing.

    def a_contract_is_entered(
        self, account: str, ago: int, months: int, at_end: str, grace: int, *, renews: bool
    ) -> None:
        body = {
            "account_id": account,
            "kind": "recurring",
            "start": f"{self.today - ago * DAY}",
            "term_months": months,
            "amount": {"amount": f"{100 * months}.00", "currency": "EUR"},
            "at_end": at_end,
            "grace_days": grace,
            "seats": 10,
            "entitlements": {"prepaid_balance": 300},
            "zone": "Pacific/Auckland" if ago == 10 else "UTC",
        }
        if renews and self.contracts:
            body["renews"] = self.contracts[-1]
        answer = self._send("POST", "/v1/contracts", body)
        if answer.is_success and len(self.contracts) < 3:
            self.contracts.append(answer.json()["id"])
        self._asks()

    def a_change_is_backdated(self, which: int, days: int, amount: str) -> None:
        body = {"effective": f"{self.today + days * DAY}", "amount": {"amount": amount, "currency": "EUR"}, "seats": 7}
        self._of(which, "POST", "/changes", body)

    def a_contract_is_cancelled(self, which: int, days: int) -> None:
        body = {"effective": f"{self.today + days * DAY}", "reason": "closed down"}
        self._of(which, "POST", "/cancellation", body)

    def a_cancellation_is_withdrawn(self, which: int) -> None:
        self._of(which, "DELETE", "/cancellation")

    def a_term_is_renewed_by_hand(self, which: int, months: int) -> None:
        self._of(which, "POST", "/renewals", {"term_months": months, "amount": {"amount": "900", "currency": "EUR"}})

    def a_contract_changes_hands(self, which: int, into: str, days: int) -> None:
        body = {"account_id": into, "effective": f"{self.today + days * DAY}", "reason": "sold"}
        self._of(which, "POST", "/assignment", body)

    def accounts_are_merged(self, account: str, into: str) -> None:
        self._send("POST", f"/v1/accounts/{account}/merger", {"into": into, "effective": f"{self.today}"})
        self._asks()

    def a_lost_term_is_reviewed(self, which: int, term: int, reason: str, *, is_done: bool) -> None:
        said = {"reason": reason, "was_expected": True, "was_avoidable": False, "was_good_customer": True}
        self._of_term(which, term, "review", {**said, "win_back_on": f"{self.today + 30 * DAY}", "is_done": is_done})

    def credit_is_split(self, which: int, term: int, days: int) -> None:
        shares = [
            {"person": "ann", "share": "0.6", "on": f"{self.today}"},
            {"person": "bob", "share": "0.4", "on": f"{self.today + days * DAY}"},
        ]
        self._of_term(which, term, "credit", {"credits": shares})

    def a_call_is_said(self, which: int, term: int, probability: str) -> None:
        amount = {"amount": "700.00", "currency": "EUR"}
        body = {"category": "commit", "probability": probability, "amount": amount, "note": "asked them"}
        self._of_term(which, term, "calls/csm", body)

    def a_renewal_is_handed_over(self, which: int, owner: str) -> None:
        self._of_term(which, 1, "owner", {"owner": owner, "reason": "on leave"})

    def a_charge_is_recorded(self, which: int, days: int, quantity: str) -> None:
        body = {"kind": "top_up", "metric": "prepaid_balance", "quantity": quantity, "on": f"{self.today + days * DAY}"}
        self._of(which, "POST", "/charges", {**body, "amount": {"amount": quantity, "currency": "EUR"}})

    def use_is_stated_or_corrected(self, account: str, ago: int, used: float, hour: int) -> None:
        at = f"{self.today - ago * DAY}T{hour:02}:00"
        self._tick()
        self.run(
            hears(self.office, uses(account, "prepaid_balance", at, used=used), uses(account, "seats", at, used=used))
        )
        self._asks()

    def an_account_becomes_another(self, account: str, segment: str, tier: str | None) -> None:
        self._tick()
        at = f"{self.office.clock.now():%Y-%m-%dT%H:%M:%S}"
        record = account_record(account, at=at, segment=segment, tier=tier, owner="ann", industry=f"{segment} things")
        self.run(self.office.learns(record))
        self.run(self.office.it_is(self.office.clock.now()))
        self._asks()

    def a_source_states_a_contract(self, which: int, *, links: bool) -> None:
        """The one after a contract of the beginning; which that is, the source may say at once, later, or never."""
        account, first, last = (("acme", "2025-12-01", "2026-11-30"), ("bolt", "2026-01-06", "2027-01-05"))[which]
        self._tick()
        said = {"ident": f"S-{account}", "account": account, "at_end": "cancel"}
        if links:
            said["predecessor_id"] = self.contracts[which]
        self.run(states(self.office, fact(f"{self.office.clock.now():%Y-%m-%dT%H:%M}", term(first, last), **said)))
        self._asks()

    def an_opportunity_is_entered(self, account: str, owner: str | None) -> None:
        answer = self._send("POST", "/v1/opportunities", {"account_id": account, "kind": "service", "owner": owner})
        if answer.is_success and len(self.opportunities) < 2:
            self.opportunities.append(answer.json()["id"])
        self._asks()

    def an_opportunity_goes_on(self, which: int, stage: str, owner: str | None) -> None:
        if which < len(self.opportunities):
            said = {"stage": stage, "owner": owner, "amount": {"amount": "10.01", "currency": "EUR"}, "reason": "so"}
            shares = [{"person": "bob", "share": "0.5"}, {"person": "ann", "share": "0.5", "on": f"{self.today + DAY}"}]
            self._send("PATCH", f"/v1/opportunities/{self.opportunities[which]}", {**said, "credits": shares})
            self._asks()

    def inputs_are_stated(self, days: int, rate: str) -> None:
        day = f"{self.today + days * DAY}"
        cost = {"amount": f"{Decimal(rate) * 1000:.2f}", "currency": "EUR"}
        inputs = [{"acquisition_cost": cost, "gross_margin": rate}, {"segment": "large", "gross_margin": rate}]
        self._send("PUT", "/v1/exchange-rates", {"date": day, "base": "EUR", "rates": {"USD": rate, "GBP": rate}})
        self._send("PUT", "/v1/economics", {"date": day, "inputs": inputs})
        self._asks()

    def documents_are_saved(self, segment: str, days: int) -> None:
        criteria = [
            {"name": "ours", "fact": "segment", "among": [segment]},
            {"name": "field", "fact": "industry", "among": [f"{segment} things"]},
        ]
        rule_of = {"name": "all", "window_days": days, "milestone_days": [10], "owner": "csm"}
        self._send("PUT", "/v1/good-customer-criteria", {"criteria": criteria, "needed": 1})
        self._send("PUT", "/v1/renewal-policy", {"rules": [rule_of]})
        self.run(self.office.it_is(self.office.clock.now()))
        self._asks()

    def time_goes_by(self, days: int) -> None:
        self.run(self.office.it_is(self.office.clock.now() + days * DAY))
        self._asks()

    # What is asked.

    def _tick(self) -> None:
        """What is recorded at an instant is known at it, so each change has one of its own."""
        self.office.clock.advance(timedelta(minutes=1))

    def _send(self, method: str, path: str, body: Any = None) -> httpx.Response:
        self._tick()
        answer: httpx.Response = self.run(self.office.http.request(method, path, json=body))
        assert answer.status_code < 500, answer.text
        return answer

    def _of(self, which: int, method: str, path: str, body: Any = None) -> None:
        if which < len(self.contracts):
            self._send(method, f"/v1/contracts/{self.contracts[which]}{path}", body)
            self._asks()

    def _of_term(self, which: int, term: int, path: str, body: Any) -> None:
        if which < len(self.contracts):
            self._send("PUT", f"/v1/renewals/{self.contracts[which]}.{term}/{path}", body)
            self._asks()

    def _asks(self) -> None:
        self._tick()  # calls and milestones may have been made since
        self.steps += 1
        for number, question in enumerate(self._questions()):
            if (number + self.steps) % TURNS == 0:
                self.answers[self.office.clock.now(), question] = self.run(self._answer(question))

    def _questions(self) -> Iterator[Question]:
        names = {
            "contract_id": self.contracts,
            "term_id": [f"{contract_id}.1" for contract_id in self.contracts],
            "opportunity_id": self.opportunities,
        }
        for path, taken in routes(self.office):
            placeholder = next((name for name in names if f"{{{name}}}" in path), None)
            paths = [path.replace(f"{{{placeholder}}}", each) for each in names[placeholder]] if placeholder else [path]
            for each in paths:
                for more in ({}, {"as_of": f"{self.today - 15 * DAY}"}, *MORE.get(path, ())):
                    asked = {**(ALL if "limit" in taken else {}), **more}
                    yield each, tuple(sorted(asked.items()))

    async def _answer(self, question: Question, **moment: str) -> Any:
        """Every page of an answer; a refusal as its code."""
        path, asked = question
        data: list[Any] = []
        query = {**dict(asked), **moment}
        while True:
            answer = await self.office.http.get(path, params=query)
            assert answer.status_code < 500, answer.text
            if answer.status_code != 200:
                return answer.json()["code"]
            if not answer.headers["Content-Type"].startswith("application/json"):
                return answer.text
            page = _as_it_was_kept(answer.json())
            if "next_cursor" not in page:
                return page
            data += page.pop("data")
            cursor = page.pop("next_cursor")
            if cursor is None:
                return {**page, "data": data}
            query = {**dict(asked), "cursor": cursor, **moment}

    def is_asked_again(self) -> None:
        """Whether each question is answered as it was."""
        for (instant, question), was in self.answers.items():
            now = self.run(self._answer(question, known_at=instant.isoformat()))
            if "known_at" in (was if isinstance(was, dict) else ()):
                assert datetime.fromisoformat(was.pop("known_at")) == datetime.fromisoformat(now.pop("known_at"))
            assert now == was, (f"{instant}", question)


def routes(office: Office) -> Iterator[tuple[str, frozenset[str]]]:
    """Every route that takes `known_at`, with its parameters: one that is new is asked too."""
    for path, operations in sorted(office.app.openapi()["paths"].items()):
        taken = frozenset(each["name"] for each in operations.get("get", {}).get("parameters", ()))
        if "known_at" in taken:
            assert "as_of" in taken, path
            yield path, taken


def _as_it_was_kept(answer: dict[str, Any]) -> dict[str, Any]:
    """Without the owner of closed renewals: now it is who had it as it was closed, which the past does not know."""
    for each in [answer, *answer.get("data", ())]:
        if "milestones" in each or "days_left" in each:
            each.pop("owner" if each["state"] in {"renewed", "churned"} else "", None)
    return answer


@pytest.fixture
def recorded(migrated_url: str) -> Iterator[Recorded]:
    with asyncio.Runner() as runner:
        office = runner.run(Office.opened(migrated_url, "2026-01-05T09:00"))
        yield Recorded(office, runner)
        runner.run(office.close())


@pytest.mark.slow
@pytest.mark.timeout(900)
@settings(
    max_examples=max(3, EXAMPLES // 20),
    phases=(Phase.explicit, Phase.reuse, Phase.generate),  # on a database, shrinking takes minutes
    suppress_health_check=list(HealthCheck),
)
@given(data=st.data())
def test_what_was_answered_then_is_answered_again(recorded: Recorded, data: st.DataObject) -> None:
    recorded.begins()
    for change in data.draw(st.permutations([*CHANGES, *TWICE])):
        getattr(recorded, change)(**data.draw(CHANGES[change], label=change))
    recorded.is_asked_again()
