"""What the demo remembers between runs, so that it continues where it stopped and repeats nothing."""

from datetime import date, datetime
from pathlib import Path

import msgspec

from standalone.folders import write_private


class State(msgspec.Struct):
    """The day the stories are told from, and how far they were told.

    `sent_until` has, for each account, the instant up to which ingest has confirmed its history. Ids alone would not
    do: a repeated id is recognised for two weeks, and the demo may be started again after months. `woken` are silent
    accounts that came back, and the day they did.
    """

    first_day: date
    seed: int
    sent_until: dict[str, datetime] = {}
    woken: dict[str, date] = {}


def load(file: Path) -> State | None:
    """The state of earlier runs; None when this is the first. Raises `msgspec.DecodeError` for a broken file."""
    return msgspec.json.decode(file.read_bytes(), type=State) if file.exists() else None


def save(state: State, file: Path) -> None:
    """Write the state whole or not at all."""
    write_private(file, msgspec.json.format(msgspec.json.encode(state), indent=1).decode())
