"""Receiving what a protocol has read: attribution, policy, quarantine, and the log, in one place for all protocols."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from msgspec.structs import replace

from ingest.application.append import Append
from ingest.application.limiting import AccountsInFlight
from ingest.application.ports import Identities, Observations, Policies, Quarantine, Redaction, Suppressions
from ingest.application.stated import NOBODYS, Delivery, Received, RefusedEvent, Stated
from ingest.domain.policy import Action, Policy
from ingest.domain.refusal import Refused
from ingest.records import RecordWriter
from mainstay.contracts.ingest import UsageRecorded
from mainstay.messaging.port import LogUnavailable, Outgoing

_NONE: Mapping[str, int] = {}


@dataclass(frozen=True)
class Parts:
    """What `Reception` is made of."""

    append: Append
    policies: Policies
    identities: Identities
    quarantine: Quarantine
    suppressions: Suppressions
    observations: Observations
    redaction: Redaction
    in_flight: AccountsInFlight = field(default_factory=lambda: AccountsInFlight(1 << 62))


class Reception:
    """Take what one request brought: set aside what waits or is refused, make the rest durable, say which is which.

    Order: what is learned about people first, then what is set aside, then the log; so an answer never says more than
    is durable. Raises `NotKept` where something could not be set aside: the sender repeats all of it, ids and digests
    make that harmless.
    """

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    async def __call__(self, delivery: Delivery) -> Received:
        """What became of each event. Raises `NotKept`, and `AccountTooBusy` where nothing of it was taken."""
        parts = self._parts
        if delivery.memberships or delivery.aliases:
            await self._learn(delivery)
        parts.observations.saw(delivery)
        sorting = await self._sorted(delivery)
        received = sorting.received()
        held = parts.in_flight.hold([record.key for record in sorting.records], delivery.size)
        try:
            if sorting.refused:
                await parts.quarantine.refuse(delivery, sorting.refused)
            if sorting.waiting:
                await parts.quarantine.wait(delivery, [(stated, code) for _, stated, code in sorting.waiting])
            await parts.append(sorting.records)
        except LogUnavailable as unavailable:
            missing = unavailable.unacknowledged or range(len(sorting.records))
            received.unacknowledged = [sorting.taken[index] for index in sorted(missing)]
            received.accepted -= len(received.unacknowledged)
        finally:
            parts.in_flight.release(held)
        parts.observations.counted(
            delivery.policy.source_id,
            delivery.received_at,
            accepted=received.accepted,
            refused=Counter([each.refusal.code for each in received.refused]) if received.refused else _NONE,
            waiting=len(received.waiting),
            warned=len(received.warnings),
        )
        return received

    async def _learn(self, delivery: Delivery) -> None:
        """Remember who belongs where; not of the erased."""
        memberships, aliases = delivery.memberships, delivery.aliases
        suppressions = self._parts.suppressions
        if suppressions.any:
            memberships = [one for one in memberships if not suppressions.cover(one.account_id, one.user_id)]
            aliases = [
                one
                for one in aliases
                if not suppressions.cover(NOBODYS, one.user_id) and not suppressions.cover(NOBODYS, one.previous_id)
            ]
        await self._parts.identities.learn(memberships, aliases)

    async def _sorted(self, delivery: Delivery) -> "_Sorting":
        """Which way each event goes. The plain way asks nobody."""
        parts, sorting = self._parts, _Sorting(delivery)
        unknown = [stated for stated in delivery.stated if stated.data.account_id == NOBODYS]
        is_plain = delivery.policy.is_plain and not parts.suppressions.any
        if is_plain and not unknown:
            sorting.take_all(delivery)
            return sorting
        accounts = await parts.identities.accounts_of(_users(unknown)) if unknown else {}
        for place, stated in zip(delivery.places, delivery.stated, strict=True):
            owned = stated
            if stated.data.account_id == NOBODYS:
                user = _user(stated)
                members_of = accounts.get(user or "", ())
                if len(members_of) != 1:
                    if parts.suppressions.any and parts.suppressions.cover(NOBODYS, user):
                        sorting.suppressed.append(place)
                    else:
                        sorting.wait(place, stated, "account-ambiguous" if members_of else "account-unknown")
                    continue
                owned = replace(stated, data=replace(stated.data, account_id=members_of[0]))
            if is_plain:
                sorting.take(place, owned)
            else:
                self._judge(sorting, place, owned, delivery.policy)
        return sorting

    def _judge(self, sorting: "_Sorting", place: int, stated: Stated, policy: Policy) -> None:
        """Take, leave out or refuse an event by its source's policy."""
        if self._parts.suppressions.cover(stated.data.account_id, _user(stated)):
            sorting.suppressed.append(place)
            return
        if policy.plan is not None and isinstance(stated.data, UsageRecorded):
            action, fault = _planned(stated, policy)
            if fault is not None and action is Action.QUARANTINE:
                sorting.refuse(place, stated, fault)
                return
            if fault is not None and action is Action.WARN:
                sorting.warnings.append((place, fault.detail))
        if policy.dropped or policy.hashed:
            stated = self._parts.redaction.redact(stated, policy)
        sorting.take(place, stated)


class _Sorting:
    """The events of a delivery, going their ways."""

    __slots__ = ("_of", "_traceparent", "_writer", "records", "refused", "suppressed", "taken", "waiting", "warnings")

    def __init__(self, delivery: Delivery) -> None:
        self._traceparent = delivery.traceparent
        self._writer: RecordWriter | None = None
        self._of: tuple[str, str | None] = ("", None)
        """The source and the trace of what the writer writes."""
        self.records: list[Outgoing] = []
        self.taken: list[int] = []
        self.waiting: list[tuple[int, Stated, str]] = []
        self.suppressed: list[int] = []
        self.refused = list(delivery.refused)
        self.warnings: list[tuple[int, str]] = []

    def take(self, place: int, stated: Stated) -> None:
        self.taken.append(place)
        self._write([stated])

    def take_all(self, delivery: Delivery) -> None:
        """Take every event of the delivery, which is most deliveries' way."""
        self.taken = delivery.places
        self._write(delivery.stated)

    def _write(self, events: Sequence[Stated]) -> None:
        records, writer = self.records, self._writer
        source, trace = self._of
        for each in events:
            if writer is None or each.source != source or each.traceparent != trace:
                source, trace = each.source, each.traceparent
                writer = RecordWriter(source, trace or self._traceparent)
            records.append(writer(each.id, each.occurred_at, each.data))
        self._writer, self._of = writer, (source, trace)

    def wait(self, place: int, stated: Stated, code: str) -> None:
        self.waiting.append((place, stated, code))

    def refuse(self, place: int, stated: Stated, fault: Refused) -> None:
        self.refused.append(RefusedEvent(place, bytes(stated.document), fault, stated.id))

    def received(self) -> Received:
        if self.refused:
            self.refused.sort(key=lambda each: each.place)
        return Received(
            accepted=len(self.records),
            waiting=[place for place, _, _ in self.waiting],
            suppressed=self.suppressed,
            refused=self.refused,
            warnings=self.warnings,
        )


def _planned(stated: Stated, policy: Policy) -> tuple[Action, Refused | None]:
    plan, data = policy.plan, stated.data
    if plan is None or not isinstance(data, UsageRecorded):
        return Action.ALLOW, None
    planned = plan.events.get(data.event)
    if planned is None:
        fault = Refused("event-unplanned", f"The tracking plan has no event {data.event!r:.100}.", "/event")
        return plan.unplanned, None if plan.unplanned is Action.ALLOW else fault
    if planned.action is Action.ALLOW:
        return Action.ALLOW, None
    faults = planned.faults(stated.properties)
    if not faults:
        return Action.ALLOW, None
    pointer, sentence = faults[0]
    return planned.action, Refused("plan-violated", sentence, f"/properties{pointer}")


def _user(stated: Stated) -> str | None:
    return getattr(stated.data, "user_id", None) or getattr(stated.data, "contact_id", None)


def _users(events: Sequence[Stated]) -> set[str]:
    return {user for stated in events if (user := _user(stated)) is not None}
