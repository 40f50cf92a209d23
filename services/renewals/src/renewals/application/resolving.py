"""Deciding conflicts between the ledger and another system: a person says whose word holds, and why."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from enum import StrEnum

from mainstay.kernel.clock import Clock
from renewals.application.conflicts import agree, keep_conflicts, touched_since
from renewals.application.linking import RENEWS
from renewals.application.ports import AccountLedger, Note, OpensWork, Work
from renewals.application.reconciling import compared
from renewals.application.settling import SettleAccounts
from renewals.application.sources import ConflictOver, ConflictState, ContractConflict, NothingToTake, SourceRecord
from renewals.domain.contracts import Contract
from renewals.domain.errors import AccountErased
from renewals.domain.faces import Difference
from renewals.domain.reconciling import Conflict, ConflictKind
from renewals.domain.statements import read
from renewals.domain.succeeding import check_alike, predecessor, succeeded
from renewals.domain.taking import take

_NOTHING_TO_TAKE = {
    ConflictKind.DRAFT: "a draft is entered when it is signed",
    ConflictKind.NOT_ENTERED: "the contract cannot be entered as it was stated: correct it in the source",
    ConflictKind.OTHER_SOURCE: "a contract is stated by one source: correct the external id in one of them",
}


class Side(StrEnum):
    """Whose word holds."""

    THEIRS = "theirs"
    OURS = "ours"


class ResolveConflict:
    """Take over what the source says, or keep what is here until the source says something else."""

    def __init__(self, work: OpensWork, settle: SettleAccounts, clock: Clock) -> None:
        self._work = work
        self._settle = settle
        self._clock = clock

    async def __call__(self, conflict_id: str, side: Side, *, by: str, reason: str) -> ContractConflict:
        """The conflict as it was decided.

        Raises `ConflictUnknown`, `ConflictOver`, `NothingToTake`, `AccountErased`, and what the ledger refuses an
        amendment with.
        """
        async with self._work() as work:
            found = await work.sources.conflict(conflict_id)
            ledgers = await self._lock(work, found)
            conflict = await work.sources.conflict(conflict_id)
            if conflict.state is not ConflictState.OPEN:
                raise ConflictOver(conflict.state)
            now = self._clock.now()
            if side is Side.THEIRS:
                await self._take(work, conflict, ledgers, Note(now, by, reason))
            decided = replace(conflict, state=ConflictState(side.value), resolved_at=now, resolved_by=by, reason=reason)
            await work.sources.keep([decided])
            return decided

    async def _lock(self, work: Work, conflict: ContractConflict) -> Sequence[AccountLedger]:
        """Lock the accounts of the source's statement, of the contract, and the one it may go to."""
        ids = {conflict.account_id}
        if contract_id := _contract_id(conflict):
            ids.add((await work.contracts.get(contract_id)).account_id)
        if conflict.field == "account_id":
            ids.add(str(conflict.there))
        ledgers = await work.accounts.lock(ids)
        if len(ledgers) < len(ids):
            raise AccountErased(conflict.account_id)
        return ledgers

    async def _take(self, work: Work, conflict: ContractConflict, ledgers: Sequence[AccountLedger], note: Note) -> None:
        if conflict.kind in _NOTHING_TO_TAKE:
            raise NothingToTake(_NOTHING_TO_TAKE[conflict.kind])
        contract = await work.contracts.get(str(_contract_id(conflict)))
        record = (await work.sources.records([conflict.key]))[conflict.key]
        if conflict.kind is ConflictKind.ENTERED_BY_HAND:
            await self._adopt(work, record, contract, ledgers, note)
            return
        if conflict.field == RENEWS and contract.predecessor is None:
            await self._link(work, conflict, contract, ledgers, note)
            return
        before = await work.ledger.latest([contract.id])
        touched = await touched_since(work, record, before[contract.id])
        difference = Difference(conflict.field, conflict.here, conflict.there)
        last_stated = len(read(record.said).terms)
        taken, happened = take(
            contract,
            difference,
            note.at,
            last_stated=last_stated,
            touched=touched,
            renewed_from=await _renewed_from(work, contract),
            by_hand=True,
        )
        await work.contracts.save([(contract, taken)], note)
        if happened is not None:
            self._settle.tell(work, taken, happened, None, note.at)
        await self._agreed(work, conflict, ledgers)

    async def _link(
        self, work: Work, conflict: ContractConflict, contract: Contract, ledgers: Sequence[AccountLedger], note: Note
    ) -> None:
        """Have a contract renew the one that the source names, whatever a person stated of that one."""
        start = contract.terms[0].start
        renewed = await _named(work, conflict.source, str(conflict.there))
        if renewed is None:
            raise NothingToTake(f"no contract is known here as {conflict.there}: enter it first")
        check_alike(renewed, contract.account_id, contract.kind, contract.currency)
        ended, happened = succeeded(renewed, start, note.at)
        linked = replace(contract, predecessor=predecessor(ended, start))
        await work.contracts.save([(renewed, ended), (contract, linked)], note)
        if happened is not None:
            self._settle.tell(work, ended, happened, None, note.at)
        await self._agreed(work, conflict, ledgers)

    async def _agreed(self, work: Work, conflict: ContractConflict, ledgers: Sequence[AccountLedger]) -> None:
        # It ends by the decision, and not because both agree now.
        await work.sources.keep([replace(conflict, state=ConflictState.THEIRS)])
        await self._settle.settle(work, ledgers)
        await agree(work, (await work.sources.records([conflict.key]))[conflict.key], [conflict.field])

    async def _adopt(
        self, work: Work, record: SourceRecord, contract: Contract, ledgers: Sequence[AccountLedger], note: Note
    ) -> None:
        """From now on the source states the contract that a person entered; all that is in it is that person's."""
        if other := (await work.sources.of_contracts([contract.id])).get(contract.id):
            raise NothingToTake(f"the source {other.source} states the contract by now")
        record = replace(record, contract_id=contract.id, seen=0)
        revision = (await work.ledger.latest([contract.id]))[contract.id]
        touched = await touched_since(work, record, revision)
        stated = read(record.said)
        if (renews := stated.fields.get(RENEWS)) and (named := await _named(work, record.source, str(renews))):
            stated = replace(stated, fields={**stated.fields, RENEWS: named.id})
        renewed_from = await _renewed_from(work, contract)
        plan = compared(replace(record, seen=revision), contract, stated, touched, note.at, renewed_from)
        if renews and contract.predecessor is None:
            difference = Difference(RENEWS, None, stated.fields[RENEWS])
            told = Conflict(ConflictKind.CHANGED_HERE, difference, "it was entered by hand, and renews no other")
            plan = replace(plan, conflicts=(*plan.conflicts, told))
        assert plan.record is not None  # noqa: S101 - what was compared is kept
        assert plan.after is not None  # noqa: S101 - likewise
        await work.contracts.save([(contract, plan.after)], note)
        for happening in plan.happened:
            self._settle.tell(work, plan.after, happening, None, note.at)
        await self._settle.settle(work, ledgers)
        revision = (await work.ledger.latest([contract.id]))[contract.id]
        await work.sources.save([replace(plan.record, seen=revision)])
        await keep_conflicts(work, {record.key: plan}, note.at)


async def _named(work: Work, source: str, name: str) -> Contract | None:
    """The contract of a source's own id, else of the id here, else the one with that external id."""
    theirs = await work.sources.contract_ids([(source, name)])
    found = await work.contracts.named({*theirs, name}, {name})
    return min(found, key=lambda each: (each.id not in theirs, each.id != name), default=None)


async def _renewed_from(work: Work, contract: Contract) -> date | None:
    """The day from which on another contract renews this one."""
    return min((each.terms[0].start for each in await work.contracts.renewing([contract.id])), default=None)


def _contract_id(conflict: ContractConflict) -> str | None:
    """The contract that the conflict is about; of one that was entered by hand, the one that has the external id."""
    if conflict.kind is ConflictKind.ENTERED_BY_HAND:
        return str(conflict.here)
    return conflict.contract_id
