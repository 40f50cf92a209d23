"""A transaction whose computing takes longer than PostgreSQL lets one stand idle is kept all the same."""

import time
from datetime import timedelta

import pytest
from sqlalchemy import text

from health_score.store import work as work_module
from health_score.store.scorecards import ScorecardNumbers
from health_score.store.tables import kit
from health_score.store.work import Memory, Work
from mainstay.db.work import Transactions
from mainstay.service.subjects import Subjects
from tests.integration.health_score.health import SECRET, Health


async def test_a_long_computation_keeps_its_transaction(health: Health, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(work_module, "IN_USE_EVERY", timedelta(milliseconds=50))
    memory = Memory(ScorecardNumbers(), Subjects(SECRET))

    async with Transactions(health.database, kit, clock=health.clock)() as tx:
        await tx.connection.execute(text("SET LOCAL idle_in_transaction_session_timeout = '400ms'"))
        await Work(tx, memory).in_thread(time.sleep, 1)
        assert (await tx.connection.execute(text("SELECT 1"))).scalar_one() == 1


async def test_what_a_computation_raises_is_raised(health: Health) -> None:
    async with health.handlers.works() as work:
        with pytest.raises(ZeroDivisionError):
            await work.in_thread(divmod, 1, 0)
