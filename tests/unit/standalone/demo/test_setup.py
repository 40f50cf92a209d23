import json
from datetime import date
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest

from alerts.api.people_schemas import PersonBody
from standalone.demo import http
from standalone.demo.cast import AMELIA, CAST, SOFIA
from standalone.demo.contracts import contract_of
from standalone.demo.services import Services
from standalone.demo.settings import DemoSettings, NoAdminKey
from standalone.demo.setup import enter_contracts, open_channels
from standalone.demo.team import NADIA, enter_people
from tests.unit.standalone.demo.conftest import Received, Receiver, Reply


class Shelf:
    """Keeps what is posted and lists it, as renewals does with contracts and alerts with channels."""

    def __init__(self) -> None:
        self.things: list[dict[str, Any]] = []

    def __call__(self, request: Received) -> Reply:
        if request.method == "POST":
            thing = {"id": f"t{len(self.things)}", **request.json}
            self.things.append(thing)
            secret = f"whsec_{thing['id']}" if thing.get("kind") == "webhook" else None
            return 201, {}, json.dumps(thing | {"secret": secret}).encode()
        if request.method == "DELETE":
            self.things = [thing for thing in self.things if not request.path.endswith(f"/{thing['id']}")]
            return 204, {}, b""
        return 200, {}, json.dumps({"data": self.things, "next_cursor": None}).encode()


@pytest.fixture
def shelf(receiver: Receiver) -> Shelf:
    shelf = Shelf()
    receiver.reply = shelf
    return shelf


@pytest.fixture
def settings(receiver: Receiver, tmp_path: Path) -> DemoSettings:
    return DemoSettings(alerts_port=int(receiver.url.rpartition(":")[2]), inbox_port=8009, home=tmp_path)


@pytest.fixture
def services() -> Services:
    return Services(http.request, "key")


async def test_contracts_that_are_there_are_not_entered_again(
    shelf: Shelf, receiver: Receiver, services: Services
) -> None:
    contracts = [contract_of(account, date(2026, 3, 4)) for account in CAST[:5]]

    assert await enter_contracts(services, receiver.url, contracts[:3]) == 3
    assert await enter_contracts(services, receiver.url, contracts) == 2

    assert sorted(thing["external_id"] for thing in shelf.things) == sorted(each.external_id for each in contracts)
    keys = [request.headers["idempotency-key"] for request in receiver.received if request.method == "POST"]
    assert sorted(keys) == sorted(each.external_id for each in contracts)


async def test_two_channels_lead_to_the_inbox_and_its_secret_is_left_there(
    shelf: Shelf, services: Services, settings: DemoSettings
) -> None:
    await open_channels(services, settings)
    made = list(shelf.things)
    await open_channels(services, settings)

    assert shelf.things == made
    assert {thing["kind"]: thing.get("url") or thing["to"] for thing in made} == {
        "slack": "http://127.0.0.1:8009/chat/customer-success",
        "webhook": "http://127.0.0.1:8009/webhooks/csm-platform",
    }
    (webhook,) = (thing for thing in made if thing["kind"] == "webhook")
    assert settings.webhook_secrets_file.read_text() == f"whsec_{webhook['id']}\n"
    assert settings.webhook_secrets_file.stat().st_mode & 0o777 == 0o600


async def test_a_webhook_whose_secret_got_lost_is_made_anew(
    shelf: Shelf, services: Services, settings: DemoSettings
) -> None:
    await open_channels(services, settings)
    settings.webhook_secrets_file.unlink()

    await open_channels(services, settings)

    (webhook,) = (thing for thing in shelf.things if thing["kind"] == "webhook")
    assert len(shelf.things) == 2
    assert settings.webhook_secrets_file.read_text() == f"whsec_{webhook['id']}\n"


async def test_the_team_is_entered_with_a_leave_and_a_deputy(
    shelf: Shelf, receiver: Receiver, services: Services, settings: DemoSettings
) -> None:
    await enter_people(services, settings, date(2026, 3, 4))

    bodies = {unquote(request.path).rpartition("/")[2]: request.json["person"] for request in receiver.received}
    assert bodies.keys() == {account.owner for account in CAST} | {NADIA}
    assert bodies[SOFIA]["leaves"] == [{"first": "2026-03-04", "last": "2026-03-11", "deputy": AMELIA}]
    for request in receiver.received:
        PersonBody.model_validate(request.json)
    assert shelf.things == []


def test_the_ports_are_those_of_the_services(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("MAINSTAY_HOME", str(tmp_path))
    monkeypatch.setenv("MAINSTAY_HEALTH_SCORE_PORT", "9002")
    monkeypatch.setenv("MAINSTAY_HOST", "0.0.0.0")  # noqa: S104 - bound by services, never here

    settings = DemoSettings()

    assert settings.health_score_url == "http://127.0.0.1:9002"
    assert settings.ingest_url == "http://127.0.0.1:8001"
    assert settings.state_file == tmp_path / "demo.json"


def test_without_an_admin_key_the_reason_is_said(tmp_path: Path) -> None:
    settings = DemoSettings(home=tmp_path)

    with pytest.raises(NoAdminKey, match="`mainstay up` writes one"):
        settings.admin_key()
    (tmp_path / "admin.key").write_text("mst_x\n")
    assert settings.admin_key() == "mst_x"
