"""API keys: made once, stored as a keyed hash, found in memory, gone within five seconds of their revocation."""

import asyncio
import hmac
import secrets
import time
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import text

from mainstay.db.engine import Database
from mainstay.db.migrate import History
from mainstay.db.refreshing import keep_fresh
from mainstay.kernel.clock import Clock, SystemClock

ACCESS_HISTORY: Final = History("access", "mainstay.web.migrations")
ADMIN: Final = "admin"
"""The scope that includes all others."""
SCOPES: Final = frozenset(
    f"{service}:{verb}" for service in ("ingest", "health", "renewals", "alerts") for verb in ("read", "write")
) | {"facts:write", "privacy:write", ADMIN}
"""`facts:write`: what a person writes down about accounts; `privacy:write`: erasing people and accounts."""
DEFAULT_SOURCE: Final = "default"
REFRESH_EVERY: Final = timedelta(seconds=2)
STALE_AFTER: Final = timedelta(seconds=5)

_ALPHABET: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_SECRET_CHARS: Final = 32  # 190 bits
_CHECKSUM_CHARS: Final = 8


class KeyRefused(Exception):
    """A key does not open the door. Its text never holds the key."""


class KeyMissing(KeyRefused):
    """No key was presented."""


class KeyUnknown(KeyRefused):
    """No such key, or it was revoked: the answer is the same."""


class KeyMistyped(KeyUnknown):
    """Not a key at all, or its checksum does not fit; found without a look-up."""


class ScopeMissing(KeyRefused):
    """The key is good, but not for this."""

    def __init__(self, scope: str) -> None:
        super().__init__(f"this needs the scope {scope}")
        self.scope = scope


class KeysStale(KeyRefused):
    """The keys could not be read for five seconds; a revocation may have been missed."""


class UnknownScope(ValueError):
    """A key was to be made with a scope that does not exist."""


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key that was found: who calls. `source` labels the events that come in with it."""

    id: str
    name: str
    source: str
    scopes: frozenset[str]

    def may(self, scope: str) -> bool:
        """Whether the key has the scope."""
        return scope in self.scopes or ADMIN in self.scopes


@dataclass(frozen=True, slots=True)
class StoredKey:
    """A key as it is listed: everything but the secret."""

    id: str
    name: str
    source: str
    scopes: tuple[str, ...]
    created_at: datetime
    revoked_at: datetime | None


def mint_key() -> str:
    """A new key: `mst_<id>_<secret><checksum>`."""
    body = f"mst_{secrets.token_hex(8)}_{''.join(secrets.choice(_ALPHABET) for _ in range(_SECRET_CHARS))}"
    return body + _checksum(body)


def key_id(presented: str) -> str:
    """The id within a key. Raises `KeyMistyped` when this is no key or its checksum does not fit."""
    if presented.startswith("mst_") and presented.isascii():
        body = presented[:-_CHECKSUM_CHARS]
        if presented[-_CHECKSUM_CHARS:] == _checksum(body):
            identity, _, secret = body[4:].partition("_")
            if identity and secret:
                return identity
    raise KeyMistyped("this is not an API key, or it was mistyped")


def hash_key(secret: str, presented: str) -> bytes:
    """The keyed hash that is stored: HMAC-SHA256 with a key derived from the deployment's secret."""
    return hmac.digest(_hashing_key(secret), presented.encode(), "sha256")


def _hashing_key(secret: str) -> bytes:
    return hmac.digest(secret.encode(), b"mainstay api keys, version 1", "sha256")


def _checksum(body: str) -> str:
    return f"{zlib.crc32(body.encode()):08x}"


class KeyRing:
    """Every key that is not revoked, in memory, read again every two seconds. Finding one takes microseconds."""

    def __init__(
        self,
        database: Database,
        secret: str,
        *,
        previous: Sequence[str] = (),
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        """Keys of a `previous` secret are found too. `now` answers seconds that never go back; tests move it."""
        self._database = database
        self._hashing_keys = [_hashing_key(each) for each in (secret, *previous)]
        self._now = now
        self._keys: dict[str, tuple[bytes, ApiKey]] = {}
        self._found: dict[str, ApiKey] = {}  # good keys as presented since the last refresh: 0.1 µs against 2.6
        self._fresh_until = float("-inf")

    def find(self, presented: str | None) -> ApiKey:
        """The key that is presented.

        Raises `KeyMissing`, `KeyMistyped`, `KeysStale` or `KeyUnknown`.
        """
        if not presented:
            raise KeyMissing("no API key was sent; send it as Authorization: Bearer mst_…")
        is_fresh = self._now() <= self._fresh_until
        if is_fresh and (found := self._found.get(presented)) is not None:
            return found
        identity = key_id(presented)
        if not is_fresh:
            raise KeysStale("API keys cannot be checked at the moment")
        stored, key = self._keys.get(identity, _NOBODY)
        same = [
            hmac.compare_digest(stored, hmac.digest(each, presented.encode(), "sha256")) for each in self._hashing_keys
        ]
        if not any(same):
            raise KeyUnknown("the API key does not exist or was revoked")
        self._found[presented] = key
        return key

    def authorize(self, presented: str | None, scope: str) -> ApiKey:
        """The key that is presented, if it has the scope. Raises like `find`, and `ScopeMissing`."""
        key = self.find(presented)
        if not key.may(scope):
            raise ScopeMissing(scope)
        return key

    async def refresh(self) -> None:
        """Read the keys."""
        began = self._now()
        async with self._database.engine.connect() as connection:
            rows = await connection.execute(
                text("SELECT id, name, source, scopes, key_hash FROM access.api_key WHERE revoked_at IS NULL")
            )
            self._keys = {
                row.id: (bytes(row.key_hash), ApiKey(row.id, row.name, row.source, frozenset(row.scopes)))
                for row in rows
            }
            self._found = {}  # a revoked key is not found again
        self._fresh_until = began + STALE_AFTER.total_seconds()

    def stale(self) -> str | None:
        """None while the keys are fresh, else the reason; for /readyz."""
        return None if self._now() <= self._fresh_until else "API keys could not be read for 5 s"

    async def run(self, stopping: asyncio.Event) -> None:
        """Keep the keys fresh until told to stop."""
        await keep_fresh(self.refresh, "the API keys", stopping, every=REFRESH_EVERY)


_NOBODY: Final = (bytes(32), ApiKey("", "", "", frozenset()))


async def create_key(
    database: Database,
    secret: str,
    name: str,
    scopes: Sequence[str],
    source: str = DEFAULT_SOURCE,
    *,
    clock: Clock | None = None,
) -> str:
    """Make a key and answer it: the only time it is shown. Raises `UnknownScope`."""
    unknown = sorted(set(scopes) - SCOPES)
    if unknown or not scopes:
        raise UnknownScope(f"{', '.join(unknown) or 'no scope'}; there are {', '.join(sorted(SCOPES))}")
    key = mint_key()
    async with database.engine.begin() as connection:
        await connection.execute(
            text(
                "INSERT INTO access.api_key (id, name, source, scopes, key_hash, created_at)"
                " VALUES (:id, :name, :source, :scopes, :hash, :at)"
            ),
            {
                "id": key_id(key),
                "name": name,
                "source": source,
                "scopes": sorted(set(scopes)),
                "hash": hash_key(secret, key),
                "at": (clock or SystemClock()).now(),
            },
        )
    return key


async def list_keys(database: Database) -> Sequence[StoredKey]:
    """All keys, the revoked ones too, oldest first."""
    async with database.engine.connect() as connection:
        rows = await connection.execute(
            text("SELECT id, name, source, scopes, created_at, revoked_at FROM access.api_key ORDER BY created_at, id")
        )
        return [StoredKey(r.id, r.name, r.source, tuple(r.scopes), r.created_at, r.revoked_at) for r in rows]


async def revoke_key(database: Database, identity: str, *, clock: Clock | None = None) -> bool:
    """Revoke a key by its id; services refuse it within five seconds. False when there is no such key."""
    async with database.engine.begin() as connection:
        done = await connection.execute(
            text("UPDATE access.api_key SET revoked_at = coalesce(revoked_at, :at) WHERE id = :id"),
            {"at": (clock or SystemClock()).now(), "id": identity},
        )
        return bool(done.rowcount)
