"""Ids and names as senders may write them.

Each rule first asks what nearly every text passes (`isprintable` is C, and refuses more than we do), without another
call: ingest looks at five of them in each event.
"""

import re
from collections.abc import Collection
from functools import cache, lru_cache
from zoneinfo import available_timezones

from ingest.domain.refusal import Refused

LONGEST_ID = 200
LONGEST_MESSAGE_ID = 99
"""Segment: "messageId under 100 characters"."""
LONGEST_NAME = 500
JUNK = frozenset(
    {
        *("", "null", "(null)", "<null>", "nil", "<nil>", "none", "undefined", "nan", "inf", "infinity"),
        *("true", "false", "0", "-1", "{}", "[]", "[object object]", "00000000-0000-0000-0000-000000000000"),
        *("id", "email", "distinctid", "distinct_id", "anonymous", "guest", "not_authenticated"),
    }
)
"""What programs write where they have no id, in small letters; many people would become one under it.

The list is that of PostHog (`is_distinct_id_illegal`), with what Go, Objective-C and empty objects print.
"""

_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f]")
"""C0, DEL and C1."""
_NO_PLACES = {"localtime", "Factory"}
"""Files beside the zones: whatever each machine is set to, and a mark that nobody set it."""


def account_id(stated: str, pointer: str) -> str:
    """An account's id: the customer's own string of 1 to 200 characters. Raises `Refused`."""
    if len(stated) <= LONGEST_ID and _is_good_id(stated):
        return stated
    return _checked_id(stated, "account-id-invalid", "An account id", pointer)


def user_id(stated: str, pointer: str) -> str:
    """The product's id of a user, 1 to 200 characters. Raises `Refused`."""
    if len(stated) <= LONGEST_ID and _is_good_id(stated):
        return stated
    return _checked_id(stated, "user-id-invalid", "A user id", pointer)


def message_id(stated: str) -> str:
    """A Segment call's own id, 1 to 99 characters. Raises `Refused`."""
    if 0 < len(stated) <= LONGEST_MESSAGE_ID and stated.isprintable():
        return stated
    return _checked(stated, LONGEST_MESSAGE_ID, "event-id-invalid", "A messageId", "/messageId")


def event_id(stated: str, pointer: str) -> str:
    """Half of what names a CloudEvent, its id or its source, 1 to 200 characters. Raises `Refused`."""
    return _checked(stated, LONGEST_ID, "event-id-invalid", "An event's id or source", pointer)


def name(stated: str, pointer: str) -> str:
    """A name of anything else, 1 to 500 characters. Raises `Refused`."""
    if 0 < len(stated) <= LONGEST_NAME and stated.isprintable():
        return stated
    return _checked(stated, LONGEST_NAME, "name-invalid", "A name", pointer)


def are_plain(stated: Collection[str], longest: int) -> bool:
    """Whether texts surely have 1 to `longest` characters each, none of them a control character.

    Asked of all at once, because a call for each costs more than the question. False of none.
    """
    sizes = set(map(len, stated))
    return bool(sizes) and 0 not in sizes and max(sizes) <= longest and "".join(stated).isprintable()


def are_plain_ids(stated: Collection[str]) -> bool:
    """Whether texts surely are ids of accounts or users."""
    return are_plain(stated, LONGEST_ID) and JUNK.isdisjoint(map(str.lower, map(str.strip, stated)))


def zone(stated: str, pointer: str) -> str:
    """A time zone of the IANA database, such as Europe/Berlin. Raises `Refused`."""
    if stated in _zones():
        return stated
    raise Refused("zone-unknown", "A zone is a name of the IANA time zone database, such as Europe/Berlin.", pointer)


def _checked(stated: str, longest: int, code: str, what: str, pointer: str) -> str:
    if 0 < len(stated) <= longest and not _CONTROL.search(stated):
        return stated
    raise Refused(code, f"{what} has 1 to {longest} characters, none of them a control character.", pointer)


@lru_cache(maxsize=65_536)
def _is_good_id(stated: str) -> bool:
    """Whether an id of no more than `LONGEST_ID` characters is plainly right.

    Remembered (0.04 µs), because ids repeat and these questions take 0.2 µs; longer ones would fill memory.
    """
    return bool(stated) and stated.isprintable() and not _is_junk(stated)


def _is_junk(stated: str) -> bool:
    return stated.strip().lower() in JUNK


def _checked_id(stated: str, code: str, what: str, pointer: str) -> str:
    _checked(stated, LONGEST_ID, code, what, pointer)
    if _is_junk(stated):
        raise Refused(
            code, f"{what} names somebody; {stated!r:.60} is what a program writes where it has none.", pointer
        )
    return stated


@cache
def _zones() -> frozenset[str]:
    return frozenset(available_timezones() - _NO_PLACES)
