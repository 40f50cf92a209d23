"""What the demo remembers between runs, so that it continues where it stopped and repeats nothing."""

import os
from datetime import date, datetime
from pathlib import Path

import msgspec


class State(msgspec.Struct):
    """The day the stories are told from, and how far they were told.

    `sent_until` has, for each account, the instant up to which ingest has confirmed its history. Ids alone would not
    do: a repeated id is recognised for two weeks, and the demo may be started again after months. `woken` are silent
    accounts that came back, and the day they did. `channels` are the ids of the channels made, by name.
    """

    first_day: date
    seed: int
    sent_until: dict[str, datetime] = {}
    woken: dict[str, date] = {}
    channels: dict[str, str] = {}


def load(file: Path) -> State | None:
    """The state of earlier runs; None when this is the first. Raises `msgspec.DecodeError` for a broken file."""
    return msgspec.json.decode(file.read_bytes(), type=State) if file.exists() else None


def save(state: State, file: Path) -> None:
    """Write the state whole or not at all."""
    file.parent.mkdir(parents=True, exist_ok=True)
    fresh = file.with_suffix(".tmp")
    fresh.write_bytes(msgspec.json.format(msgspec.json.encode(state), indent=1))
    os.replace(fresh, file)  # noqa: PTH105 - atomic, in the words of POSIX
