"""Signed links: what goes in comes out, nothing else is read, and they fit into a message."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.domain.action_links import (
    MOST_NAME_BYTES,
    Action,
    ActionLink,
    LinkExpired,
    LinkRefused,
    LinkSigner,
    Who,
    WhoKind,
)

NOW = datetime(2026, 3, 1, 9, tzinfo=UTC)
SIGNER = LinkSigner("the secret key", ["the one before"])


def _fits(name: str) -> bool:
    try:
        return len(name.encode()) <= MOST_NAME_BYTES
    except UnicodeEncodeError:
        return False


made = st.builds(
    ActionLink,
    alert_id=st.uuids().map(str),
    action=st.sampled_from(Action),
    who=st.builds(Who, st.sampled_from(WhoKind), st.text(max_size=60).filter(_fits)),
    expires_at=st.integers(1, 10**6).map(lambda seconds: NOW + timedelta(seconds=seconds)),
)


@given(made)
def test_what_a_link_says_comes_out_until_it_expires(link: ActionLink) -> None:
    token = SIGNER.token(link)

    assert token is not None
    assert len(token) <= 400
    assert SIGNER.read(token, NOW) == link
    with pytest.raises(LinkExpired):
        SIGNER.read(token, link.expires_at)


@given(made, st.data())
def test_a_changed_link_is_none(link: ActionLink, data: st.DataObject) -> None:
    token = SIGNER.token(link) or ""
    place = data.draw(st.integers(0, len(token) - 1))
    other = data.draw(st.sampled_from([letter for letter in "AbZ09-_" if letter != token[place]]))

    for changed in (token[:place] + other + token[place + 1 :], token[:place], token + other):
        with pytest.raises(LinkRefused):
            SIGNER.read(changed, NOW)


@given(st.text(max_size=100))
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(LinkRefused):
        SIGNER.read(text, NOW)


def test_links_of_the_key_before_hold_and_of_others_do_not() -> None:
    link = ActionLink(str(UUID(int=7)), Action.SNOOZE, Who(WhoKind.PERSON, "ann"), NOW + timedelta(days=1))

    assert SIGNER.read(LinkSigner("the one before").token(link) or "", NOW) == link
    with pytest.raises(LinkRefused):
        SIGNER.read(LinkSigner("another").token(link) or "", NOW)
    assert SIGNER.token(ActionLink("no uuid", Action.SNOOZE, link.who, link.expires_at)) is None
    assert SIGNER.token(ActionLink(link.alert_id, Action.SNOOZE, Who(WhoKind.PERSON, "x" * 201), NOW)) is None
