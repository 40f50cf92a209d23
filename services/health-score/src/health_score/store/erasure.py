"""Erasure in health-score's tables: names go, their numbers and everything counted by them stay."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from health_score.application.assessing import CLOSE, REBUILD
from health_score.application.ports import Done, ErasedAccount
from health_score.store.changes import forget_changes
from health_score.store.fact_erasure import PEOPLE, FactErasure
from health_score.store.portfolio import gather_all
from health_score.store.studies import FORGET_PREVIEWS
from health_score.store.tables import SCHEMA, kit
from mainstay.service.erased import ErasedSubjects
from mainstay.service.subjects import ACCOUNT, USER, Subjects, tombstone

_LOCK_ACCOUNTS_OF: Final = text(
    "SELECT a.account_no FROM health_score.account a WHERE a.account_no IN"
    " (SELECT u.account_no FROM health_score.account_user u WHERE u.user_id = :user UNION"
    " SELECT p.account_no FROM health_score.fact_person p WHERE p.contact_id = :user) ORDER BY a.account_id FOR UPDATE"
)
# The number makes it unique: the same person may come back and be erased again.
_UNNAME: Final = text(
    "UPDATE health_score.account_user SET user_id = :tombstone || ':' || user_no WHERE user_id = :user"
    " RETURNING account_no, user_no"
)
_EMPTY_EVENTS: Final = text(
    "UPDATE health_score.raw_event r SET properties = '{}'"
    " FROM unnest(CAST(:accounts AS int[]), CAST(:users AS int[])) AS t (account_no, user_no)"
    " WHERE r.account_no = t.account_no AND r.user_no = t.user_no AND r.properties <> '{}'"
)
_EMPTY_ACCOUNT: Final = text(
    "UPDATE health_score.account SET account_id = :tombstone || ':' || account_no, sequence = sequence + 1,"
    " stated = '{}', name = NULL, owner = NULL, tier = NULL, zone = NULL, industry = NULL, segment = NULL, arr = '[]',"
    " seats = NULL, next_renewal_on = NULL, dirty_from = NULL, dirty_by = '[]', regroup = false,"
    " measures = '[]', selected_because = NULL,"
    " stage = NULL, stage_entered_on = NULL, stage_overdue = false, derived = '{}',"
    " erased_at = :at"
    " WHERE account_id = :account RETURNING account_no, sequence"
)
_EMPTY_DECISIONS: Final = """
    UPDATE health_score.decision SET decided_by = '', body = body
        || CASE WHEN body ? 'reason' THEN '{"reason": ""}' ELSE '{}' END::jsonb
        || CASE WHEN body ? 'values' THEN '{"values": {}}' ELSE '{}' END::jsonb
        || CASE WHEN body ? 'note' THEN '{"note": null}' ELSE '{}' END::jsonb
    WHERE account_no = :account
"""
"""What was decided stays, because closes are computed from it; who did and why goes."""


class ErasureStore:
    """The erased, and the erasing, within one transaction."""

    def __init__(self, connection: AsyncConnection, subjects: Subjects) -> None:
        self._connection = connection
        self._facts = FactErasure(connection)
        self._erased = ErasedSubjects(connection, SCHEMA, subjects)
        self.remember = self._erased.remember
        self.lift = self._erased.lift
        self.among = self._erased.among

    async def erase_user(self, subject: str, at: datetime) -> Done:
        """Take the name from the user's numbers, the properties from its events, and the person out of facts.

        In every account. A person who comes back and is erased again has another pseudonym in facts, by `at`.
        """
        erased = pseudonymised = 0
        users = {*await self._erased.find(USER, subject, "health_score.account_user", "user_id")}
        for user in users.union(await self._erased.find(USER, subject, *PEOPLE)):
            await self._connection.execute(_LOCK_ACCOUNTS_OF, {"user": user})  # whoever counts holds these
            numbers = (await self._connection.execute(_UNNAME, {"user": user, "tombstone": tombstone(subject)})).all()
            emptied = await self._connection.execute(
                _EMPTY_EVENTS,
                {"accounts": [row.account_no for row in numbers], "users": [row.user_no for row in numbers]},
            )
            erased += emptied.rowcount
            pseudonymised += len(numbers)
            facts = await self._facts.person(user, f"{tombstone(subject)}:{at:%Y%m%dT%H%M%S}")
            erased, pseudonymised = erased + facts.erased, pseudonymised + facts.pseudonymised
            erased += await self._erased.forget_refused(kit.outbox, user)
        return Done(erased, pseudonymised)

    async def erase_account(self, subject: str, at: datetime) -> tuple[Done, Sequence[ErasedAccount]]:
        """Take the account's id and record, and its users, features, properties and facts; its days and closes stay."""
        erased, accounts = 0, []
        for account in await self._erased.find(ACCOUNT, subject, "health_score.account", "account_id"):
            row = (
                await self._connection.execute(
                    _EMPTY_ACCOUNT, {"account": account, "tombstone": tombstone(subject), "at": at}
                )
            ).one()
            accounts.append(ErasedAccount(account, row.sequence, at))
            for statement in (
                "UPDATE health_score.raw_event SET properties = '{}', event = '' WHERE account_no = :account",
                "DELETE FROM health_score.account_user WHERE account_no = :account",
                "DELETE FROM health_score.account_feature WHERE account_no = :account",
                "DELETE FROM health_score.picture_link WHERE account_no = :account",
                _EMPTY_DECISIONS,
            ):
                erased += (await self._connection.execute(text(statement), {"account": row.account_no})).rowcount
            erased += await self._facts.account(row.account_no)
            erased += (await self._connection.execute(FORGET_PREVIEWS)).rowcount
            erased += await self._erased.forget_refused(kit.outbox, account)
            erased += await forget_changes(self._connection, account, at)
            await self._erased.cancel_timers(kit.due, (CLOSE, REBUILD), account)
        if accounts:
            await gather_all(self._connection)
        return Done(erased, len(accounts)), accounts
