"""What names an event that is put aside."""

from datetime import UTC, datetime

import msgspec

from ingest.api import json
from ingest.application.quarantine import LONGEST_TEXT, State, of_refused, of_waiting
from ingest.application.stated import NOBODYS, Delivery, RefusedEvent, Stated
from ingest.domain.limits import Limits
from ingest.domain.policy import Policy
from ingest.domain.refusal import Refused
from mainstay.contracts.ingest import UsageRecorded
from mainstay.web.keys import ApiKey

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def delivery(source: str = "product", protocol: str = "segment") -> Delivery:
    key = ApiKey("k1", "tests", source, frozenset())
    return Delivery(protocol, key, Policy(source, Limits()), NOW, TRACE, around=b'{"groupId":"acme"}')


def refused(document: bytes = b"{}", event_id: str | None = "m1", code: str = "event-missing") -> RefusedEvent:
    return RefusedEvent(0, document, Refused(code, "Send event.", "/event"), event_id)


def test_an_event_is_named_by_its_source_its_id_and_the_kind_of_reason() -> None:
    named = of_refused(delivery(), refused(b"1")).digest

    assert of_refused(delivery(), refused(b"2")).digest == named
    others = (
        of_refused(delivery("other"), refused()),
        of_refused(delivery(protocol="sensors"), refused()),
        of_refused(delivery(), refused(event_id="m2")),
        of_refused(delivery(), refused(code="plan-violated")),
        of_refused(delivery(), refused(event_id=None)),
    )
    assert len({named, *(each.digest for each in others)}) == 6


def test_an_event_that_waits_is_one_whatever_it_waits_for() -> None:
    stated = Stated("m1", "product", NOW, UsageRecorded(NOBODYS, "Opened", "Opened", NOW, NOW, "ann"), b"{}")

    unknown = of_waiting(delivery(), stated, "account-unknown")
    ambiguous = of_waiting(delivery(), stated, "account-ambiguous")

    assert unknown.digest == ambiguous.digest
    assert (unknown.state, unknown.user_id, unknown.event_id) == (State.WAITING, "ann", "m1")
    assert (unknown.around, unknown.traceparent) == (b'{"groupId":"acme"}', TRACE)


def test_without_an_id_every_replay_uses_the_same_one() -> None:
    first, again = of_refused(delivery(), refused(event_id=None)), of_refused(delivery(), refused(event_id=None))

    assert first.naming_id == again.naming_id
    assert len(first.naming_id) == 32
    assert of_refused(delivery(), refused(event_id="m1")).naming_id == "m1"


def test_texts_from_outside_are_cut_and_storable() -> None:
    kept = of_refused(delivery(), refused(event_id="\x00\ud800" + "x" * 5_000))

    assert kept.event_id is not None
    assert kept.event_id.startswith("\N{REPLACEMENT CHARACTER}?x")
    assert len(kept.event_id) == LONGEST_TEXT


def test_a_refusal_that_is_kept_holds_no_frames() -> None:
    def read(body: bytes) -> RefusedEvent:
        try:
            json.read_object(msgspec.Raw(body), "")
        except Refused as refusal:
            return RefusedEvent(0, body, refusal)
        raise AssertionError("it is no JSON")

    kept = read(b"[")

    assert (kept.refusal.__traceback__, kept.refusal.__context__) == (None, None)
