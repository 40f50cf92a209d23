from pathlib import Path

import pytest

from mainstay.web.keys import UnknownScope, key_id
from standalone.access import SecretKeyChanged, ensure_admin_key, listed, make, revoke
from standalone.database import DatabaseAway
from standalone.settings import StandaloneSettings
from tests.e2e.running import free_ports


@pytest.fixture
def settings(tmp_path: Path, migrated_url: str) -> StandaloneSettings:
    made = StandaloneSettings(home=tmp_path / "home", database_url=migrated_url)
    made.make_home()
    return made


async def test_the_admin_key_is_made_once(settings: StandaloneSettings) -> None:
    key = await ensure_admin_key(settings, settings.database_url)
    again = await ensure_admin_key(settings, settings.database_url)

    assert key is not None
    assert again is None
    assert settings.admin_key_file.read_text().strip() == key
    assert [stored.id for stored in await listed(settings)] == [key_id(key)]


async def test_a_database_that_does_not_know_the_kept_key_gets_a_new_one(settings: StandaloneSettings) -> None:
    settings.admin_key_file.write_text("of another database\n")

    key = await ensure_admin_key(settings, settings.database_url)

    assert key is not None
    assert settings.admin_key_file.read_text().strip() == key


async def test_an_admin_key_that_was_revoked_stays_revoked(settings: StandaloneSettings) -> None:
    key = await ensure_admin_key(settings, settings.database_url)
    assert key is not None
    assert await revoke(settings, key)

    assert await ensure_admin_key(settings, settings.database_url) is None
    assert len(await listed(settings)) == 1


async def test_another_secret_key_is_refused_in_words(settings: StandaloneSettings) -> None:
    await ensure_admin_key(settings, settings.database_url)
    other = settings.model_copy(update={"secret_key": "another" * 8})

    with pytest.raises(SecretKeyChanged, match="MAINSTAY_SECRET_KEY"):
        await ensure_admin_key(other, other.database_url)


async def test_keys_are_made_with_scopes_that_exist_and_revoked_by_id_or_key(settings: StandaloneSettings) -> None:
    settings.resolved_secret_key()
    first = await make(settings, "sdk", ["ingest:write"], "web")
    second = await make(settings, "csm", ["health:read", "alerts:read"], None)
    with pytest.raises(UnknownScope):
        await make(settings, "nobody", ["everything"], None)

    assert await revoke(settings, first)
    assert await revoke(settings, key_id(second))
    assert not await revoke(settings, "nobody")

    stored = await listed(settings)
    assert [(key.name, key.source, key.scopes) for key in stored] == [
        ("sdk", "web", ("ingest:write",)),
        ("csm", "default", ("alerts:read", "health:read")),
    ]
    assert all(key.revoked_at for key in stored)


async def test_a_database_that_is_away_is_named_without_its_password(tmp_path: Path) -> None:
    port = free_ports(1)[0]
    settings = StandaloneSettings(home=tmp_path, database_url=f"postgresql://mainstay:hidden@127.0.0.1:{port}/mainstay")

    with pytest.raises(DatabaseAway, match=rf"postgresql://127\.0\.0\.1:{port}/mainstay does not answer") as away:
        await listed(settings)

    assert "hidden" not in str(away.value)
