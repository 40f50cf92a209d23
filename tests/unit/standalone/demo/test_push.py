from collections import Counter
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from mainstay.kernel.clock import ManualClock
from standalone.demo import http, state
from standalone.demo.calls import MAX_BATCH_BYTES, MAX_BATCH_EVENTS, batch_body, batches
from standalone.demo.cast import CAST
from standalone.demo.history import History
from standalone.demo.push import Push
from standalone.demo.services import Refused, Services
from tests.unit.standalone.demo.conftest import Received, Receiver, Reply, accepts

FIRST_DAY = date(2026, 3, 4)
NOW = datetime(2026, 3, 4, 12, tzinfo=UTC)
SOME = [account for account in CAST if account.id in {"castellan-bank", "quillfeather-press", "whitestone-capital"}]


class Telling:
    """A push with the state it grows."""

    def __init__(self, receiver: Receiver, file: Path) -> None:
        self.file = file
        self.state = state.load(file) or state.State(FIRST_DAY, 1)
        self.history = History(FIRST_DAY, self.state.seed)
        self.progress: list[tuple[int, int]] = []
        services = Services(http.request, "key")
        self.push = Push(services, receiver.url, ManualClock(NOW), self.state, lambda: state.save(self.state, file))

    async def until(self, now: datetime) -> None:
        await self.push.history(SOME, self.history, now, lambda *more: self.progress.append(more))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "demo.json"


def calls(receiver: Receiver) -> list[dict[str, Any]]:
    return [call for request in receiver.received for call in request.json["batch"]]


async def test_the_whole_history_is_told_once(receiver: Receiver, file: Path) -> None:
    telling = Telling(receiver, file)

    await telling.until(NOW)

    told = calls(receiver)
    expected = {use.id for account in SOME for use in telling.history.between(account, telling.history.begins, NOW)}
    assert Counter(call["messageId"] for call in told) == dict.fromkeys(expected, 1)
    assert sum(events for events, _ in telling.progress) == len(told)
    assert sum(accounts for _, accounts in telling.progress) == len(SOME)


async def test_a_call_says_who_used_what_and_when(receiver: Receiver, file: Path) -> None:
    telling = Telling(receiver, file)
    await telling.until(NOW)
    (quill,) = (account for account in SOME if account.id == "quillfeather-press")
    use = list(telling.history.between(quill, telling.history.begins, NOW))[-1]

    (call,) = (call for call in calls(receiver) if call["messageId"] == use.id)

    assert call == {
        "type": "track",
        "messageId": use.id,
        "event": use.event,
        "userId": use.user_id,
        "timestamp": datetime.fromtimestamp(use.at, UTC).isoformat().replace("+00:00", "Z"),
        "context": {"groupId": quill.id},
        "properties": {"feature": use.feature},
    }
    assert all(request.json["sentAt"] == "2026-03-04T12:00:00Z" for request in receiver.received)


async def test_each_accounts_newest_events_go_first(receiver: Receiver, file: Path) -> None:
    await Telling(receiver, file).until(NOW)

    for account in SOME:
        times = [call["timestamp"] for call in calls(receiver) if call["context"]["groupId"] == account.id]
        assert times == sorted(times, reverse=True)


async def test_a_second_run_tells_only_what_happened_since(receiver: Receiver, file: Path) -> None:
    await Telling(receiver, file).until(NOW)
    receiver.received.clear()

    await Telling(receiver, file).until(NOW)
    assert calls(receiver) == []

    await Telling(receiver, file).until(NOW + timedelta(days=1))
    times = [datetime.fromisoformat(call["timestamp"]) for call in calls(receiver)]
    assert len(times) > 20
    assert all(NOW < at <= NOW + timedelta(days=1) for at in times)


async def test_what_was_not_confirmed_is_told_again_under_the_same_ids(receiver: Receiver, file: Path) -> None:
    def refuse_one(request: Received) -> Reply:
        first = request.json["batch"][0]["context"]["groupId"]
        return (400, {}, b'{"detail":"no"}') if first == "castellan-bank" else accepts(request)

    receiver.reply = refuse_one
    with pytest.raises(ExceptionGroup) as caught:
        await Telling(receiver, file).until(NOW)
    assert caught.group_contains(Refused)
    refused = {call["messageId"] for call in calls(receiver) if call["context"]["groupId"] == "castellan-bank"}
    receiver.received.clear()
    receiver.reply = accepts

    await Telling(receiver, file).until(NOW)

    assert refused <= {call["messageId"] for call in calls(receiver)}


async def test_facts_are_group_calls(receiver: Receiver, file: Path) -> None:
    telling = Telling(receiver, file)

    await telling.push.facts(SOME, telling.history.begins)

    assert {call["groupId"]: call["traits"] for call in calls(receiver)} == {
        account.id: {
            "name": account.name,
            "industry": account.industry,
            "owner": account.owner,
            "tier": account.tier,
            "zone": account.zone,
        }
        for account in SOME
    }
    assert {call["type"] for call in calls(receiver)} == {"group"}


async def test_the_present_moves_every_account_on(receiver: Receiver, file: Path) -> None:
    telling = Telling(receiver, file)
    await telling.until(NOW)
    later = NOW + timedelta(minutes=5)
    uses = [use for account in SOME for use in telling.history.between(account, NOW, later)]

    await telling.push.present(uses, later)

    assert set(telling.state.sent_until.values()) == {later}


def test_a_request_stays_within_segments_limits() -> None:
    small = list(batches([b"{}"] * 6_000))
    large = list(batches([b'{"x":"%b"}' % (b"y" * 30_000)] * 40))

    assert [len(batch) for batch in small] == [MAX_BATCH_EVENTS, MAX_BATCH_EVENTS, 1_000]
    assert sum(map(len, large)) == 40
    assert all(len(batch_body(batch, NOW)) < MAX_BATCH_BYTES + 100 for batch in large)
    assert list(batches([])) == []


def test_the_state_survives_and_a_missing_one_is_a_first_run(file: Path) -> None:
    assert state.load(file) is None
    grown = state.State(FIRST_DAY, 7, {"a": NOW}, {"b": FIRST_DAY})

    state.save(grown, file)

    assert state.load(file) == grown
