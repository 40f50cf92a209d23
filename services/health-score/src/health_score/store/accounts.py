"""Account rows: locked in sorted order, mapped by hand, written many at once."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from health_score.domain.account import Account
from health_score.domain.assessment import Assessment
from health_score.domain.scorecard import CardKey
from health_score.store.account_rows import COLUMNS, account_of, measures_json, record_of
from health_score.store.closes import Closes
from health_score.store.erasure import ErasureStore
from health_score.store.scorecards import Scorecards
from mainstay.service.subjects import ACCOUNT

_json = msgspec.json.Encoder()

_LOCK = text(
    f"SELECT {COLUMNS} FROM health_score.account WHERE account_id = ANY(:ids) AND erased_at IS NULL"
    " ORDER BY account_id FOR UPDATE"
)

_READ = text(f"SELECT {COLUMNS} FROM health_score.account WHERE account_id = :id AND erased_at IS NULL")

_IDS = text("SELECT account_id FROM health_score.account WHERE account_no = ANY(:numbers) AND erased_at IS NULL")

_CREATE = text(
    "INSERT INTO health_score.account (account_id, created_at)"
    " SELECT id, CAST(:at AS timestamptz) FROM unnest(CAST(:ids AS text[])) AS id ON CONFLICT DO NOTHING"
)

_SAVE_RECORD = text(
    "UPDATE health_score.account SET sequence = :sequence, stated = CAST(:stated AS jsonb),"
    " team = CAST(:team AS jsonb), name = :name,"
    " owner = :owner, tier = :tier, zone = :zone, industry = :industry, segment = :segment,"
    " arr = CAST(:arr AS jsonb), seats = :seats, next_renewal_on = :next_renewal_on, value_sequence = :value_sequence,"
    " seats_by_day = CAST(:seats_by_day AS jsonb) WHERE account_no = :account_no"
)

_SAVE_LIFE = text(
    "UPDATE health_score.account a SET first_day = t.first_day, last_active = t.last_active,"
    " dirty_from = t.dirty_from, dirty_by = CAST(t.dirty_by AS jsonb), regroup = t.regroup"
    " FROM unnest(CAST(:numbers AS int[]), CAST(:first_days AS date[]), CAST(:last_active AS date[]),"
    " CAST(:dirty_from AS date[]), CAST(:dirty_by AS text[]), CAST(:regroup AS boolean[]))"
    " AS t (account_no, first_day, last_active, dirty_from, dirty_by, regroup) WHERE a.account_no = t.account_no"
)

_SAVE_DERIVED = text(
    "UPDATE health_score.account a SET tier = t.tier, stage = t.stage, stage_entered_on = t.stage_entered_on,"
    " stage_overdue = t.stage_overdue, derived = CAST(t.derived AS jsonb)"
    " FROM unnest(CAST(:numbers AS int[]), CAST(:tiers AS text[]), CAST(:stages AS text[]),"
    " CAST(:entered_on AS date[]), CAST(:overdue AS boolean[]), CAST(:derived AS text[]))"
    " AS t (account_no, tier, stage, stage_entered_on, stage_overdue, derived) WHERE a.account_no = t.account_no"
)

_SAVE_HEALTH = text(
    "UPDATE health_score.account a SET dirty_from = NULL, dirty_by = '[]', first_day = t.first_day,"
    " last_active = t.last_active, regroup = t.regroup, closed_through = t.closed_through,"
    " standing_band = t.standing_band, standing_on = t.standing_on, standing_previous = t.standing_previous,"
    " score = t.score, band = t.band, coverage = t.coverage, band_entered_on = t.band_entered_on,"
    " band_since = t.band_since, measures = CAST(t.measures AS jsonb), as_of = t.as_of, computed_at = :at,"
    " scorecard_no = t.scorecard_no, silent_after = t.silent_after, habit_days = t.habit_days,"
    " computed_score = t.computed_score, computed_band = t.computed_band, selected_because = t.selected_because"
    " FROM unnest(CAST(:numbers AS int[]), CAST(:first_days AS date[]), CAST(:last_active AS date[]),"
    " CAST(:regroup AS boolean[]), CAST(:closed_through AS date[]), CAST(:standing_bands AS text[]),"
    " CAST(:standing_on AS date[]), CAST(:standing_previous AS text[]), CAST(:scores AS smallint[]),"
    " CAST(:bands AS text[]), CAST(:coverages AS smallint[]), CAST(:entered_on AS date[]),"
    " CAST(:since AS timestamptz[]), CAST(:measures AS text[]), CAST(:as_of AS date[]),"
    " CAST(:silent_after AS date[]), CAST(:habit_days AS int[]), CAST(:cards AS smallint[]),"
    " CAST(:computed_scores AS smallint[]), CAST(:computed_bands AS text[]), CAST(:reasons AS text[]))"
    " AS t (account_no, first_day, last_active, regroup, closed_through, standing_band, standing_on,"
    " standing_previous, score, band, coverage,"
    " band_entered_on, band_since, measures, as_of, silent_after, habit_days, scorecard_no, computed_score,"
    " computed_band, selected_because) WHERE a.account_no = t.account_no"
)


class KnownAccounts:
    """The ids of accounts that are known to exist; only an erasure makes it untrue. Shared by transactions."""

    MOST = 1_000_000

    def __init__(self) -> None:
        self._ids: set[str] = set()

    def unknown(self, account_ids: Collection[str]) -> list[str]:
        """Those of the ids that are not known to exist, sorted."""
        return sorted(account_id for account_id in account_ids if account_id not in self._ids)

    def add(self, account_ids: Iterable[str]) -> None:
        """Remember ids of committed rows."""
        if len(self._ids) > self.MOST:
            self._ids.clear()
        self._ids.update(account_ids)

    def forget(self, account_ids: Iterable[str]) -> None:
        """They are not there any more."""
        self._ids.difference_update(account_ids)


class Accounts:
    """The accounts of one transaction."""

    def __init__(
        self,
        connection: AsyncConnection,
        closes: Closes,
        scorecards: Scorecards,
        known: KnownAccounts,
        erased: ErasureStore,
    ) -> None:
        self._connection = connection
        self._erased = erased
        self._closes = closes
        self._scorecards = scorecards
        self._known = known

    async def lock(self, account_ids: Collection[str], *, create_at: datetime | None = None) -> Mapping[str, Account]:
        """Lock accounts in sorted order; with `create_at`, those never heard of are created then, else left out.

        The erased are left out. Rows are created, sorted, before any is locked: whoever waits for a row being created
        holds no lock.
        """
        if not account_ids:
            return {}
        unknown = self._known.unknown(account_ids)
        if create_at is not None and unknown:
            erased = await self._erased.among(ACCOUNT, unknown)
            new = [account_id for account_id in unknown if account_id not in erased]
            await self._connection.execute(_CREATE, {"ids": new, "at": create_at})
        rows = await self._connection.execute(_LOCK, {"ids": sorted(account_ids)})
        accounts = {row.account_id: account_of(row) for row in rows}
        self._known.add(account.id for account in accounts.values() if account.sequence > 0)
        gone = [account_id for account_id in account_ids if account_id not in accounts]
        self._known.forget(gone)
        if create_at is not None and (again := set(gone).difference(unknown)):
            # Known once and erased since; some may have come back, so they are looked at as new ones.
            accounts |= await self.lock(again, create_at=create_at)
        return accounts

    async def ids(self, numbers: Collection[int]) -> Collection[str]:
        """The ids of accounts by their numbers; not those of erased ones."""
        return list((await self._connection.execute(_IDS, {"numbers": sorted(numbers)})).scalars())

    async def read(self, account_id: str) -> Account | None:
        """One account as it is, without its lock; None for one never heard of, or erased."""
        row = (await self._connection.execute(_READ, {"id": account_id})).one_or_none()
        return account_of(row) if row else None

    async def save(self, accounts: Iterable[Account]) -> None:
        """Write what the accounts' days say, and, of those whose sequence moved, the record and worth."""
        accounts = sorted(accounts, key=lambda account: account.id)
        if not accounts:
            return
        await self._connection.execute(
            _SAVE_LIFE,
            {
                "numbers": [account.number for account in accounts],
                "first_days": [account.first_day for account in accounts],
                "last_active": [account.last_active for account in accounts],
                "dirty_from": [account.dirty_from for account in accounts],
                "dirty_by": [_json.encode(account.dirty_by).decode() for account in accounts],
                "regroup": [account.regroup for account in accounts],
            },
        )
        records = [record_of(account) for account in accounts if account.record_changed]
        if records:
            await self._connection.execute(_SAVE_RECORD, records)

    async def save_derived(self, accounts: Sequence[Account]) -> None:
        """Write what follows from accounts' records by the operator's rules."""
        if not accounts:
            return
        derived = [account.derived for account in accounts]
        await self._connection.execute(
            _SAVE_DERIVED,
            {
                "numbers": [account.number for account in accounts],
                "tiers": [account.tier for account in accounts],
                "stages": [each.stage for each in derived],
                "entered_on": [each.stage_entered_on for each in derived],
                "overdue": [each.stage_overdue for each in derived],
                "derived": [_json.encode(each).decode() for each in derived],
            },
        )

    async def save_health(self, assessed: Sequence[tuple[Account, Assessment]], at: datetime) -> None:
        """Write the accounts' health with its measures, what `save` writes of their days, and the closes that changed.

        Rows are wide and written with every batch, so both go together.
        """
        numbers = await self._numbers(assessed)
        await self._closes.write([(account, assessment.closes) for account, assessment in assessed], numbers, at)
        accounts = [account for account, _ in assessed]
        standings = [account.standing for account in accounts]
        computed = [account.health.computed for account in accounts]
        await self._connection.execute(
            _SAVE_HEALTH,
            {
                "at": at,
                "numbers": [account.number for account in accounts],
                "first_days": [account.first_day for account in accounts],
                "last_active": [account.last_active for account in accounts],
                "regroup": [account.regroup for account in accounts],
                "closed_through": [account.closed_through for account in accounts],
                "standing_bands": [standing and standing.band.value for standing in standings],
                "standing_on": [standing and standing.entered_on for standing in standings],
                "standing_previous": [
                    standing.previous.value if standing and standing.previous else None for standing in standings
                ],
                "scores": [account.health.score for account in accounts],
                "bands": [account.health.band.value for account in accounts],
                "coverages": [account.health.coverage for account in accounts],
                "entered_on": [account.health.band_entered_on for account in accounts],
                "since": [account.health.band_since for account in accounts],
                "measures": [measures_json(assessment, account.health.told) for account, assessment in assessed],
                "as_of": [assessment.as_of for _, assessment in assessed],
                "silent_after": [account.silence and account.silence.last_active for account in accounts],
                "habit_days": [account.silence and account.silence.habit_days for account in accounts],
                "cards": [numbers[assessment.selected.scorer.key] for _, assessment in assessed],
                "computed_scores": [each and each[0] for each in computed],
                "computed_bands": [each and each[1].value for each in computed],
                "reasons": [assessment.selected.reason for _, assessment in assessed],
            },
        )

    async def _numbers(self, assessed: Sequence[tuple[Account, Assessment]]) -> Mapping[CardKey, int]:
        keys = {assessment.selected.scorer.key for _, assessment in assessed}
        keys.update(close.card for _, assessment in assessed for close in assessment.closes)
        return {key: await self._scorecards.number(key) for key in sorted(keys)}
