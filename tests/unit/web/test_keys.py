import string
import timeit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mainstay.db.engine import Database
from mainstay.web.keys import SCOPES, ApiKey, KeyMissing, KeyMistyped, KeyRing, KeyUnknown, hash_key, key_id, mint_key

SECRET = "s" * 32
A_KEY = mint_key()
"""One for all examples: a new one each time would make Hypothesis' own choices differ when it repeats them."""
AWAY = "postgresql://nobody@127.0.0.1:1/none"


def ring_with(*keys: str) -> KeyRing:
    ring = KeyRing(Database(AWAY, application_name="test"), SECRET)
    ring._keys = {
        key_id(key): (hash_key(SECRET, key), ApiKey(key_id(key), "n", "default", frozenset({"admin"}))) for key in keys
    }
    ring._fresh_until = float("inf")
    return ring


def test_a_minted_key_has_the_declared_form() -> None:
    key = mint_key()
    prefix, identity, rest = key.split("_")
    assert prefix == "mst"
    assert identity == key_id(key)
    assert len(rest) == 40
    assert set(rest) <= set(string.ascii_letters + string.digits)
    assert len({mint_key() for _ in range(1000)}) == 1000


@given(st.data())
def test_any_one_mistyped_character_is_refused_before_any_look_up(data: st.DataObject) -> None:
    key = A_KEY
    place = data.draw(st.integers(0, len(key) - 1))
    letter = data.draw(st.sampled_from(string.ascii_letters + string.digits + "_").filter(lambda c: c != key[place]))
    ring = ring_with(key)
    ring._keys = {}
    ring._fresh_until = float("-inf")  # a look-up would say that the keys are stale
    with pytest.raises(KeyMistyped):
        ring.find(key[:place] + letter + key[place + 1 :])


@pytest.mark.parametrize("presented", ["", None])
def test_no_key_is_told_apart(presented: str | None) -> None:
    with pytest.raises(KeyMissing):
        ring_with().find(presented)


@given(st.text())
def test_what_is_no_key_is_refused(presented: str) -> None:
    with pytest.raises((KeyMistyped, KeyMissing)):
        ring_with().find(presented)


def test_a_guess_with_a_good_checksum_is_unknown() -> None:
    known = mint_key()
    with pytest.raises(KeyUnknown) as refusal:
        ring_with(known).find(mint_key())
    assert not isinstance(refusal.value, KeyMistyped)


def test_a_refusal_never_repeats_the_key() -> None:
    guess = mint_key()
    for presented in (guess, guess[:-1]):
        with pytest.raises(KeyUnknown) as refusal:
            ring_with().find(presented)
        assert guess[-20:-1] not in str(refusal.value)


def test_finding_a_key_is_fit_for_a_hot_path() -> None:
    key = mint_key()
    ring = ring_with(key)
    best = min(timeit.repeat(lambda: ring.find(key), number=2_000, repeat=5)) / 2_000
    assert best < 50e-6, "about 3 µs on an idle machine"


def test_the_scopes_are_those_of_the_design() -> None:
    services = ("ingest", "health", "renewals", "alerts")
    by_service = {f"{service}:{verb}" for service in services for verb in ("read", "write")}
    assert by_service | {"facts:write", "privacy:write", "admin"} == SCOPES
