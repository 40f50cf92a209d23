"""API keys from the command line: the first admin key, and making, listing and revoking others."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from rich.table import Table
from rich.text import Text

from mainstay.db.engine import Database
from mainstay.web.keys import (
    ADMIN,
    DEFAULT_SOURCE,
    KeyMistyped,
    KeyRing,
    KeyUnknown,
    StoredKey,
    create_key,
    key_id,
    list_keys,
    revoke_key,
)
from standalone.database import current_url, repeatable
from standalone.folders import write_private
from standalone.settings import StandaloneSettings


class SecretKeyChanged(Exception):
    """The database's API keys were made with another secret key than the one we have."""


async def ensure_admin_key(settings: StandaloneSettings, database_url: str) -> str | None:
    """Make the admin key if this state folder and this database have none; answers it when it was made now.

    A key that was revoked stays so. Raises `SecretKeyChanged`.
    """
    secret = settings.resolved_secret_key()
    async with _database(database_url) as database:
        kept = settings.admin_key_file.read_text().strip() if settings.admin_key_file.exists() else ""
        stored = {key.id: key for key in await list_keys(database)}
        known = stored.get(_id(kept))
        if known is None:
            key = await create_key(database, secret, "admin", [ADMIN])
            write_private(settings.admin_key_file, key)
            return key
        if known.revoked_at is None:
            await _check_secret(settings, database, secret, kept)
        return None


async def make(settings: StandaloneSettings, name: str, scopes: Sequence[str], source: str | None) -> str:
    """A new API key. Raises `UnknownScope`, `DatabaseAway` and `NoSecretKey`."""
    secret = settings.known_secret_key()
    with repeatable(settings):
        async with _database(current_url(settings)) as database:
            return await create_key(database, secret, name, scopes, source or DEFAULT_SOURCE)


async def listed(settings: StandaloneSettings) -> Sequence[StoredKey]:
    """All API keys, oldest first. Raises `DatabaseAway`."""
    with repeatable(settings):
        async with _database(current_url(settings)) as database:
            return await list_keys(database)


async def revoke(settings: StandaloneSettings, identity: str) -> bool:
    """Revoke a key, named by its id or by itself; False when there is none. Raises `DatabaseAway`."""
    with repeatable(settings):
        async with _database(current_url(settings)) as database:
            return await revoke_key(database, _id(identity) or identity)


def table_of(keys: Sequence[StoredKey]) -> Table:
    """The keys for a terminal or a pipe. Ids are whole however narrow it is: `keys revoke` wants all of them."""
    table = Table(box=None, padding=(0, 1), header_style="dim")
    table.add_column("id", no_wrap=True, overflow="fold", min_width=max((len(key.id) for key in keys), default=0))
    for title in ("name", "scopes", "source", "made", "revoked"):
        table.add_column(title, overflow="fold")
    for key in keys:
        revoked = f"{key.revoked_at:%Y-%m-%d %H:%M}" if key.revoked_at else ""
        made = f"{key.created_at:%Y-%m-%d %H:%M}"
        table.add_row(key.id, Text(key.name), " ".join(key.scopes), Text(key.source), made, revoked)
    return table


@asynccontextmanager
async def _database(url: str) -> AsyncIterator[Database]:
    database = Database(url, application_name="mainstay", pool_size=1)
    try:
        yield database
    finally:
        await database.close()


async def _check_secret(settings: StandaloneSettings, database: Database, secret: str, kept: str) -> None:
    ring = KeyRing(database, secret)
    await ring.refresh()
    try:
        ring.find(kept)
    except KeyUnknown:
        source = "MAINSTAY_SECRET_KEY" if settings.secret_key else str(settings.secret_key_file)
        raise SecretKeyChanged(
            f"The secret key ({source}) is not the one that this database's API keys and channel secrets were made "
            f"with. Give Mainstay the earlier one; if it is lost, delete {settings.admin_key_file}, start again, and "
            "make the other keys and channels anew"
        ) from None


def _id(key: str) -> str:
    """The id within a key; empty for anything else."""
    try:
        return key_id(key)
    except KeyMistyped:
        return ""
