"""The gate: what is due is looked at again before it goes. Is it muted, does its reader work, who stands in for them?

It decides within the claim's transaction, so nothing is held in memory, and gives every message that does not go a
named reason. What waits is looked at again when its instant has come.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from alerts.application.delivery_ports import Call, Claim
from alerts.application.directory import DirectoryInForce
from alerts.application.interventions import Interventions
from alerts.application.ports import Work
from alerts.application.routing import way_to
from alerts.domain.accounts import Account
from alerts.domain.alerts import Notice
from alerts.domain.calendars import PublicHolidays, instant, works_next
from alerts.domain.deliveries import DeliveryState, Suppressed, Waits, delivery_id
from alerts.domain.muting import Held, Intervention, Mute, Muted, Telling, of_the_alert, of_the_person, off_work
from alerts.domain.people import Directory, Person, Via, Why, standing_in
from alerts.domain.routing import About, QuietHours, Routing
from alerts.domain.silences import Silence
from alerts.domain.task_messages import KINDS as TASK_KINDS
from alerts.domain.task_messages import NEEDLESS_WHEN_SETTLED

NOTICES = frozenset(Notice)
SETTLED = "the task is settled already"


@dataclass
class _Seen:
    """What the gate goes by in one claim."""

    directory: Directory
    routing: Routing
    silences: Sequence[Silence]
    now: datetime
    told_today: dict[str, int]
    interventions: Mapping[str, Sequence[Intervention]]
    settled: frozenset[str] = frozenset()
    """Tasks of which nobody needs to hear any more."""
    counted: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))


class Gate:
    """Gives every claim its reader and, where it does not go now, its verdict."""

    def __init__(self, directory: DirectoryInForce, holidays: PublicHolidays, interventions: Interventions) -> None:
        self._directory = directory
        self._interventions = interventions
        self._holidays = holidays

    async def __call__(self, work: Work, calls: Sequence[Call], now: datetime) -> Sequence[Call]:
        """The calls, each claim with what the gate found."""
        claims = [claim for call in calls for claim in call.claims]
        if not claims:
            return calls
        directory, routing = await self._directory.with_routing(work)
        silences = await work.silences.active(now)
        budgeted = {
            person.id: instant(person, person.day_of(now), 0)
            for claim in claims
            if (person := directory.people.get(claim.delivery.person_id or "")) and person.daily_budget is not None
        }
        about = {claim.alert.account_id for claim in claims if claim.alert is not None}
        seen = _Seen(directory, routing, silences, now, {}, await self._interventions(work, about))
        tasks = {task_id for claim in claims if (task_id := _task_of(claim)) is not None}
        seen.settled = await work.runs.settled(tasks) if tasks else frozenset()
        if budgeted:
            # what this claim holds is under way already; it is counted as it is let through
            claimed: dict[str, set[str]] = defaultdict(set)
            for call in calls:
                for claim in call.claims:
                    if claim.notification.kind == Notice.OPENED and claim.delivery.person_id in budgeted:
                        claimed[claim.delivery.person_id].add(call.digest_id or claim.delivery.id)
            told = await work.deliveries.told_since(budgeted)
            seen.told_today = {each: max(0, told.get(each, 0) - len(claimed[each])) for each in budgeted}
        found: dict[str, Claim] = {}
        # a budget is spent on the worst first
        for of, claim in sorted(((call, claim) for call in calls for claim in call.claims), key=_worst_first):
            found[claim.delivery.id] = await self._looked_at(work, of, claim, seen)
        return [replace(call, claims=tuple(found[claim.delivery.id] for claim in call.claims)) for call in calls]

    async def _looked_at(self, work: Work, call: Call, claim: Claim, seen: _Seen) -> Claim:
        person = seen.directory.people.get(claim.delivery.person_id or "")
        claim = replace(claim, person=person)
        if claim.notification.kind in TASK_KINDS:
            return await self._of_a_task(work, claim, person, seen)
        if claim.alert is None or claim.notification.kind not in NOTICES:
            return claim
        notice = Notice(claim.notification.kind)
        about = About.of(claim.alert, claim.account or Account(claim.alert.account_id))
        quiet_hours = QuietHours(claim.delivery.policy) if claim.delivery.policy else QuietHours.HOLD
        told = seen.told_today.get(person.id, 0) if person else 0
        telling = Telling(notice, claim.alert, about, quiet_hours, person, told)
        if notice is not Notice.RESOLVED and claim.alert.is_resolved:
            return claim  # it is not sent for that reason
        held = of_the_alert(
            telling, seen.silences, seen.routing, seen.now, seen.interventions.get(claim.alert.account_id, ())
        )
        if held is not None:
            return replace(claim, verdict=_waits(held))
        if claim.delivery.person_id is None:
            return claim
        if person is None:
            reason = f"{claim.delivery.person_id} is not in the directory any more"
            return replace(claim, verdict=Suppressed(reason, Mute.NO_RECEIVER))
        if notice is not Notice.RESOLVED:
            delegated = await self._in_the_place_of(work, claim, person, seen)
            if delegated is not None:
                return delegated
        return self._for_the_person(call, claim, telling, person, seen)

    async def _of_a_task(self, work: Work, claim: Claim, person: Person | None, seen: _Seen) -> Claim:
        """A message about a task waits for its reader's working hours, and is not sent where it was done meanwhile."""
        if _task_of(claim) in seen.settled:
            return replace(claim, verdict=Suppressed(SETTLED))
        if person is None:
            return claim
        delegated = await self._in_the_place_of(work, claim, person, seen)
        if delegated is not None:
            return delegated
        held = off_work(person, self._holidays, seen.now)
        return claim if held is None else replace(claim, verdict=_waits(held))

    async def _in_the_place_of(self, work: Work, claim: Claim, person: Person, seen: _Seen) -> Claim | None:
        if person.leave_at(seen.now) is None:
            return None
        deputy = await self._delegated(work, claim, person, seen)
        if deputy is None:
            return None
        return replace(claim, verdict=Suppressed(f"{person.name} is away: {deputy} has it", Mute.DELEGATED))

    def _for_the_person(self, call: Call, claim: Claim, telling: Telling, person: Person, seen: _Seen) -> Claim:
        verdict = of_the_person(telling, self._holidays, seen.now)
        match verdict:
            case Held(why=Mute.BUDGET) if person.digests.daily_at is None:
                # no digest comes, so it is sent when the person's next day begins
                tomorrow = instant(person, person.day_of(seen.now), 24 * 60)
                return replace(claim, verdict=_waits(replace(verdict, until=self._works(person, tomorrow))))
            case Held():
                return replace(claim, verdict=_waits(verdict))
            case Muted(why, detail):
                return replace(claim, verdict=Suppressed(f"{why}: {detail}", why))
            case None:
                message = call.digest_id or claim.delivery.id
                if telling.notice is Notice.OPENED and message not in seen.counted[person.id]:
                    seen.counted[person.id].add(message)
                    seen.told_today[person.id] = telling.told_today + 1
                return claim

    def _works(self, person: Person, at: datetime) -> datetime:
        return works_next(person, at, self._holidays) or at

    async def _delegated(self, work: Work, claim: Claim, person: Person, seen: _Seen) -> str | None:
        """Have whoever stands in told in somebody's place; answers who, None where nobody can be."""
        found = standing_in(Via(person.id, Why.PERSON), seen.directory.people, seen.now)
        deputy = seen.directory.people.get(found.person_id or "")
        if deputy is None or deputy.id == person.id:
            return None
        channel = way_to(deputy, await work.channels.usable())
        if channel is None:
            return None
        through = ", ".join([claim.delivery.through or person.id, f"{deputy.id} (stands in for {person.id})"])
        instead = replace(
            claim.delivery,
            id=delivery_id(claim.notification.id, channel.id, deputy.id),
            channel_id=channel.id,
            state=DeliveryState.PENDING,
            created_at=seen.now,
            attempts=0,
            attempts_before=0,
            next_attempt_at=seen.now,
            person_id=deputy.id,
            through=through[:2_000],
            muted_by=None,
            muted_why=None,
            digest_id=None,
            unclear=False,
        )
        await work.deliveries.add([], [instead])
        return deputy.name


def _task_of(claim: Claim) -> str | None:
    """The task that somebody is still to do, where a message is about one."""
    about = claim.notification.about
    return about["task_id"] if claim.notification.kind in NEEDLESS_WHEN_SETTLED and about else None


def _worst_first(one: tuple[Call, Claim]) -> tuple[int, datetime, str]:
    _, claim = one
    severity = claim.alert.severity.rank if claim.alert is not None else 0
    return -severity, claim.delivery.created_at, claim.delivery.id


def _waits(held: Held) -> Waits:
    return Waits(held.why, held.detail, held.until)
