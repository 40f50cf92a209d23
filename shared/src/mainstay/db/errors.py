"""Which failures are the database's state and not the fault of what was being done: those are repeated."""

import asyncpg
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as NoFreeConnection

_PASSING_CLASSES = ("08", "28", "3D", "3F", "40", "53", "57P", "58")
"""SQLSTATE classes: connection, log-in, no such database or schema, deadlock, disk and memory, shutdown, system."""
_PASSING_CODES = frozenset({"25P03", "42P01", "42703", "42501", "55P03"})
"""The session stood idle in a transaction; table, column or right not migrated yet; a lock was not to be had."""


def is_transient(error: BaseException) -> bool:
    """Whether doing the same again may succeed.

    The database is away, full, restarting or not migrated yet, or it chose us as the victim of a deadlock.
    """
    if isinstance(error, DBAPIError):
        if error.connection_invalidated:
            return True
        original: object = error.orig
        code = getattr(original, "sqlstate", None) or getattr(original, "pgcode", None)
        return _passes(code) or _is_away(getattr(original, "__cause__", None))
    if isinstance(error, asyncpg.PostgresError):
        return _passes(error.sqlstate)
    return _is_away(error)


def _is_away(error: object) -> bool:
    # asyncpg's DataError, a value that no parameter takes, is an InterfaceError and a ValueError.
    away = isinstance(error, OSError | TimeoutError | NoFreeConnection | asyncpg.InterfaceError)
    return away and not isinstance(error, ValueError)


def _passes(code: str | None) -> bool:
    return code is not None and (code.startswith(_PASSING_CLASSES) or code in _PASSING_CODES)


def is_unstorable(error: BaseException) -> bool:
    """Whether a value was at fault: out of its type's range, or a text that PostgreSQL cannot hold (SQLSTATE 22…)."""
    if isinstance(error, DBAPIError):
        original: object = error.orig
        code = getattr(original, "sqlstate", None) or getattr(original, "pgcode", None)
        return bool(code and code.startswith("22")) or isinstance(getattr(original, "__cause__", None), ValueError)
    if isinstance(error, asyncpg.InterfaceError):
        return isinstance(error, ValueError)
    return isinstance(error, asyncpg.DataError)
