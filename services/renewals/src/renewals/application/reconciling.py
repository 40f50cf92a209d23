"""Reconciles contracts with what other systems say of them: facts from ingest, and rows of files."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime

from mainstay.kernel.clock import Clock
from mainstay.kernel.ids import new_id
from renewals.application.conflicts import keep_conflicts, touched_since
from renewals.application.linking import RENEWS, Beside, Linking, Names, told
from renewals.application.ports import AccountLedger, Note, Work
from renewals.application.settling import SettleAccounts
from renewals.application.sources import ConflictState, ContractConflict, Key, Outcome, Plan, SourceRecord, author
from renewals.domain.contracts import Contract
from renewals.domain.errors import LedgerCannot
from renewals.domain.faces import Difference
from renewals.domain.reconciling import Conflict, ConflictKind, differences, reconcile
from renewals.domain.statements import NAMES, StatedContract, Statement, merged, read
from renewals.domain.stating import enter
from renewals.domain.taking import REFUSALS, is_touched

CO_TERMS = "co_terms_with"
RENEWED_BY_ANOTHER = "renewed by another contract"
"""What the ledger says of why a contract changed that nothing was said of."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A contract that is to be looked at, with everything that its source said of it by now."""

    record: SourceRecord
    is_news: bool

    def stated(self, names: Names) -> StatedContract:
        """What was said, with the ids here of the contracts that it names, where they are known."""
        stated, fields = read(self.record.said), dict[str, str]()
        for field in NAMES:
            name = stated.fields.get(field)
            found = names.find(self.record.source, str(name)) if name is not None else None
            if found is not None:
                fields[field] = found.id
        return replace(stated, fields={**stated.fields, **fields})

    @property
    def named(self) -> Iterator[Key]:
        """The contracts that it names."""
        fields = read(self.record.said).fields
        return ((self.record.source, str(fields[each])) for each in NAMES if fields.get(each) is not None)


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of the contracts that are to be looked at, and of those that they name."""

    contracts: Mapping[str, Contract]
    names: Names
    successors: Mapping[str, Sequence[Contract]]
    revisions: Mapping[str, int]
    touched: Mapping[str, frozenset[str]]

    def renewed_from(self, contract: Contract) -> date | None:
        """The day from which on another contract renews this one."""
        return min((each.terms[0].start for each in self.successors.get(contract.id, ())), default=None)


@dataclass(frozen=True, slots=True)
class Planned:
    """What is to become of contracts; `besides` of some that nothing was said of."""

    plans: Mapping[Key, Plan]
    besides: Sequence[Beside]


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
        planned = await self._plan(work, stated, erased, [each.account_id for each in ledgers])
        await self._keep(work, planned, ledgers)
        return {key: planned.plans[key] for key in stated}

    async def foresee(self, work: Work, statements: Sequence[Statement]) -> Mapping[Key, Plan]:
        """What `take` would do now. Nothing is changed."""
        stated = by_contract(statements)
        accounts = {each.account_id for many in stated.values() for each in many}
        erased = await work.erased.among(accounts)
        planned = await self._plan(work, stated, erased, accounts - erased)
        return {key: planned.plans[key] for key in stated}

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
    async def _contracts(work: Work, keys: Collection[Key]) -> Sequence[Contract]:
        """The contracts that are known to be those, and those that carry such an external id or are named by theirs."""
        known = await work.sources.contract_ids(keys)
        words = {external_id for _, external_id in keys}
        return await work.contracts.named({*known, *words}, words)

    async def _plan(
        self,
        work: Work,
        stated: Mapping[Key, Sequence[Statement]],
        erased: Collection[str],
        account_ids: Collection[str],
    ) -> Planned:
        waiting = await work.sources.naming(stated, account_ids)
        records = await work.sources.records({*stated, *waiting})
        plans, asked = dict[Key, Plan](), dict[Key, Asked]()
        for key, many in stated.items():
            if max(many, key=lambda each: each.place).account_id in erased:
                plans[key] = Plan(Outcome.REFUSED, None, detail="the account was erased")
            else:
                asked[key] = _asked(key, many, records.get(key))
        # Of who waits for one of them nothing new is said; it is compared again, to find that the other has come.
        asked |= {
            key: replace(asked[key], is_news=True) if key in asked else Asked(records[key], is_news=True)
            for key in waiting
            if key not in plans
        }
        known = await self._known(work, asked)
        # Who waits may be in other hands by now, whose account is not locked.
        for key in asked.keys() - stated.keys():
            contract = known.contracts.get(asked[key].record.contract_id or "")
            if contract is not None and contract.account_id not in account_ids:
                del asked[key]
        now = self._clock.now()
        for key in _in_order(asked):
            plan = plans[key] = _planned(asked[key], known, now)
            if plan.after is not None and plan.before is None and plan.record is not None:
                # Who comes next in the same batch finds the external id taken.
                known.names.add(plan.after, plan.record)
        linking = Linking(plans, known.names, known.successors, known.touched, await self._decided(work, plans), now)
        linking.link()
        return Planned(linking.plans, list(linking.besides.values()))

    async def _known(self, work: Work, asked: Mapping[Key, Asked]) -> Known:
        named = {key for each in asked.values() for key in each.named}
        found = await self._contracts(work, {*asked, *named})
        contracts = {each.id: each for each in found}
        owners = dict(await work.sources.of_contracts(contracts))
        successors = defaultdict[str, list[Contract]](list)
        for each in await work.contracts.renewing(contracts):
            if each.predecessor:
                successors[each.predecessor.contract_id].append(each)
        names = Names(
            by_key={record.key: contracts[contract_id] for contract_id, record in owners.items()},
            by_id=contracts,
            by_external_id={each.external_id: each for each in found if each.external_id},
            owners=owners,
        )
        known = Known(contracts, names, successors, await work.ledger.latest(contracts), {})
        return replace(known, touched=await self._touched(work, asked, known))

    async def _touched(self, work: Work, asked: Mapping[Key, Asked], known: Known) -> Mapping[str, frozenset[str]]:
        """Which fields of contracts people changed since they were last looked at: of those named, if they matter."""
        found = dict[str, frozenset[str]]()
        for each in asked.values():
            contract = known.contracts.get(each.record.contract_id or "")
            if contract is not None:
                found[contract.id] = await touched_since(work, each.record, known.revisions[contract.id])
            renews = known.contracts.get(str(each.stated(known.names).fields.get(RENEWS)))
            if renews is None or renews.id in found or (contract is not None and contract.predecessor is not None):
                continue
            record = known.names.owners.get(renews.id)
            if record is None:  # all that is in a contract which no source states is a person's
                record = replace(each.record, contract_id=renews.id, seen=0, touched=frozenset())
            found[renews.id] = await touched_since(work, record, known.revisions[renews.id])
        return found

    @staticmethod
    async def _decided(work: Work, plans: Mapping[Key, Plan]) -> Mapping[Key, ContractConflict]:
        """What a person decided to stand of contracts that are to renew another."""
        waiting = [
            key
            for key, plan in plans.items()
            if plan.record and plan.after and plan.before and not plan.after.predecessor and RENEWS in plan.record.said
        ]
        standing = await work.sources.standing(waiting) if waiting else ()
        return {each.key: each for each in standing if (each.field, each.state) == (RENEWS, ConflictState.OURS)}

    async def _keep(self, work: Work, planned: Planned, ledgers: Sequence[AccountLedger]) -> None:
        now, plans = self._clock.now(), planned.plans
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
        for source in sorted({each.source for each in planned.besides}):
            others = [each for each in planned.besides if each.source == source]
            note = Note(now, author(source), RENEWED_BY_ANOTHER)
            await work.contracts.save([(each.was, each.becomes) for each in others], note)
            for each in others:
                if each.happened is not None:
                    self._settle.tell(work, each.becomes, each.happened, None, now)
        changed = {plan.after.account_id for plan in plans.values() if plan.after and plan.after != plan.before}
        changed |= {each.becomes.account_id for each in planned.besides}
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


def _asked(key: Key, statements: Sequence[Statement], record: SourceRecord | None) -> Asked:
    """What a source said of a contract, with what it says now taken in."""
    source, external_id = key
    latest = max(statements, key=lambda each: each.place)
    before = record or SourceRecord(
        source=source, external_id=external_id, account_id=latest.account_id, contract_id=None, said={}
    )
    said = before.said
    for each in statements:
        said = merged(said, each)
    return Asked(replace(before, said=said, account_id=str(read(said).fields["account_id"])), said != before.said)


def _in_order(asked: Mapping[Key, Asked]) -> Iterator[Key]:
    """Those that co-term with another one of them come after that; who is in a circle, in the order of the keys."""
    left = dict(asked)
    while left:
        leads = {key: (key[0], str(read(each.record.said).fields.get(CO_TERMS))) for key, each in left.items()}
        ready = [key for key, lead in leads.items() if lead not in left or lead == key] or list(left)
        yield from ready
        left = {key: each for key, each in left.items() if key not in ready}


def _planned(asked: Asked, known: Known, now: datetime) -> Plan:
    record, stated = asked.record, asked.stated(known.names)
    contract = known.contracts.get(record.contract_id or "")
    if contract is None:
        return _unknown(record, stated, known, now)
    touched = known.touched.get(contract.id, record.touched)
    if not asked.is_news:
        return Plan(Outcome.UNCHANGED, replace(record, touched=touched), contract, contract, is_compared=False)
    return compared(record, contract, stated, touched, now, known.renewed_from(contract))


def compared(
    record: SourceRecord,
    contract: Contract,
    stated: StatedContract,
    touched: frozenset[str],
    now: datetime,
    renewed_from: date | None,
) -> Plan:
    """What is to become of a contract that the source states, where people `touched` some of its fields.

    Another contract renews it from the day `renewed_from` on.
    """
    done = reconcile(contract, stated, touched, now, terms_taken=record.terms_taken, renewed_from=renewed_from)
    # What both say is nobody's any more; what is in conflict stays the person's who changed it.
    held = {each.difference.field for each in done.conflicts if each.kind is ConflictKind.CHANGED_HERE}
    still = {each for each in touched if any(is_touched(name, [each]) for name in held) or not _is_said(each, stated)}
    record = replace(record, touched=frozenset(still), terms_taken=max(record.terms_taken, len(stated.terms)))
    outcome = Outcome.CHANGED if done.contract != contract else Outcome.UNCHANGED
    if done.conflicts:
        outcome = Outcome.CONFLICT
    return Plan(outcome, record, contract, done.contract, done.happened, done.conflicts, told(done.conflicts))


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
    held = known.names.by_external_id.get(record.external_id)
    if held is not None:
        owner = known.names.owners.get(held.id)
        kind = ConflictKind.OTHER_SOURCE if owner else ConflictKind.ENTERED_BY_HAND
        whose = f"the source {owner.source}" if owner else "a contract that was entered by hand"
        detail = f"{whose} has the external id {record.external_id}"
        return _not_entered(record, Outcome.CONFLICT, kind, "external_id", held.id, record.external_id, detail)
    try:
        contract = enter(new_id(now), record.external_id, stated, now, _lead(record, known.names))
    except REFUSALS as refused:
        there = {**read(record.said).fields, "terms": [dict(term) for term in stated.terms]}
        return _not_entered(record, Outcome.REFUSED, ConflictKind.NOT_ENTERED, "contract", None, there, str(refused))
    record = replace(record, contract_id=contract.id, terms_taken=len(stated.terms))
    left = tuple(
        Conflict(ConflictKind.LEDGER_REFUSES, each, "the ledger cannot hold it as it was stated")
        for each in differences(contract, stated, now)
    )
    return Plan(Outcome.CONFLICT if left else Outcome.ENTERED, record, None, contract, (), left, told(left))


def _lead(record: SourceRecord, names: Names) -> Contract | None:
    """The contract that one co-terms with. Raises `LedgerCannot` where it is not known here yet."""
    name = read(record.said).fields.get(CO_TERMS)
    if name is None:
        return None
    found = names.find(record.source, str(name))
    if found is None:
        raise LedgerCannot(f"no contract is known here as {name}, with which it is to end: it is waited for")
    return found


def _not_entered(
    record: SourceRecord, outcome: Outcome, kind: ConflictKind, name: str, here: object, there: object, detail: str
) -> Plan:
    return Plan(outcome, record, conflicts=(Conflict(kind, Difference(name, here, there), detail),), detail=detail)
