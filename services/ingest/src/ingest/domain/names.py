"""Ids and names as senders may write them."""

import re
from functools import cache
from zoneinfo import available_timezones

from ingest.domain.refusal import Refused

LONGEST_ID = 200
LONGEST_MESSAGE_ID = 99
"""Segment: "messageId under 100 characters"."""
LONGEST_NAME = 500

_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f]")


def is_name(text: str, longest: int) -> bool:
    """Whether a text has 1 to `longest` characters, is not blank, and holds no control character (C0, DEL, C1)."""
    return (
        0 < len(text) <= longest
        and (text.isprintable() or not _CONTROL.search(text))  # isprintable is quick, and refuses more than we do
        and not text.isspace()
    )


def account_id(stated: str, pointer: str) -> str:
    """An account's id: the customer's own string of 1 to 200 characters. Raises `Refused`."""
    if is_name(stated, LONGEST_ID):
        return stated
    raise Refused("account-id-invalid", _rule("An account id", LONGEST_ID), pointer)


def user_id(stated: str, pointer: str) -> str:
    """The product's id of a user, 1 to 200 characters. Raises `Refused`."""
    if is_name(stated, LONGEST_ID):
        return stated
    raise Refused("user-id-invalid", _rule("A user id", LONGEST_ID), pointer)


def event_id(stated: str, pointer: str, longest: int) -> str:
    """A sender's id of one event. Raises `Refused`."""
    if is_name(stated, longest):
        return stated
    raise Refused("event-id-invalid", _rule("An event's id", longest), pointer)


def name(stated: str, pointer: str) -> str:
    """A name of anything else, 1 to 500 characters. Raises `Refused`."""
    if is_name(stated, LONGEST_NAME):
        return stated
    raise Refused("name-invalid", _rule("A name", LONGEST_NAME), pointer)


def zone(stated: str, pointer: str) -> str:
    """A time zone of the IANA database, such as Europe/Berlin. Raises `Refused`."""
    if stated in _zones():
        return stated
    raise Refused("zone-unknown", "A zone is a name of the IANA time zone database, such as Europe/Berlin.", pointer)


def _rule(what: str, longest: int) -> str:
    return f"{what} has 1 to {longest} characters, not all blank and none of them a control character."


@cache
def _zones() -> frozenset[str]:
    return frozenset(available_timezones())
