"""Contracts that renew others by what a source says, in whatever order both come to be known.

A source names the contract by its own id, or by the one here. Nothing of it that a person stated is overwritten.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from renewals.application.sources import ContractConflict, Key, Outcome, Plan, SourceRecord
from renewals.domain.contracts import Contract
from renewals.domain.entering import past
from renewals.domain.faces import Difference, face
from renewals.domain.happenings import Happening
from renewals.domain.reconciling import Conflict, ConflictKind
from renewals.domain.statements import read
from renewals.domain.succeeding import check_alike, predecessor, succeeded
from renewals.domain.taking import REFUSALS, is_touched

RENEWS = "renews"


@dataclass(frozen=True, slots=True)
class Beside:
    """A change of a contract that nothing was said of, by the word of a source, and what happened by it."""

    source: str
    was: Contract
    becomes: Contract
    happened: Happening | None


@dataclass(frozen=True, slots=True)
class Names:
    """Which contract a source means by a name."""

    by_key: dict[Key, Contract]
    by_id: Mapping[str, Contract]
    by_external_id: dict[str, Contract]
    owners: dict[str, SourceRecord]
    """The record of the source that states a contract, by that one's id, where one does."""

    def add(self, contract: Contract, record: SourceRecord) -> None:
        """A contract that a source stated just now."""
        self.by_key[record.key] = self.by_external_id[record.external_id] = contract
        self.owners[contract.id] = record

    def find(self, source: str, name: str) -> Contract | None:
        """The contract of that source's id; else of that id here; else one that a person entered with that id."""
        found = self.by_key.get((source, name)) or self.by_id.get(name)
        if found is not None:
            return found
        by_hand = self.by_external_id.get(name)
        return by_hand if by_hand is not None and by_hand.id not in self.owners else None


@dataclass(slots=True)
class Linking:
    """Links what is planned: each contract to the one that it renews, which ends by that.

    `successors` are the contracts that renew others already, by the renewed one's id; `touched` what people changed of
    contracts; `decided` the conflicts of which a person decided that they stand. `besides` are changes of contracts
    that no plan is about, by their ids.
    """

    plans: dict[Key, Plan]
    names: Names
    successors: Mapping[str, Sequence[Contract]]
    touched: Mapping[str, frozenset[str]]
    decided: Mapping[Key, ContractConflict]
    now: datetime
    besides: dict[str, Beside] = field(default_factory=dict)
    keys: dict[str, Key] = field(init=False)

    def __post_init__(self) -> None:
        self.keys = {plan.after.id: key for key, plan in self.plans.items() if plan.after is not None}

    def link(self) -> None:
        """Link what can be, and say of the rest why not."""
        for key, name, of in sorted(self._waiting(), key=lambda each: (each[2].terms[0].start, each[0])):
            decided = self.decided.get(key)
            before = self._found(key[0], name)
            if decided is not None and decided.there in {name, before and before.id}:
                difference = Difference(RENEWS, decided.here, decided.there)
                self._conflict(key, Conflict(decided.kind, difference, decided.detail))
            elif before is None:
                detail = f"no contract is known here as {name}: it is waited for"
                difference = Difference(RENEWS, None, name)
                self._conflict(key, Conflict(ConflictKind.PREDECESSOR_UNKNOWN, difference, detail))
            else:
                self._link(key, of, before)
        self._follow()

    def _waiting(self) -> Iterator[tuple[Key, str, Contract]]:
        """The contracts of which a source says that they renew another, and that do not yet."""
        for key, plan in self.plans.items():
            if plan.record is None or plan.after is None or not plan.is_compared or plan.after.predecessor is not None:
                continue
            name = read(plan.record.said).fields.get(RENEWS)
            if name is not None:
                yield key, str(name), plan.after

    def _found(self, source: str, name: str) -> Contract | None:
        """The contract of a name, as it is planned to be."""
        found = self.names.find(source, name)
        return found and self._planned(found)

    def _planned(self, contract: Contract) -> Contract:
        if contract.id in self.keys:
            return self.plans[self.keys[contract.id]].after or contract
        return self.besides[contract.id].becomes if contract.id in self.besides else contract

    def _link(self, key: Key, of: Contract, before: Contract) -> None:
        start = of.terms[0].start
        difference = Difference(RENEWS, None, before.id)
        try:
            check_alike(before, of.account_id, of.kind, of.currency)
            ended, happened = succeeded(before, start, self.now)
        except REFUSALS as refused:
            self._conflict(key, Conflict(ConflictKind.LEDGER_REFUSES, difference, str(refused)))
            return
        touched = self.touched.get(before.id, frozenset())
        if theirs := sorted(name for name in overwritten(before, ended) if is_touched(name, touched)):
            detail = f"a person stated of the contract that it renews, and it would change: {', '.join(theirs)}"
            self._conflict(key, Conflict(ConflictKind.CHANGED_HERE, difference, detail))
            return
        self._change(key[0], before, ended, happened)
        plan = self.plans[key]
        linked = replace(of, predecessor=predecessor(ended, start))
        outcome = Outcome.CHANGED if plan.outcome is Outcome.UNCHANGED else plan.outcome
        self.plans[key] = replace(plan, after=linked, outcome=outcome)

    def _follow(self) -> None:
        """Have contracts that renew another know the end that was agreed of it, where that moved."""
        for (source, _), plan in list(self.plans.items()):
            if plan.before is None or plan.after is None or plan.before == plan.after:
                continue
            for each in self.successors.get(plan.after.id, ()):
                of = self._planned(each)
                again = replace(of, predecessor=predecessor(plan.after, of.terms[0].start))
                if again != of and of.account_id == plan.after.account_id:
                    self._change(source, of, again)

    def _change(self, source: str, contract: Contract, changed: Contract, happened: Happening | None = None) -> None:
        """Have a contract changed: in the plan about it, where there is one."""
        if changed == contract:
            return
        if (key := self.keys.get(contract.id)) is not None:
            plan = self.plans[key]
            outcome = Outcome.CHANGED if plan.outcome is Outcome.UNCHANGED else plan.outcome
            if plan.before is None:  # what is entered with its end behind it is history
                changed, happened = past(changed, self.now), None
            told = (*plan.happened, happened) if happened else plan.happened
            self.plans[key] = replace(plan, after=changed, outcome=outcome, happened=told)
        else:
            was = self.besides[contract.id].was if contract.id in self.besides else contract
            self.besides[contract.id] = Beside(source, was, changed, happened)

    def _conflict(self, key: Key, conflict: Conflict) -> None:
        plan = self.plans[key]
        conflicts = (*plan.conflicts, conflict)
        self.plans[key] = replace(plan, outcome=Outcome.CONFLICT, conflicts=conflicts, detail=told(conflicts))


def told(conflicts: Sequence[Conflict]) -> str:
    """Conflicts in a sentence."""
    return "; ".join(f"{each.difference.field}: {each.detail}" for each in conflicts)


def overwritten(before: Contract, ended: Contract) -> Iterator[str]:
    """Which fields change of a contract by being renewed by another."""
    was, now = face(before), face(ended)
    yield from (name for name in was if now.get(name) != was[name])
    if ended.latest.end_exclusive != before.terms[ended.latest.number - 1].end_exclusive:
        yield f"terms.{ended.latest.number}.end"
