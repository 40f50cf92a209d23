"""A batch of nothing but good track calls, read at once: nearly every batch there is.

Questions asked of whole lists are answered in C, and most rules have something to say about each name only once.
"""

from collections.abc import Sequence
from datetime import UTC

import msgspec

from ingest.api import json
from ingest.api.segment import Calls, decode_call
from ingest.application.stated import Stated
from ingest.domain import names
from ingest.domain.occurrence import EARLIEST
from mainstay.contracts.ingest import UsageRecorded


def read_tracks(body: bytes, items: Sequence[msgspec.Raw], calls: Calls) -> list[Stated] | None:
    """What `Calls.read` says of each call; None where any is not plain: then they are to be read one by one.

    Plain is a track call with a messageId, userId, account and a time in UTC, by a clock that is right, that no rule
    has anything against.
    """
    if not items or calls.clock.skew or json.may_hold_nul(body) or max(map(len, items)) > calls.most:
        return None
    decode_object = json.decode_object
    try:
        read = list(map(decode_call.decode, items))
        if {(call.type, call.sent_at) for call in read} != {("track", None)}:
            return None
        if not json.are_plain([call.properties for call in read]):
            return None
        ids = [call.message_id for call in read if call.message_id is not None]
        users = [call.user_id for call in read if isinstance(call.user_id, str)]
        accounts = [group for call in read if isinstance(group := calls.group_of(call), str)]
        times = [at for call in read if (at := call.original_timestamp or call.timestamp) is not None]
        events = [call.event for call in read if call.event is not None]
        if not len(ids) == len(users) == len(accounts) == len(times) == len(events) == len(read):
            return None
        if {at.tzinfo for at in times} != {UTC} or min(times) < EARLIEST or max(times) > calls.clock.latest:
            return None
        features, properties = [], []
        for call, event in zip(read, events, strict=True):
            found = decode_object(call.properties)  # let go of at once: kept, those of a batch cost twice as much
            stated = found.get("feature") if found else None
            features.append(stated if isinstance(stated, str) and stated else event)
            properties.append(call.properties if found else json.NO_JSON)
        if not (
            names.are_plain(ids, names.LONGEST_MESSAGE_ID)
            and names.are_plain_ids(users)
            and names.are_plain_ids(set(accounts))
            and names.are_plain({*events, *features}, names.LONGEST_NAME)
        ):
            return None
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return None
    received_at, source = calls.clock.received_at, calls.source
    return [
        Stated(id_, source, at, UsageRecorded(account, event, feature, at, received_at, user, attached), item)
        for id_, at, account, event, feature, user, attached, item in zip(
            ids, times, accounts, events, features, users, properties, items, strict=True
        )
    ]
