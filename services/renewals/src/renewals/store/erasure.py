"""Erasure in renewals' tables: an account's contracts go over to a pseudonym."""

from collections.abc import Collection
from datetime import datetime
from typing import Final

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from mainstay.service.erased import ErasedSubjects
from mainstay.service.subjects import ACCOUNT, Subjects, tombstone
from renewals.application.ports import Done
from renewals.application.timers import ACCOUNT_DUE, FORECAST_DUE
from renewals.store.forgetting import forget_in_ledger, forget_what_sources_said
from renewals.store.growth_tables import account_profile, consumption, opportunity
from renewals.store.source_tables import calendar_entry, contract_import_row, source_contract
from renewals.store.tables import (
    SCHEMA,
    account,
    account_group,
    account_health,
    account_score,
    contract,
    kit,
    ledger_entry,
    renewal,
)

# The old row is locked first, as by every change of a contract; contracts refer to the new one before it goes.
_LOCK: Final = text(f"SELECT FROM {account} WHERE account_id = :account FOR UPDATE")
_PSEUDONYM: Final = text(
    f"INSERT INTO {account} (account_id, sequence, arr, seats, next_renewal_on, erased_at)"
    f" SELECT :pseudonym, sequence, arr, seats, next_renewal_on, :at FROM {account} WHERE account_id = :account"
)
_MOVE: Final = text(f"UPDATE {contract} SET account_id = :pseudonym, external_id = NULL WHERE account_id = :account")
# Whoever had the renewals has them in no calendar any more, not even as cancelled.
_FORGET_ENTRIES: Final = text(
    f"DELETE FROM {calendar_entry} WHERE contract_id IN (SELECT id FROM {contract} WHERE account_id = :pseudonym)"
)


class ErasureStore:
    """The erased, and the erasing, within one transaction."""

    def __init__(self, connection: AsyncConnection, subjects: Subjects) -> None:
        self._connection = connection
        self._erased = ErasedSubjects(connection, SCHEMA, subjects)
        self.remember = self._erased.remember
        self.lift = self._erased.lift

    async def among(self, account_ids: Collection[str]) -> frozenset[str]:
        """Those of the accounts that are erased; asked about ids that are new here."""
        return await self._erased.among(ACCOUNT, account_ids)

    async def erase_account(self, subject: str, erasure_id: str, at: datetime) -> Done:
        """Put a pseudonym in the place of the account's id, and cancel its timers; figures stay."""
        erased = pseudonymised = 0
        found = {
            *await self._erased.find(ACCOUNT, subject, f"{account}", "account_id"),
            *await self._erased.find(ACCOUNT, subject, f"{account_health}", "account_id"),
            *await self._erased.find(ACCOUNT, subject, f"{account_group}", "account_id"),
            *await self._erased.find(ACCOUNT, subject, f"{ledger_entry}", "account_id"),
            *await self._erased.find(ACCOUNT, subject, f"{account_profile}", "account_id"),
            *await self._erased.find(ACCOUNT, subject, f"{consumption}", "account_id"),
            *await self._erased.find(ACCOUNT, subject, f"{opportunity}", "subject"),
            *await self._erased.find(ACCOUNT, subject, f"{source_contract}", "account_id"),
            *await self._erased.find(ACCOUNT, subject, f"{contract_import_row}", "account_id"),
        }
        for account_id in found:
            pseudonym = f"{tombstone(subject)}:{erasure_id}"
            named = {"account": account_id}
            await self._connection.execute(_LOCK, named)
            moved = {**named, "pseudonym": pseudonym}
            pseudonymised += (await self._connection.execute(_PSEUDONYM, {**moved, "at": at})).rowcount
            pseudonymised += (await self._connection.execute(_MOVE, moved)).rowcount
            pseudonymised += await forget_in_ledger(self._connection, account_id, pseudonym)
            erased += await forget_what_sources_said(self._connection, account_id, pseudonym)
            await self._connection.execute(text(f"DELETE FROM {account} WHERE account_id = :account"), named)
            for table in (account_health, account_score):
                health = text(f"DELETE FROM {table} WHERE account_id = :account")
                erased += (await self._connection.execute(health, named)).rowcount
            await self._connection.execute(text(f"DELETE FROM {renewal} WHERE account_id = :account"), named)
            await self._connection.execute(_FORGET_ENTRIES, {"pseudonym": pseudonym})
            erased += await self._erased.cancel_timers(kit.due, [ACCOUNT_DUE, FORECAST_DUE], account_id, mark="@")
            erased += await self._erased.forget_refused(kit.outbox, account_id)
            answers = text(f"DELETE FROM {kit.idempotency} WHERE position(:quoted IN body) > 0")
            quoted = {"quoted": msgspec.json.encode(account_id)}
            erased += (await self._connection.execute(answers, quoted)).rowcount
        return Done(erased, pseudonymised)
