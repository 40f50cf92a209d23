"""Putting events aside: concurrent requests share one transaction and one statement."""

import asyncio
from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

import structlog
from msgspec.structs import replace
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from ingest.application.identities import ANSWER_WITHIN
from ingest.application.ports import NotKept
from ingest.application.quarantine import MOST_BYTES, ROW_BYTES, Kept, Meters, People, State, of_refused, of_waiting
from ingest.application.stated import Delivery, RefusedEvent, Stated
from ingest.store.identities import answering, arm_replay
from ingest.store.quarantine import QUARANTINE
from mainstay.db.due import Due
from mainstay.db.engine import Database
from mainstay.db.errors import is_transient
from mainstay.db.tables import KitTables
from mainstay.kernel.clock import Clock

ONE_STATEMENT_ROWS = 2_500
ONE_STATEMENT_BYTES = 4 * 1024 * 1024
MOST_PENDING_BYTES = 32 * 1024 * 1024
"""Of events on their way into the table, over all requests."""
WEIGHED_AGAIN_AFTER = timedelta(seconds=10)
"""What a source has in quarantine is counted so often; between, what this process adds is added."""

_log = structlog.get_logger(__name__)

# Ids follow the order of arrival; rows are locked in the order of their digests, or two processes would deadlock.
_KEEP = text(
    f"""
    WITH given AS MATERIALIZED (
        SELECT nextval(pg_get_serial_sequence('{QUARANTINE}', 'id')) AS id, g.* FROM unnest(
            CAST(:digests AS bytea[]), CAST(:sources AS text[]), CAST(:protocols AS text[]), CAST(:keys AS text[]),
            CAST(:states AS text[]), CAST(:reasons AS text[]), CAST(:details AS text[]), CAST(:pointers AS text[]),
            CAST(:event_ids AS text[]), CAST(:made AS boolean[]), CAST(:users AS text[]), CAST(:accounts AS text[]),
            CAST(:documents AS bytea[]), CAST(:arounds AS bytea[]), CAST(:traces AS text[]),
            CAST(:instants AS timestamptz[]), CAST(:times AS integer[]), CAST(:sizes AS integer[])
        ) AS g (digest, source, protocol, key_id, state, reason, detail, pointer, event_id, made_id, user_id,
                account_id, document, around, traceparent, received_at, times, size)
    )
    INSERT INTO {QUARANTINE} AS q (id, digest, source, protocol, key_id, state, reason, detail, pointer, event_id,
        made_id, user_id, account_id, document, around, traceparent, received_at, last_at, times, size)
    SELECT id, digest, source, protocol, key_id, state, reason, detail, pointer, event_id, made_id, user_id,
        account_id, document, around, traceparent, received_at, received_at, times, size FROM given ORDER BY digest
    ON CONFLICT (digest) DO UPDATE SET
        times = q.times + excluded.times,
        last_at = greatest(q.last_at, excluded.last_at),
        state = CASE WHEN q.state = 'replaying' THEN q.state ELSE excluded.state END,
        reason = excluded.reason, detail = excluded.detail, pointer = excluded.pointer
    """
)


@dataclass
class _Load:
    """What one request puts aside; `size` bytes are reserved for it until it is written."""

    rows: Sequence[Kept]
    size: int
    done: asyncio.Future[None]


class QuarantineKeeper:
    """Keeps refused and waiting events; what it returned from is durable.

    A source has room for so many bytes. Beyond it, what is refused is counted and logged only (its sender was told),
    and what waits raises `NotKept`, because its sender would be told that it was taken.
    """

    def __init__(
        self,
        database: Database,
        kit: KitTables,
        clock: Clock,
        people: People,
        meters: Meters,
        *,
        most_bytes: int = MOST_BYTES,
        most_pending: int = MOST_PENDING_BYTES,
        within: timedelta = ANSWER_WITHIN,
        weighed_again_after: timedelta = WEIGHED_AGAIN_AFTER,
    ) -> None:
        """`most_bytes` of one source."""
        self._database, self._kit, self._clock = database, kit, clock
        self._people, self._meters = people, meters
        self._most_bytes, self._most_pending, self._within = most_bytes, most_pending, within
        self._weighed_again_after = weighed_again_after.total_seconds()
        self._pending: deque[_Load] = deque()
        self._pending_bytes = 0
        self._writing: asyncio.Task[None] | None = None
        self._weighing = asyncio.Lock()
        self._weights: dict[str, tuple[int, float]] = {}  # source -> bytes kept, and until when that is believed

    async def refuse(self, delivery: Delivery, refused: Sequence[RefusedEvent]) -> None:
        """Keep what was refused. Raises `NotKept`."""
        if not refused:
            return
        source = delivery.policy.source_id
        size = self._reserve(delivery, refused)
        if not await self._has_room(source, size):
            self._meters.overflowed(source, len(refused))
            codes = dict(Counter(event.refusal.code for event in refused))
            _log.warning("refused events are not kept: the source's quarantine is full", source=source, events=codes)
            return
        await self._keep([of_refused(delivery, event) for event in refused], size)

    async def wait(self, delivery: Delivery, waiting: Sequence[tuple[Stated, str]]) -> None:
        """Set events aside until their account is known. Raises `NotKept`."""
        if not waiting:
            return
        source = delivery.policy.source_id
        size = self._reserve(delivery, [stated for stated, _ in waiting])
        if not await self._has_room(source, size):
            self._meters.overflowed(source, len(waiting))
            raise NotKept("the source's quarantine is full")
        await self._keep([of_waiting(delivery, stated, code) for stated, code in waiting], size)

    def _reserve(self, delivery: Delivery, events: Sequence[Stated] | Sequence[RefusedEvent]) -> int:
        """Reserve memory for the rows of these events, before there are any; answers its bytes. Raises `NotKept`."""
        size = sum(len(event.document) for event in events) + len(events) * (len(delivery.around) + ROW_BYTES)
        if self._pending_bytes + size > self._most_pending:
            raise NotKept("more is being put aside than there is memory for")
        self._pending_bytes += size
        return size

    async def _keep(self, rows: Sequence[Kept], size: int) -> None:
        load = _Load(rows, size, asyncio.get_running_loop().create_future())
        self._pending.append(load)
        if self._writing is None:
            self._writing = asyncio.create_task(self._write_all())
        try:
            await asyncio.wait_for(load.done, self._within.total_seconds())
        except TimeoutError:
            raise NotKept("the database did not answer in time") from None
        for (source, reason), events in Counter((row.source, row.reason) for row in rows).items():
            self._meters.kept(source, reason, events)

    async def _write_all(self) -> None:
        try:
            while self._pending:
                loads = self._next()
                try:
                    await self._write([row for load in loads for row in load.rows])
                except Exception as error:  # noqa: BLE001 - each sender is told, and repeats
                    _fail(loads, error)
                else:
                    for load in loads:
                        if not load.done.done():
                            load.done.set_result(None)
                    await self._look_again([row for load in loads for row in load.rows])
                finally:
                    self._pending_bytes -= sum(load.size for load in loads)
        finally:
            self._writing = None

    def _next(self) -> list[_Load]:
        """The next requests, as many as fit into one statement; at least one. Nobody waits for one given up."""
        loads: list[_Load] = []
        rows = size = 0
        while self._pending:
            load = self._pending[0]
            if loads and (rows + len(load.rows) > ONE_STATEMENT_ROWS or size + load.size > ONE_STATEMENT_BYTES):
                break
            self._pending.popleft()
            loads.append(load)
            rows, size = rows + len(load.rows), size + load.size
        return loads

    async def _write(self, rows: Sequence[Kept]) -> None:
        merged: dict[bytes, Kept] = {}
        for row in rows:
            first = merged.get(row.digest)
            merged[row.digest] = row if first is None else replace(first, times=first.times + row.times)
        kept = list(merged.values())
        async with answering(self._within), self._database.engine.begin() as connection:
            await connection.execute(_KEEP, _columns(kept))
        for row in kept:
            self._add_weight(row.source, row.size)

    async def _look_again(self, rows: Sequence[Kept]) -> None:
        """An account may have become known between the look-up and the commit, and its timer have fired already.

        The sweep would find it too, a minute later; so a failure here is only written down.
        """
        users = {row.user_id for row in rows if row.state is State.WAITING and row.user_id is not None}
        if not users:
            return
        try:
            known = {user for user, accounts in (await self._people.accounts_of(users)).items() if len(accounts) == 1}
            if known:
                async with answering(self._within), self._database.engine.begin() as connection:
                    await arm_replay(Due(connection, self._kit), known, self._clock)
        except NotKept as away:
            _log.warning("what was set aside waits for the sweep", reason=str(away))

    async def _has_room(self, source: str, size: int) -> bool:
        """Whether the source may keep as much, for which memory is reserved; else that is let go."""
        has_room = False
        try:
            has_room = await self._weight(source) + size <= self._most_bytes
        finally:
            if not has_room:
                self._pending_bytes -= size
        return has_room

    async def _weight(self, source: str) -> int:
        held = self._believed(source)
        if held is None:
            async with (
                answering(self._within),
                self._weighing,
            ):  # one asks; the others wait in their order, and then know
                held = self._believed(source)
                if held is None:
                    held = await self._weigh(source)
        return held

    def _believed(self, source: str) -> int | None:
        held = self._weights.get(source)
        return held[0] if held is not None and asyncio.get_running_loop().time() < held[1] else None

    async def _weigh(self, source: str) -> int:
        async with self._database.engine.connect() as connection:
            weight = await _weight_of(connection, source)
        self._weights[source] = (weight, asyncio.get_running_loop().time() + self._weighed_again_after)
        return weight

    def _add_weight(self, source: str, size: int) -> None:
        held = self._weights.get(source)
        if held is not None:
            self._weights[source] = (held[0] + size, held[1])


def _fail(loads: Sequence[_Load], error: Exception) -> None:
    if not isinstance(error, NotKept) and not is_transient(error):
        _log.error("events could not be put aside", exc_info=error)
    for load in loads:
        if not load.done.done():
            load.done.set_exception(NotKept(str(error)))


async def _weight_of(connection: AsyncConnection, source: str) -> int:
    weight = await connection.execute(
        text(f"SELECT coalesce(sum(size), 0) FROM {QUARANTINE} WHERE source = :source"), {"source": source}
    )
    return int(weight.scalar_one())


def _columns(rows: Sequence[Kept]) -> dict[str, object]:
    return {
        "digests": [row.digest for row in rows],
        "sources": [row.source for row in rows],
        "protocols": [row.protocol for row in rows],
        "keys": [row.key_id for row in rows],
        "states": [str(row.state) for row in rows],
        "reasons": [row.reason for row in rows],
        "details": [row.detail for row in rows],
        "pointers": [row.pointer for row in rows],
        "event_ids": [row.event_id for row in rows],
        "made": [row.made_id for row in rows],
        "users": [row.user_id for row in rows],
        "accounts": [row.account_id for row in rows],
        "documents": [row.document for row in rows],
        "arounds": [row.around for row in rows],
        "traces": [row.traceparent for row in rows],
        "instants": [row.received_at for row in rows],
        "times": [row.times for row in rows],
        "sizes": [row.size for row in rows],
    }
