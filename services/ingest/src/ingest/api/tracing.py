"""The ids by which a request is found again: W3C trace context and X-Request-Id."""

import re
from random import Random

_TRACEPARENT = re.compile(r"00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")
_chance = Random()  # noqa: S311 - ids are to differ, not to be secret; the system's source takes 1.5 µs a request
_REQUEST_ID = re.compile(rb"[!-~]{1,128}")


def traceparent_of(stated: str | None, otherwise: str = "") -> str:
    """The stated `traceparent` where it is valid, else the other one, or a new one.

    https://www.w3.org/TR/trace-context/ says what is valid.
    """
    if stated and _TRACEPARENT.fullmatch(stated):
        return stated
    if otherwise:
        return otherwise
    fresh = f"{_chance.getrandbits(192):048x}"
    return f"00-{fresh[:32]}-{fresh[32:]}-01"


def stated_traceparent(stated: str | None) -> str | None:
    """The stated `traceparent` where it is valid."""
    return stated if stated and _TRACEPARENT.fullmatch(stated) else None


def trace_id(traceparent: str) -> str:
    """The trace's own id in a `traceparent`."""
    return traceparent[3:35]


def request_id_of(stated: bytes | None, traceparent: str) -> bytes:
    """The caller's X-Request-Id where it is 1 to 128 visible ASCII characters, else the trace's id."""
    if stated is not None and _REQUEST_ID.fullmatch(stated):
        return stated
    return trace_id(traceparent).encode()
