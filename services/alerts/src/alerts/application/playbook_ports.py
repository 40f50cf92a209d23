"""What playbooks and cases need of the outside: runs and their causes, cases, owners by date, and touches."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

from alerts.domain.cases import Case, CaseStep
from alerts.domain.conditions.dates import LastTouch
from alerts.domain.runs import Run


class Runs(Protocol):
    """Runs of playbooks. The accounts' rows are locked by the caller."""

    async def get(self, run_id: str) -> Run:
        """One run. Raises `RunUnknown`."""

    async def run_of(self, task_id: str) -> str:
        """Of which run a task is. Raises `TaskUnknown`."""

    async def settled(self, task_ids: Collection[str]) -> frozenset[str]:
        """Those of the tasks for which nothing is to be done any more."""

    async def open_of(self, account_ids: Collection[str]) -> Sequence[Run]:
        """The runs of accounts that go on, the oldest first."""

    async def causes(self, account_ids: Collection[str]) -> frozenset[tuple[str, str, str]]:
        """What has started, or joined, a run: (account, playbook, cause)."""

    async def keep_cause(self, account_id: str, playbook: str, cause: str, run_id: str, at: datetime) -> None:
        """From now on this starts nothing more."""

    async def document_of(self, playbook: str, version: int) -> Mapping[str, Any]:
        """A version as it is written."""

    async def save(self, one: Run) -> None:
        """Store a run and its tasks as they are now."""

    async def keep_owners(self, owners: Sequence[tuple[str, datetime, str | None]]) -> None:
        """Whose accounts are from instants on: (account, instant, owner)."""

    async def begin_with(self, owners: Mapping[str, str]) -> None:
        """Runs that began when nobody was known to have the account count for its owner; `owners` is by account."""

    async def keep_touches(self, touches: Mapping[str, LastTouch]) -> None:
        """When accounts were touched last, and by when the next step is promised."""


class Cases(Protocol):
    """Risk cases. The accounts' rows are locked by the caller."""

    async def get(self, case_id: str) -> Case:
        """One case. Raises `CaseUnknown`."""

    async def open_of(self, account_id: str) -> Case | None:
        """The account's case that is open."""

    async def save(self, case: Case, step: CaseStep) -> None:
        """Store a case as it is now, and the step that made it so."""


class Timers(Protocol):
    """Timers of playbooks."""

    async def playbooks(self, things: Mapping[tuple[str, str], datetime]) -> None:
        """Look at runs, (account, run), or at the dates of accounts, (account, `dates`), at their instants."""

    async def dates_of_all(self, at: datetime) -> None:
        """Look at the dates of every account."""
