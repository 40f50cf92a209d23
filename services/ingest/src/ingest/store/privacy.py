"""Erasures in PostgreSQL, and the deletion of what ingest holds of somebody."""

import json
import re
from collections.abc import AsyncIterator, Sequence
from collections.abc import Set as AbstractSet
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import datetime
from typing import Any, Final, Protocol
from urllib.parse import quote, quote_plus

import msgspec
from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from ingest.application.erasing import Work
from ingest.domain.erasure import Confirmation, Erasure, ErasureUnknown, SubjectKind
from mainstay.contracts.envelope import Event, encode
from mainstay.db.due import Due
from mainstay.db.engine import Database
from mainstay.db.work import Transaction, Transactions
from mainstay.messaging.consuming import Batch

_SELECT: Final = (
    "SELECT e.*, (SELECT coalesce(json_agg(json_build_object('service', c.service, 'confirmed_at', c.confirmed_at,"
    " 'rows_erased', c.rows_erased, 'rows_pseudonymised', c.rows_pseudonymised) ORDER BY c.confirmed_at, c.service),"
    " '[]')::text FROM ingest.erasure_confirmation c WHERE c.erasure_id = e.id) AS confirmations FROM ingest.erasure e"
)
_confirmations = msgspec.json.Decoder(list[Confirmation])

# A refused event is kept as it arrived, and may be anything: an id in it stands as a JSON string, or as a field of
# Totango's form. One that waits was read, and has its user in a column; another person's event must not go because a
# property of it has the same text.
_WITHIN: Final = "EXISTS (SELECT FROM unnest(CAST(:quoted AS bytea[])) AS q (id) WHERE position(q.id IN {column}) > 0)"
_REFUSED_WITHIN: Final = (
    f"(state = 'refused' OR user_id IS NULL) AND ({_WITHIN.format(column='document')}"
    f" OR {_WITHIN.format(column='around')} OR protocol = 'totango' AND EXISTS (SELECT FROM"
    " unnest(CAST(:fields AS bytea[])) AS f (id) WHERE position(f.id IN document || convert_to('&', 'UTF8')) > 0))"
)
# An imported row may also be one of a table, with one of these between its fields.
_REFUSED_ROW: Final = (
    f"{_WITHIN.format(column='document')} OR EXISTS (SELECT FROM (VALUES (','), (';'), (chr(9))) AS d (sep)"
    " WHERE position(convert_to(d.sep || CAST(:id AS text) || d.sep, 'UTF8')"
    " IN convert_to(d.sep, 'UTF8') || document || convert_to(d.sep, 'UTF8')) > 0)"
)
_FORGET: Final = (
    f"DELETE FROM ingest.quarantine WHERE {{column}} = :id OR ({_REFUSED_WITHIN})",
    f"DELETE FROM ingest.import_refusal WHERE {_REFUSED_ROW}",
    f"DELETE FROM ingest.idempotency WHERE {_WITHIN.format(column='body')}",
    f"DELETE FROM ingest.outbox WHERE refused IS NOT NULL AND (key = :id OR {_WITHIN.format(column='value')})",
)
_ANONYMOUS: Final = "anonymous:"
"""Ingest's own word before an id that a product gave to a visitor; senders do not write it."""


class Identities(Protocol):
    """Who belongs to which account."""

    async def forget(self, connection: AsyncConnection, *, user_id: str | None, account_id: str | None) -> int:
        """Delete all that is known of a user or of an account; answers how many rows."""


class ErasureStore:
    """The erasures, within one transaction."""

    def __init__(self, connection: AsyncConnection, identities: Identities) -> None:
        self._connection = connection
        self._identities = identities

    async def begin(self, erasure: Erasure) -> Erasure:
        """Keep it; answers the one that stands for the same subject already, where there is one."""
        kept = await self._connection.execute(
            text(
                "INSERT INTO ingest.erasure (id, kind, subject, requested_at, requested_by)"
                " VALUES (:id, :kind, :subject, :at, :by)"
                " ON CONFLICT (kind, subject) WHERE lifted_at IS NULL DO NOTHING"
            ),
            {
                "id": erasure.id,
                "kind": erasure.kind.value,
                "subject": erasure.subject,
                "at": erasure.requested_at,
                "by": erasure.requested_by,
            },
        )
        if kept.rowcount:
            return erasure
        stands = await self._connection.execute(
            text(f"{_SELECT} WHERE e.kind = :kind AND e.subject = :subject AND e.lifted_at IS NULL"),
            {"kind": erasure.kind.value, "subject": erasure.subject},
        )
        return _erasure(stands.one())

    async def lock(self, erasure_id: str) -> Erasure | None:
        """One erasure, locked, or None."""
        await self._connection.execute(text("SELECT FROM ingest.erasure WHERE id = :id FOR UPDATE"), {"id": erasure_id})
        row = (await self._connection.execute(text(f"{_SELECT} WHERE e.id = :id"), {"id": erasure_id})).one_or_none()
        return _erasure(row) if row else None

    async def confirm(self, erasure_id: str, confirmation: Confirmation) -> None:
        """Keep what a service says; a second confirmation changes nothing."""
        await self._connection.execute(
            text(
                "INSERT INTO ingest.erasure_confirmation VALUES (:id, :service, :at, :erased, :pseudonymised)"
                " ON CONFLICT DO NOTHING"
            ),
            {
                "id": erasure_id,
                "service": confirmation.service,
                "at": confirmation.confirmed_at,
                "erased": confirmation.rows_erased,
                "pseudonymised": confirmation.rows_pseudonymised,
            },
        )

    async def complete(self, erasure_id: str, at: datetime) -> None:
        """All have confirmed."""
        await self._connection.execute(
            text("UPDATE ingest.erasure SET completed_at = :at WHERE id = :id"), {"id": erasure_id, "at": at}
        )

    async def lift(self, erasure_id: str, at: datetime, by: str) -> None:
        """Take the subject's events in again."""
        await self._connection.execute(
            text("UPDATE ingest.erasure SET lifted_at = :at, lifted_by = :by WHERE id = :id"),
            {"id": erasure_id, "at": at, "by": by},
        )

    async def forget(self, kind: SubjectKind, subject_id: str) -> int:
        """Delete identities, quarantined events and stored answers about the subject; answers how many rows."""
        is_user = kind is SubjectKind.USER
        rows = await self._identities.forget(
            self._connection, user_id=subject_id if is_user else None, account_id=None if is_user else subject_id
        )
        known = {"id": subject_id, "quoted": _quoted(subject_id), "fields": _fields(subject_id)}
        for statement in _FORGET:
            query = text(statement.format(column="user_id" if is_user else "account_id"))
            named = {name: known[name] for name in query.compile().params}
            rows += (await self._connection.execute(query, named)).rowcount
        return rows


class PrivacyWork:
    """One transaction about erasures."""

    def __init__(self, tx: Transaction, identities: Identities) -> None:
        self._tx = tx
        self.erasures = ErasureStore(tx.connection, identities)
        self.due: Due = tx.due

    def say(self, *events: Event[Any]) -> None:
        """Publish events once the transaction has committed."""
        self._tx.publish(*(encode(event) for event in events))

    async def first_times(self, ids: Sequence[tuple[str, str]]) -> frozenset[tuple[str, str]]:
        """Those of the (source, event id) pairs that had no effect here before."""
        return await self._tx.first_times(ids)


class OpenPrivacyWork:
    """Opens transactions about erasures."""

    def __init__(self, transactions: Transactions, identities: Identities) -> None:
        self._transactions = transactions
        self._identities = identities

    def __call__(self, batch: Batch[Any] | None = None) -> AbstractAsyncContextManager[Work]:
        """One transaction; with a batch, its positions move first."""
        return self._open(batch)

    def within(self, tx: Transaction) -> Work:
        """The same in a transaction that is open already: a timer's."""
        return PrivacyWork(tx, self._identities)

    @asynccontextmanager
    async def _open(self, batch: Batch[Any] | None) -> AsyncIterator[Work]:
        async with self._transactions(batch) as tx:
            yield PrivacyWork(tx, self._identities)


class StoredErasures:
    """The erasures as they are committed, read on connections of their own."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def suppressed(self) -> AbstractSet[tuple[str, str]]:
        """(kind, hash) of every subject that is suppressed."""
        async with self._database.engine.connect() as connection:
            rows = await connection.execute(text("SELECT kind, subject FROM ingest.erasure WHERE lifted_at IS NULL"))
            return frozenset((row.kind, row.subject) for row in rows)

    async def page(self, after: str | None, limit: int) -> Sequence[Erasure]:
        """Up to `limit` erasures, newest first (ids are sorted by time), after the given one."""
        async with self._database.engine.connect() as connection:
            rows = await connection.execute(
                text(f"{_SELECT} WHERE CAST(:after AS text) IS NULL OR e.id < :after ORDER BY e.id DESC LIMIT :limit"),
                {"after": after, "limit": limit},
            )
            return [_erasure(row) for row in rows]

    async def get(self, erasure_id: str) -> Erasure:
        """One erasure. Raises `ErasureUnknown`."""
        async with self._database.engine.connect() as connection:
            rows = await connection.execute(text(f"{_SELECT} WHERE e.id = :id"), {"id": erasure_id})
            row = rows.one_or_none()
        if row is None:
            raise ErasureUnknown(erasure_id)
        return _erasure(row)


def _quoted(subject_id: str) -> list[bytes]:
    """How senders write the id in JSON: as it is, or in ASCII."""
    plain = subject_id.removeprefix(_ANONYMOUS)
    return sorted(
        {form for name in (subject_id, plain) for form in (msgspec.json.encode(name), json.dumps(name).encode())}
    )


def _fields(subject_id: str) -> list[bytes]:
    """How senders write the id in a form, between `=` and `&`."""
    escaped = {quote(subject_id, safe=""), quote_plus(subject_id), subject_id}
    lower = {re.sub("%..", lambda code: code[0].lower(), each) for each in escaped}
    return sorted(f"={each}&".encode() for each in escaped | lower)


def _erasure(row: Row[Any]) -> Erasure:
    return Erasure(
        id=row.id,
        kind=SubjectKind(row.kind),
        subject=row.subject,
        requested_at=row.requested_at,
        requested_by=row.requested_by,
        confirmations=tuple(_confirmations.decode(row.confirmations)),
        completed_at=row.completed_at,
        lifted_at=row.lifted_at,
        lifted_by=row.lifted_by,
    )
