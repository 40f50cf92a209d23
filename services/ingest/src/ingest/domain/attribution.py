"""Who used what: account, user and feature of a call."""

from ingest.domain import names
from ingest.domain.refusal import Refused

ANONYMOUS = "anonymous:"
"""Prefix of a user id where only the product's anonymous id is known."""


def user_of(user: str | None, anonymous: str | None) -> str:
    """The user's id; `anonymous:<id>` for a visitor who has not signed in. Raises `Refused` where there is neither."""
    if user is not None:
        return names.user_id(user, "/userId")
    if anonymous is not None:
        return ANONYMOUS + names.user_id(anonymous, "/anonymousId")
    raise Refused("user-missing", "The call names nobody: send userId, or anonymousId before the sign-in.", "/userId")


def users_of(user: str | None, anonymous: str | None) -> list[str]:
    """Every id under which the one who called is known. Raises `Refused`."""
    found = [] if user is None else [names.user_id(user, "/userId")]
    if anonymous is not None:
        found.append(ANONYMOUS + names.user_id(anonymous, "/anonymousId"))
    return found


def feature_of(event: str, stated: object, pointer: str) -> str:
    """The feature that was used: as stated, where that is a text that says something, else the event's name."""
    if isinstance(stated, str) and stated:
        return names.name(stated, pointer)
    return event
