"""The messages of the inbox: kept in memory, bounded, and written to a file so that they survive a restart."""

import os
from collections import Counter, deque
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Literal, get_args

import msgspec

Channel = Literal["chat", "email", "webhook"]
CHANNELS: tuple[Channel, ...] = get_args(Channel)


class Message(msgspec.Struct, frozen=True, omit_defaults=True):
    """One message as it arrived.

    `title` is what a list shows of it, `to` the chat channel, the addresses or the webhook's name. `blocks` are
    Slack's, `payload` is a webhook's JSON. `verified` says whether a webhook's signature was right (null: no secret
    is known here); `delivery_id` is the sender's id, and `repeated` says that it had arrived before.
    """

    id: str
    channel: Channel
    received_at: datetime
    title: str
    to: str
    text: str = ""
    sender: str | None = None
    blocks: tuple[dict[str, Any], ...] = ()
    payload: Any = None
    verified: bool | None = None
    delivery_id: str | None = None
    repeated: bool = False


class Box:
    """The newest `capacity` messages. Every message is in the file before `add` returns."""

    def __init__(self, file: Path, capacity: int) -> None:
        self._file = file
        self._capacity = capacity
        self._messages: deque[Message] = deque(maxlen=capacity)
        self._lines = 0
        self.changes = 0  # how often the box changed since it was opened: lets a page ask cheaply
        self._load()

    def add(self, message: Message) -> None:
        """Keep a message; beyond the capacity the oldest one leaves."""
        self._messages.append(message)
        self.changes += 1
        if self._lines >= 2 * self._capacity:
            self._rewrite()
            return
        with self._file.open("ab") as file:
            file.write(msgspec.json.encode(message) + b"\n")
        self._lines += 1

    def newest(self, channel: Channel | None = None, limit: int | None = None) -> Sequence[Message]:
        """The messages, newest first; of one channel, at most so many, where asked."""
        wanted = [message for message in reversed(self._messages) if channel in {None, message.channel}]
        return wanted[:limit]

    def counts(self) -> dict[Channel, int]:
        """How many messages each channel has."""
        counted = Counter(message.channel for message in self._messages)
        return {channel: counted[channel] for channel in CHANNELS}

    def has_delivery(self, delivery_id: str) -> bool:
        """Whether a message with this sender's id is here already."""
        return any(message.delivery_id == delivery_id for message in self._messages)

    def clear(self) -> None:
        """Forget every message, in the file too."""
        self._messages.clear()
        self.changes += 1
        self._rewrite()

    def _load(self) -> None:
        self._file.parent.mkdir(parents=True, exist_ok=True)
        if not self._file.exists():
            return
        decoder = msgspec.json.Decoder(Message)
        for line in self._file.read_bytes().splitlines():
            try:
                self._messages.append(decoder.decode(line))
            except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
                continue  # the last line of a process that was killed while it wrote
        self._rewrite()

    def _rewrite(self) -> None:
        fresh = self._file.with_suffix(".tmp")
        fresh.write_bytes(b"".join(msgspec.json.encode(message) + b"\n" for message in self._messages))
        os.replace(fresh, self._file)  # noqa: PTH105 - replace is atomic, and Path.replace is the same call
        self._lines = len(self._messages)
