"""What other systems say of contracts, how far each was taken over, and the conflicts that are left."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol

from renewals.domain.contracts import Contract
from renewals.domain.happenings import Happening
from renewals.domain.reconciling import Conflict, ConflictKind
from renewals.domain.statements import Said

Key = tuple[str, str]
"""A source, and its id of a contract."""


def author(source: str) -> str:
    """Who the ledger says recorded what a source stated."""
    return f"source/{source}"


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceRecord:
    """All that a source said of one contract, and how far the ledger and the source agree.

    `contract_id` is None while the contract is not entered. `seen` is the ledger's last revision that was looked at,
    `touched` are the fields that a person changed since both agreed, `terms_taken` how many terms the source ever had.
    """

    source: str
    external_id: str
    account_id: str
    contract_id: str | None
    said: Said
    seen: int = 0
    touched: frozenset[str] = frozenset()
    terms_taken: int = 0

    @property
    def key(self) -> Key:
        """Which contract, of which source."""
        return self.source, self.external_id


class Outcome(StrEnum):
    """What became of what was stated of a contract."""

    ENTERED = "entered"
    CHANGED = "changed"
    UNCHANGED = "unchanged"
    CONFLICT = "conflict"
    """Something was not taken over; what could be was."""
    REFUSED = "refused"
    """The contract is not known, and cannot be entered as stated; or its account was erased."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to become of a contract by what a source says; nothing is kept yet.

    `record` is None where nothing of it may be kept: the account was erased. `before` is None for a new contract.
    """

    outcome: Outcome
    record: SourceRecord | None
    before: Contract | None = None
    after: Contract | None = None
    happened: tuple[Happening, ...] = ()
    conflicts: tuple[Conflict, ...] = ()
    detail: str = ""
    is_compared: bool = True
    """False where nothing was said that is newer than what was known: what stands, stands."""


class ConflictState(StrEnum):
    """Where a conflict stands."""

    OPEN = "open"
    """Nobody decided yet."""
    OURS = "ours"
    """A person decided for what is here; it stands until the source says something else."""
    THEIRS = "theirs"
    """A person decided for what the source says, and it was taken over."""
    ENDED = "ended"
    """Both agree, or the source says something else."""


STANDING = (ConflictState.OPEN, ConflictState.OURS)


@dataclass(frozen=True, slots=True, kw_only=True)
class ContractConflict:
    """A difference that was not taken over; `here` and `there` are the field's values as JSON has them."""

    id: str
    source: str
    external_id: str
    account_id: str
    contract_id: str | None
    kind: ConflictKind
    field: str
    here: Any
    there: Any
    detail: str
    since: datetime
    state: ConflictState = ConflictState.OPEN
    resolved_at: datetime | None = None
    resolved_by: str | None = None
    reason: str | None = None

    @property
    def key(self) -> Key:
        """Which contract, of which source."""
        return self.source, self.external_id


class ConflictUnknown(LookupError):
    """No conflict has this id."""

    def __init__(self, conflict_id: str) -> None:
        super().__init__(f"no conflict has the id {conflict_id}")


class ConflictOver(Exception):
    """The conflict was decided already, or both sides agree."""

    def __init__(self, state: ConflictState) -> None:
        super().__init__(f"the conflict is not open any more ({state})")


class NothingToTake(Exception):
    """What the source says cannot be taken over by an amendment."""


class SourceBook(Protocol):
    """What sources said, and the conflicts, within one transaction."""

    async def records(self, keys: Collection[Key]) -> Mapping[Key, SourceRecord]:
        """Those of the records that there are; locked until the commit."""

    async def contract_ids(self, keys: Collection[Key]) -> Collection[str]:
        """The contracts that sources state under these ids; without a lock."""

    async def naming(self, keys: Collection[Key], account_ids: Collection[str]) -> Collection[Key]:
        """Contracts of some accounts of which the source says that they renew, or co-term with, one of the keys.

        Without those that renew a contract already, or that were entered without waiting for the other's end.
        """

    async def of_contracts(self, contract_ids: Collection[str]) -> Mapping[str, SourceRecord]:
        """The record of the source that states each contract, where one does."""

    async def save(self, records: Sequence[SourceRecord]) -> None:
        """Keep records."""

    async def standing(self, keys: Collection[Key]) -> Sequence[ContractConflict]:
        """The conflicts of some records that are open, or were decided for what is here."""

    async def standing_of(self, contract_ids: Collection[str]) -> Sequence[ContractConflict]:
        """The same, of contracts."""

    async def keep(self, conflicts: Sequence[ContractConflict]) -> None:
        """Keep new conflicts, and what became of those of before."""

    async def conflict(self, conflict_id: str) -> ContractConflict:
        """One conflict. Raises `ConflictUnknown`."""

    async def conflicts(
        self,
        *,
        account_id: str | None,
        source: str | None,
        kind: ConflictKind | None,
        state: ConflictState | None,
        after: str | None,
        limit: int,
    ) -> Sequence[ContractConflict]:
        """Up to `limit` conflicts, oldest first, after the given one."""
