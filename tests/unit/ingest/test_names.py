"""Ids and names that are taken, and those that are not."""

from collections.abc import Callable

import pytest

from ingest.domain import names
from ingest.domain.attribution import feature_of, user_of, users_of
from ingest.domain.refusal import Refused

RULES: list[tuple[Callable[[str], str], int, str]] = [
    (lambda text: names.account_id(text, "/p"), 200, "account-id-invalid"),
    (lambda text: names.user_id(text, "/p"), 200, "user-id-invalid"),
    (lambda text: names.event_id(text, "/p"), 200, "event-id-invalid"),
    (lambda text: names.name(text, "/p"), 500, "name-invalid"),
    (names.message_id, 99, "event-id-invalid"),
]


@pytest.mark.parametrize(("rule", "longest", "code"), RULES)
def test_a_text_has_its_length_and_no_control_character(rule: Callable[[str], str], longest: int, code: str) -> None:
    for good in ("a", "Ünïcode GmbH & Co. KG", "会社 東京", "no\u00a0break", "zero\u200bwidth", "x" * longest):
        assert rule(good) == good
    for bad in ("", "x" * (longest + 1), "a\0", "a\nb", "\x7f", "a\x85"):
        with pytest.raises(Refused) as refusal:
            rule(bad)
        assert refusal.value.code == code
        assert refusal.value.pointer in {"/p", "/messageId"}


def test_a_zone_is_one_that_exists() -> None:
    assert names.zone("Europe/Berlin", "/zone") == "Europe/Berlin"
    for unknown in ("", "Berlin", "europe/berlin", "../../etc/passwd", "GMT+25", "localtime", "Factory"):
        with pytest.raises(Refused, match="IANA"):
            names.zone(unknown, "/zone")


def test_a_user_is_known_by_either_id() -> None:
    assert user_of("ann", None) == "ann"
    assert user_of("ann", "a-1") == "ann"
    assert user_of(None, "a-1") == "anonymous:a-1"
    with pytest.raises(Refused) as refusal:
        user_of(None, None)
    assert refusal.value.code == "user-missing"


@pytest.mark.parametrize(
    ("stated", "feature"),
    [
        ("reports", "reports"),
        (None, "Opened"),
        ("", "Opened"),
        (7, "Opened"),
        (["reports"], "Opened"),
        (True, "Opened"),
    ],
)
def test_the_feature_is_the_stated_text_or_the_events_name(stated: object, feature: str) -> None:
    assert feature_of("Opened", stated, "/properties/feature") == feature


def test_a_feature_that_is_no_name_is_refused() -> None:
    for stated in ("x" * 501, "a\0b"):
        with pytest.raises(Refused) as refusal:
            feature_of("Opened", stated, "/properties/feature")
        assert (refusal.value.code, refusal.value.pointer) == ("name-invalid", "/properties/feature")


@pytest.mark.parametrize(
    "junk",
    ["null", " NULL ", "undefined", "NaN", "nil", "[object Object]", "true", "FALSE", "0", " ", "\u00a0"],
)
def test_what_programs_write_where_they_have_no_id_is_no_id(junk: str) -> None:
    for rule, code in ((names.account_id, "account-id-invalid"), (names.user_id, "user-id-invalid")):
        with pytest.raises(Refused, match="where it has none") as refusal:
            rule(junk, "/p")
        assert refusal.value.code == code
    for good in ("null-gmbh", "nullable", "00", "Nancy"):
        assert names.account_id(good, "/p") == names.user_id(good, "/p") == good


def test_everybody_is_known_under_all_their_ids() -> None:
    assert users_of("ann", "a-1") == ["ann", "anonymous:a-1"]
    assert users_of(None, None) == []
