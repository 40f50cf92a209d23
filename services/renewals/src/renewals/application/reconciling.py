"""Reconciles contracts with what other systems say of them: facts from ingest, and rows of files."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from mainstay.kernel.clock import Clock
from mainstay.kernel.ids import new_id
from renewals.application.conflicts import keep_conflicts, touched_since
from renewals.application.ports import AccountLedger, Note, Work
from renewals.application.settling import SettleAccounts
from renewals.application.sources import Key, Outcome, Plan, SourceRecord, author
from renewals.domain.contracts import Contract
from renewals.domain.reconciling import (
    REFUSALS,
    Conflict,
    ConflictKind,
    Difference,
    differences,
    enter,
    is_touched,
    reconcile,
)
from renewals.domain.statements import StatedContract, Statement, merged, read


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of the contracts that some statements are about."""

    records: Mapping[Key, SourceRecord]
    contracts: Mapping[str, Contract]
    by_external_id: dict[str, Contract]
    owners: dict[str, SourceRecord]
    revisions: Mapping[str, int]
    touched: Mapping[str, frozenset[str]] = field(default_factory=dict)


class ReconcileContracts:
    """Take over what sources say, where nobody changed it here; what conflicts is kept for a person to decide."""

    def __init__(self, settle: SettleAccounts, clock: Clock) -> None:
        self._settle = settle
        self._clock = clock

    async def take(self, work: Work, statements: Sequence[Statement]) -> Mapping[Key, Plan]:
        """Plan, and do it; answers what became of each contract."""
        stated = by_contract(statements)
        if not stated:
            return {}
        ledgers, erased = await self._lock(work, stated)
        plans = await self._plan(work, stated, erased)
        await self._keep(work, plans, ledgers)
        return plans

    async def foresee(self, work: Work, statements: Sequence[Statement]) -> Mapping[Key, Plan]:
        """What `take` would do now. Nothing is changed."""
        stated = by_contract(statements)
        accounts = {each.account_id for many in stated.values() for each in many}
        return await self._plan(work, stated, await work.erased.among(accounts))

    async def _lock(
        self, work: Work, stated: Mapping[Key, Sequence[Statement]]
    ) -> tuple[Sequence[AccountLedger], Collection[str]]:
        """Lock the accounts that statements name, and those that have their contracts now; who of them is erased."""
        named = {each.account_id for many in stated.values() for each in many}
        ledgers, asked = dict[str, AccountLedger](), set[str]()
        # Somebody may give a contract away before the lock is there.
        while wanted := {*named, *(c.account_id for c in await self._contracts(work, stated))} - asked:
            asked |= wanted
            ledgers |= {each.account_id: each for each in await work.accounts.lock(wanted)}
        return list(ledgers.values()), named - ledgers.keys()

    @staticmethod
    async def _contracts(work: Work, stated: Collection[Key]) -> Sequence[Contract]:
        """The contracts that are known to be those, and those that carry such an external id."""
        known = await work.sources.contract_ids(stated)
        return await work.contracts.named(known, {external_id for _, external_id in stated})

    async def _plan(
        self, work: Work, stated: Mapping[Key, Sequence[Statement]], erased: Collection[str]
    ) -> Mapping[Key, Plan]:
        records = await work.sources.records(stated)
        found = await self._contracts(work, stated)
        contracts = {each.id: each for each in found}
        known = Known(
            records=records,
            contracts=contracts,
            by_external_id={each.external_id: each for each in found if each.external_id},
            owners=dict(await work.sources.of_contracts(contracts)),
            revisions=await work.ledger.latest(contracts),
        )
        known = replace(known, touched=await self._touched(work, known))
        now = self._clock.now()
        plans = dict[Key, Plan]()
        for key, many in stated.items():
            plan = plans[key] = _planned(key, many, known, erased, now)
            if plan.after is not None and plan.before is None and plan.record is not None:
                # Who comes next in the same batch finds the external id taken.
                known.by_external_id[key[1]], known.owners[plan.after.id] = plan.after, plan.record
        return plans

    async def _touched(self, work: Work, known: Known) -> Mapping[str, frozenset[str]]:
        """Which fields of each contract people changed since it was last looked at."""
        found = dict[str, frozenset[str]]()
        for record in known.records.values():
            if record.contract_id is not None and record.contract_id in known.contracts:
                found[record.contract_id] = await touched_since(work, record, known.revisions[record.contract_id])
        return found

    async def _keep(self, work: Work, plans: Mapping[Key, Plan], ledgers: Sequence[AccountLedger]) -> None:
        now = self._clock.now()
        by_source = defaultdict[str, list[Plan]](list)
        for (source, _), plan in plans.items():
            by_source[source].append(plan)
        for source, some in sorted(by_source.items()):
            note = Note(now, author(source), "as the source has it")
            new = [plan.after for plan in some if plan.after and plan.before is None]
            await work.contracts.add_all(new, Note(now, author(source), "entered"))
            await work.contracts.save([(p.before, p.after) for p in some if p.before and p.after], note)
            for plan in some:
                for happening in plan.happened:
                    assert plan.after is not None  # noqa: S101 - something happened to it
                    self._settle.tell(work, plan.after, happening, None, now)
        changed = {plan.after.account_id for plan in plans.values() if plan.after and plan.after != plan.before}
        await self._settle.settle(work, [each for each in ledgers if each.account_id in changed])
        kept = [plan.record for plan in plans.values() if plan.record]
        revisions = await work.ledger.latest({each.contract_id for each in kept if each.contract_id})
        await work.sources.save([replace(each, seen=revisions.get(each.contract_id or "", 0)) for each in kept])
        await keep_conflicts(work, plans, now)


def by_contract(statements: Iterable[Statement]) -> Mapping[Key, Sequence[Statement]]:
    """Statements by the contract that they are about, in the order of the contracts' keys."""
    found = defaultdict[Key, list[Statement]](list)
    for each in statements:
        found[each.key].append(each)
    return {key: found[key] for key in sorted(found)}


def _planned(key: Key, statements: Sequence[Statement], known: Known, erased: Collection[str], now: datetime) -> Plan:
    source, external_id = key
    latest = max(statements, key=lambda each: each.place)
    if latest.account_id in erased:
        return Plan(Outcome.REFUSED, None, detail="the account was erased")
    record = known.records.get(key) or SourceRecord(
        source=source, external_id=external_id, account_id=latest.account_id, contract_id=None, said={}
    )
    said = record.said
    for each in statements:
        said = merged(said, each)
    stated = read(said)
    is_news = said != record.said
    record = replace(record, said=said, account_id=str(stated.fields["account_id"]))
    contract = known.contracts.get(record.contract_id or "")
    if contract is None:
        return _unknown(record, stated, known, now)
    touched = known.touched.get(contract.id, record.touched)
    if not is_news:
        return Plan(Outcome.UNCHANGED, replace(record, touched=touched), contract, contract, is_compared=False)
    return compared(record, contract, stated, touched, now)


def compared(
    record: SourceRecord, contract: Contract, stated: StatedContract, touched: frozenset[str], now: datetime
) -> Plan:
    """What is to become of a contract that the source states, where people `touched` some of its fields."""
    done = reconcile(contract, stated, touched, now, terms_taken=record.terms_taken)
    # What both say is nobody's any more; what is in conflict stays the person's who changed it.
    held = {each.difference.field for each in done.conflicts if each.kind is ConflictKind.CHANGED_HERE}
    still = {each for each in touched if any(is_touched(name, [each]) for name in held) or not _is_said(each, stated)}
    record = replace(record, touched=frozenset(still), terms_taken=max(record.terms_taken, len(stated.terms)))
    outcome = Outcome.CHANGED if done.contract != contract else Outcome.UNCHANGED
    if done.conflicts:
        outcome = Outcome.CONFLICT
    return Plan(outcome, record, contract, done.contract, done.happened, done.conflicts, _told(done.conflicts))


def _is_said(name: str, stated: StatedContract) -> bool:
    """Whether the source says anything of a field of the face."""
    if name.startswith("terms."):
        return int(name.split(".")[1]) <= len(stated.terms)
    if name == "notice":
        return "notice_amount" in stated.fields
    return name in stated.fields or (name == "cancelled_on" and stated.state is not None)


def _unknown(record: SourceRecord, stated: StatedContract, known: Known, now: datetime) -> Plan:
    """A contract that the source has and that is not entered, or not by it."""
    if stated.is_draft:
        return _not_entered(
            record, Outcome.UNCHANGED, ConflictKind.DRAFT, "state", None, "draft", "it is not signed yet"
        )
    held = known.by_external_id.get(record.external_id)
    if held is not None:
        owner = known.owners.get(held.id)
        kind = ConflictKind.OTHER_SOURCE if owner else ConflictKind.ENTERED_BY_HAND
        whose = f"the source {owner.source}" if owner else "a contract that was entered by hand"
        detail = f"{whose} has the external id {record.external_id}"
        return _not_entered(record, Outcome.CONFLICT, kind, "external_id", held.id, record.external_id, detail)
    try:
        contract = enter(new_id(now), record.external_id, stated, now)
    except REFUSALS as refused:
        there = {**stated.fields, "terms": [dict(term) for term in stated.terms]}
        return _not_entered(record, Outcome.REFUSED, ConflictKind.NOT_ENTERED, "contract", None, there, str(refused))
    record = replace(record, contract_id=contract.id, terms_taken=len(stated.terms))
    left = tuple(
        Conflict(ConflictKind.LEDGER_REFUSES, each, "the ledger cannot hold it as it was stated")
        for each in differences(contract, stated, now)
    )
    return Plan(Outcome.CONFLICT if left else Outcome.ENTERED, record, None, contract, (), left, _told(left))


def _not_entered(
    record: SourceRecord, outcome: Outcome, kind: ConflictKind, name: str, here: object, there: object, detail: str
) -> Plan:
    return Plan(outcome, record, conflicts=(Conflict(kind, Difference(name, here, there), detail),), detail=detail)


def _told(conflicts: Sequence[Conflict]) -> str:
    return "; ".join(f"{each.difference.field}: {each.detail}" for each in conflicts)
