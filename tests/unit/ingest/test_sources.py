"""Sources: their limits, and what the observer counts in memory."""

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from sqlalchemy.exc import OperationalError

from ingest.application.observing import MOST_NAMES, MOST_PROPERTIES, Observer, Seen
from ingest.application.stated import Delivery, Stated
from ingest.domain.limits import Limits
from ingest.domain.policy import Policy
from ingest.domain.sources import OwnLimits
from mainstay.contracts.ingest import UsageRecorded
from mainstay.web.keys import ApiKey

NOW = datetime(2026, 3, 2, 9, 30, 15, tzinfo=UTC)


class Pages:
    """A notebook in memory, that can be away."""

    def __init__(self) -> None:
        self.written: list[Seen] = []
        self.is_away = False

    async def add(self, seen: Seen) -> None:
        if self.is_away:
            raise OperationalError("INSERT", {}, ConnectionError("away"))
        self.written.append(seen)


def delivery(*events: tuple[str, dict[str, Any]], at: datetime = NOW, skew: float | None = None) -> Delivery:
    """What one request of the source "web" brought."""
    used = [
        UsageRecorded("acme", name, name, at, at, None, msgspec.Raw(msgspec.json.encode(properties)))
        for name, properties in events
    ]
    stated = [Stated(str(n), "urn:web", at, one, b"{}") for n, one in enumerate(used)]
    return Delivery(
        "segment",
        ApiKey("k", "k", "web", frozenset()),
        Policy("web", Limits()),
        at,
        "",
        stated=stated,
        places=list(range(len(stated))),
        skew_seconds=skew,
    )


def test_own_limits_lower_those_of_the_service_and_never_raise_them() -> None:
    limits = OwnLimits(event_bytes=2_000, events=9_999).within(Limits())
    assert limits == Limits(event_bytes=2_000, body_bytes=Limits().body_bytes, events=Limits().events)


async def test_names_properties_and_types_are_counted() -> None:
    pages = Pages()
    observer = Observer(pages)
    observer.saw(delivery(("Login", {"a": 1, "b": "x"}), ("Login", {"a": "1"}), ("Logout", {}), skew=2.0))
    later = NOW + timedelta(minutes=40)
    observer.saw(delivery(("Login", {}), at=later))
    await observer.write()

    [seen] = pages.written
    login, logout = seen.events
    assert (login.event, login.count, login.looked_at, login.first_seen, login.last_seen) == ("Login", 3, 3, NOW, later)
    assert login.properties == {("a", "integer"): 1, ("a", "string"): 1, ("b", "string"): 1}
    assert (logout.count, logout.properties) == (1, {})
    assert sum(seen.skews.values()) == 1


async def test_after_a_thousand_events_one_in_sixteen_is_looked_at() -> None:
    pages = Pages()
    observer = Observer(pages)
    for _ in range(26):
        observer.saw(delivery(*[("Login", {"a": True})] * 100))
        await observer.write()
    assert sum(seen.events[0].count for seen in pages.written) == 2_600
    assert sum(seen.events[0].looked_at for seen in pages.written) == 1_000 + 100
    assert sum(seen.events[0].properties["a", "boolean"] for seen in pages.written if seen.events[0].looked_at) == 1_100


async def test_names_and_properties_beyond_the_bounds_are_one_count() -> None:
    pages = Pages()
    observer = Observer(pages)
    observer.saw(delivery(*((f"Event {n}", {}) for n in range(MOST_NAMES + 7))))
    observer.saw(delivery(("Event 1", {**{str(n): n for n in range(MOST_PROPERTIES + 5)}, "n" * 201: 1})))
    await observer.write()

    [seen] = pages.written
    assert len(seen.events) == MOST_NAMES
    assert seen.other_events == {"web": 7}
    one = next(event for event in seen.events if event.event == "Event 1")
    assert (len(one.properties), one.other_properties) == (MOST_PROPERTIES, 6)


async def test_what_could_not_be_written_is_written_later() -> None:
    pages = Pages()
    observer = Observer(pages)
    observer.counted("web", NOW, accepted=2, refused={"name-invalid": 1}, waiting=0)
    pages.is_away = True
    with pytest.raises(OperationalError):
        await observer.write()
    observer.counted("web", NOW, accepted=3, refused={}, waiting=1, warned=2)
    pages.is_away = False
    await observer.write()
    await observer.write()

    minute = NOW.replace(second=0)
    assert [dict(seen.outcomes) for seen in pages.written] == [
        {("web", minute, "accepted"): 2, ("web", minute, "refused:name-invalid"): 1},
        {("web", minute, "accepted"): 3, ("web", minute, "waiting"): 1, ("web", minute, "warned"): 2},
    ]


def test_decoded_json_has_no_types_that_the_observer_does_not_know() -> None:
    document = b'{"a": [1, 1.5, "x", true, null, {}]}'
    kinds = {type(each) for each in msgspec.json.decode(document)["a"]}
    assert kinds == {int, float, str, bool, type(None), dict}
