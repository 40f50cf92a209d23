"""health-score's own consumption: store, deduplicate, count, score and publish, in the batches that its log gives."""

import gc
import json
import time
from datetime import timedelta
from typing import Final

import uvloop

from health_score import consumers
from health_score.bootstrap import build_handlers
from health_score.scorecards.reading import read_scorecard
from health_score.store.tables import kit
from mainstay.contracts.topics import USAGE_EVENTS
from mainstay.db.engine import Database
from mainstay.db.work import OffsetStore, Transactions
from mainstay.kernel.clock import SystemClock
from mainstay.messaging.consuming import Batch
from mainstay.messaging.open import open_log
from mainstay.service.subjects import Subjects
from tests.load.health_score.contenders.reporting import Report, Wanted, wanted
from tests.load.health_score.machine import SECRET
from tests.load.sampling import sampled

WITHIN: Final = timedelta(milliseconds=200)


async def consume(told: Wanted) -> Report:
    """Consume so many records. Writes each batch's steps of offsets, for the one who does the same batches bare."""
    database, clock = Database(told.database, application_name="bench", pool_size=4), SystemClock()
    log = open_log(told.kafka, client_name="bench")
    await log.start()
    handlers = build_handlers(
        database,
        Transactions(database, kit, clock=clock),
        read_scorecard(),
        clock,
        subjects=Subjects(SECRET),
    )
    subscription = consumers.usage(handlers.usage)
    consumer = log.consumer("health-score", [USAGE_EVENTS.name], OffsetStore(database, kit))
    await consumer.start()
    _as_in_a_service()
    report = Report()
    steps: list[list[tuple[int, int, int]]] = []
    while report.events < told.events:
        records, positions = await consumer.fetch(up_to=subscription.up_to, within=WITHIN)
        if not positions:
            continue
        if not steps:
            report.begin()
        fetched = time.perf_counter()
        messages = [message for record in records if (message := subscription.decode(record)) is not None]
        await subscription.handle(Batch(tuple(positions), tuple(messages)))
        await consumer.done(positions)
        report.done(len(records), time.perf_counter() - fetched)
        steps.append([(position.partition, position.expected, position.new) for position in positions])
    report.tell()
    told.batches.write_text(json.dumps(steps))
    await consumer.stop()
    await log.close()
    await database.close()
    return report


def _as_in_a_service() -> None:
    """What mainstay.service.process does before a service begins."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 20, 20)


def main() -> None:
    told = wanted()
    with sampled(told.profile):
        uvloop.run(consume(told))


if __name__ == "__main__":
    main()
