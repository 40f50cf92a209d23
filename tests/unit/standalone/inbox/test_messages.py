from datetime import UTC, datetime
from pathlib import Path

import pytest

from standalone.inbox.messages import Box, Message

AT = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)


def message(number: int, channel: str = "chat") -> Message:
    return Message(f"m{number}", channel, AT, f"title {number}", "#cs", delivery_id=f"d{number}")  # type: ignore[arg-type] # the cases name channels as text


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "state" / "inbox.ndjson"


def ids(box: Box) -> list[str]:
    return [kept.id for kept in box.newest()]


def test_the_newest_come_first_and_the_oldest_leave(file: Path) -> None:
    box = Box(file, capacity=3)
    for number in range(5):
        box.add(message(number))

    assert ids(box) == ["m4", "m3", "m2"]


def test_messages_survive_a_restart_whole(file: Path) -> None:
    box = Box(file, capacity=10)
    whole = Message(
        "m1",
        "webhook",
        AT,
        "mainstay.alert.opened.v1",
        "team-tools",
        sender="x",
        blocks=({"type": "divider"},),
        payload={"a": [1, None]},
        verified=False,
        delivery_id="d1",
        repeated=True,
    )
    box.add(whole)

    assert Box(file, capacity=10).newest() == [whole]


def test_a_restart_after_a_kill_in_the_middle_of_a_line_keeps_the_rest(file: Path) -> None:
    box = Box(file, capacity=10)
    box.add(message(1))
    box.add(message(2))
    file.write_bytes(file.read_bytes()[:-20])

    reopened = Box(file, capacity=10)
    reopened.add(message(3))

    assert ids(Box(file, capacity=10)) == ["m3", "m1"]


def test_the_file_stays_as_small_as_the_box(file: Path) -> None:
    box = Box(file, capacity=5)
    for number in range(200):
        box.add(message(number))

    assert len(file.read_bytes().splitlines()) <= 10
    assert ids(Box(file, capacity=5)) == ["m199", "m198", "m197", "m196", "m195"]


def test_a_channel_and_a_limit_narrow_the_list(file: Path) -> None:
    box = Box(file, capacity=10)
    for number, channel in enumerate(("chat", "email", "chat", "webhook", "chat")):
        box.add(message(number, channel))

    assert [kept.id for kept in box.newest("chat", limit=2)] == ["m4", "m2"]
    assert box.counts() == {"chat": 3, "email": 1, "webhook": 1}


def test_cleared_is_cleared_after_a_restart_too(file: Path) -> None:
    box = Box(file, capacity=10)
    box.add(message(1))
    before = box.changes

    box.clear()

    assert box.changes > before
    assert ids(box) == []
    assert ids(Box(file, capacity=10)) == []


def test_a_senders_id_is_known_while_its_message_is_here(file: Path) -> None:
    box = Box(file, capacity=1)
    box.add(message(1))
    assert box.has_delivery("d1")

    box.add(message(2))
    assert not box.has_delivery("d1")
