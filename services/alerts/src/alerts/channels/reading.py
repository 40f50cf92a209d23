"""What is made of a rendered template: a card or a text that the vendor takes, or a reason why it does not."""

import json
from typing import Any

from alerts.channels.rendering import TooLong

Json = dict[str, Any]


def card(rendered: str) -> Json:
    """The JSON object that a template prints. Raises ValueError."""
    try:
        made = json.loads(rendered)
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error
    if not isinstance(made, dict):
        raise ValueError("it is not a JSON object")  # noqa: TRY004 - as every other mistake in a template
    return made


def encoded(body: Json, most: int | None = None) -> bytes:
    """The body as JSON in UTF-8, in at most so many bytes. Raises `TooLong`."""
    written = json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
    if most is not None and len(written) > most:
        raise TooLong(f"{len(written)} bytes; {most} are the limit")
    return written


def text(rendered: str, most: int) -> str:
    """The text that a template prints, without empty lines around it, in at most so many bytes. Raises `TooLong`."""
    written = "\n".join(line.rstrip() for line in rendered.strip().split("\n"))
    if not written:
        raise ValueError("it is empty")
    if len(written.encode()) > most:
        raise TooLong(f"{len(written.encode())} bytes; {most} are the limit")
    return written
