"""Erasure in the ledger: the one thing that changes what was recorded. Figures stay; names and words go."""

import json
from typing import Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from renewals.store.growth_tables import (
    account_profile,
    charge,
    churn_review,
    consumption,
    consumption_past,
    opportunity,
    opportunity_version,
)
from renewals.store.source_tables import (
    contract_conflict,
    contract_import_contract,
    contract_import_row,
    source_contract,
)
from renewals.store.tables import (
    account_group,
    contract,
    contract_revision,
    forecast_call,
    ledger_entry,
    ledger_withdrawal,
    renewal_handover,
)

_MINE: Final = f"(SELECT id FROM {contract} WHERE account_id = :pseudonym)"
_RENAME: Final = (
    f"UPDATE {ledger_entry} SET account_id = :pseudonym WHERE account_id = :account",
    f"UPDATE {account_group} SET account_id = :pseudonym WHERE account_id = :account",
    f"UPDATE {opportunity} SET account_id = :pseudonym WHERE account_id = :account",
    f"UPDATE {opportunity} SET subject = :pseudonym WHERE subject = :account AND signal = 'team_in_use'",
)
# Contracts that once were the account's name it too, whosever they are now.
_RENAME_WITHIN: Final = tuple(
    f"UPDATE {table} SET {column} = CAST(replace({column}::text, :quoted, :named) AS jsonb)"
    f" WHERE position(:quoted IN {column}::text) > 0"
    for table, column in ((contract, "holders"), (contract_revision, "snapshot"))
)
_NO_REASON: Final = "jsonb_build_object('reason', '')"
_NO_WORDS: Final = "jsonb_build_object('words', NULL, 'reason', NULL)"
# What people wrote about a contract may name anybody.
_FORGET_WORDS: Final = (
    (
        f"UPDATE {contract} SET cancellation = cancellation || {_NO_REASON}"
        " WHERE account_id = :pseudonym AND cancellation IS NOT NULL"
    ),
    (
        f"UPDATE {contract_revision} SET reason = '', snapshot = jsonb_set(snapshot, '{{external_id}}', 'null')"
        f" WHERE contract_id IN {_MINE}"
    ),
    (
        f"UPDATE {contract_revision} SET snapshot = jsonb_set(snapshot, '{{cancellation,reason}}', '\"\"')"
        f" WHERE contract_id IN {_MINE} AND jsonb_typeof(snapshot -> 'cancellation') = 'object'"
    ),
    f"UPDATE {ledger_entry} SET reason = '' WHERE contract_id IN {_MINE}",
    f"UPDATE {renewal_handover} SET reason = '' WHERE contract_id IN {_MINE}",
    f"UPDATE {forecast_call} SET note = '' WHERE contract_id IN {_MINE}",
    (
        f"UPDATE {ledger_withdrawal} SET reason = ''"
        f" WHERE entry_id IN (SELECT id FROM {ledger_entry} WHERE contract_id IN {_MINE})"
    ),
    (
        f"UPDATE {churn_review} SET snapshot = jsonb_build_object('went_well', NULL, 'went_badly', NULL)"
        f" WHERE contract_id IN {_MINE}"
    ),
    f"UPDATE {charge} SET snapshot = {_NO_REASON} WHERE contract_id IN {_MINE}",
    f"UPDATE {opportunity} SET snapshot = snapshot || {_NO_WORDS} WHERE account_id = :pseudonym",
    (
        f"UPDATE {opportunity_version} SET snapshot = snapshot || {_NO_WORDS}"
        f" WHERE opportunity_id IN (SELECT id FROM {opportunity} WHERE account_id = :pseudonym)"
    ),
)
_FORGET_NOW: Final = (
    f"DELETE FROM {account_profile} WHERE account_id = :account",
    f"DELETE FROM {consumption} WHERE account_id = :account",
    f"DELETE FROM {consumption_past} WHERE account_id = :account",
)
"""What says how an account is now, and is in no figure."""

# A row that names no contract is alone: others that name none are of anybody.
_OF_FILES: Final = (
    f"(SELECT import_id, external_id FROM {contract_import_row} WHERE account_id = :account AND external_id <> '')"
)
# Contracts of the account may be stated as another's, and those of others were in conflict about it.
_FORGET_SOURCES: Final = (
    (
        f"DELETE FROM {contract_conflict} WHERE account_id = :account OR contract_id IN {_MINE}"
        " OR here = to_jsonb(CAST(:account AS text)) OR there = to_jsonb(CAST(:account AS text))"
    ),
    f"DELETE FROM {source_contract} WHERE account_id = :account OR contract_id IN {_MINE}",
    f"DELETE FROM {contract_import_contract} WHERE (import_id, external_id) IN {_OF_FILES}",
    f"DELETE FROM {contract_import_row} WHERE account_id = :account OR (import_id, external_id) IN {_OF_FILES}",
)


async def forget_what_sources_said(connection: AsyncConnection, account_id: str, pseudonym: str) -> int:
    """Delete what other systems said of the account's contracts; answers how many rows."""
    gone = 0
    for statement in _FORGET_SOURCES:
        named = {"account": account_id, "pseudonym": pseudonym}
        known = {name: value for name, value in named.items() if f":{name}" in statement}
        gone += (await connection.execute(text(statement), known)).rowcount
    return gone


async def forget_in_ledger(connection: AsyncConnection, account_id: str, pseudonym: str) -> int:
    """Put the pseudonym in the account's place wherever it was recorded; its contracts have it already.

    Answers how many rows were kept under it.
    """
    kept = 0
    for statement in _RENAME:
        moved = await connection.execute(text(statement), {"account": account_id, "pseudonym": pseudonym})
        kept += moved.rowcount
    quoted = {"quoted": _within_json(account_id), "named": _within_json(pseudonym)}
    for statement in _RENAME_WITHIN:
        kept += (await connection.execute(text(statement), quoted)).rowcount
    for statement in _FORGET_WORDS:
        await connection.execute(text(statement), {"pseudonym": pseudonym})
    for statement in _FORGET_NOW:
        await connection.execute(text(statement), {"account": account_id})
    return kept


def _within_json(value: str) -> str:
    """A text as PostgreSQL writes it within a jsonb value."""
    return json.dumps(value, ensure_ascii=False)
