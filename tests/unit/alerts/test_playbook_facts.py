"""Facts that playbooks state: what is saved can be said, and what is said is a fact."""

from datetime import date
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.playbook_facts import KINDS, NOT_HERE, fact_of

DAY = date(2026, 3, 1)
MEMBERS = {kind: [each.encode_name for each in msgspec.structs.fields(struct)] for kind, struct in KINDS.items()}
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**30), 10**30)
    | st.floats()
    | st.text(st.characters(), max_size=20)
    | st.sampled_from(["growth", "active", "referral", "internal", "2026-03-01", "$today", "\ud800", "a\x00"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=6,
)


@given(kind=st.sampled_from(sorted(KINDS)), data=st.data())
def test_whatever_is_taken_can_be_said_and_is_a_fact(kind: str, data: Any) -> None:
    fields = data.draw(st.dictionaries(st.sampled_from([*MEMBERS[kind], "unheard_of"]), VALUES, max_size=4))

    action, faults = fact_of({kind: fields}, "/fact", "mine")

    assert (action is None) == bool(faults)
    assert all(fault.pointer.startswith(f"/fact/{kind}") and fault.detail for fault in faults)
    if action is not None:
        said = msgspec.json.decode(msgspec.json.encode(action.stated("t1", DAY)))
        msgspec.convert({**said, "account_id": "acme", "occurred_at": "2026-03-01T00:00:00Z"}, KINDS[kind])
        assert set(fields).isdisjoint(NOT_HERE)


@pytest.mark.parametrize("written", [None, [], {}, {"account": {"stage": "growth"}, "objective": {}}, {"account": []}])
def test_a_fact_is_one_kind_with_its_members(written: Any) -> None:
    action, faults = fact_of(written, "/fact", "mine")

    assert action is None
    assert [fault.pointer for fault in faults] == ["/fact"]
