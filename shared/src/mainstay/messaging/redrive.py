"""Dead letters: what a group has put aside, and sending it round again once the reason is mended."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from typing import Any

from mainstay.messaging.consuming import Batch
from mainstay.messaging.dead_letters import original_record
from mainstay.messaging.port import EventLog, Positions, Record, dead_letter_topic

JOIN_WITHIN = timedelta(seconds=30)


def redrive_group(group: str) -> str:
    """The group whose stored offset says which dead letters of `group` have been sent round again."""
    return f"{group}.redrive"


async def waiting(log: EventLog, group: str, positions: Positions, *, limit: int = 500) -> Sequence[Record]:
    """The oldest dead letters of a group that nobody has redriven."""
    topic = dead_letter_topic(group)
    await log.ensure_topics([topic])
    stored = await positions.load(log.id, redrive_group(group), topic.name, [0])
    return await log.read(topic.name, 0, stored.get(0, 0), limit)


async def redrive(
    log: EventLog,
    group: str,
    positions: Positions,
    settle: Callable[[Batch[Any]], Awaitable[None]],
    *,
    up_to: int | None = None,
) -> int:
    """Append the dead letters of a group to their own topics again; answers how many.

    Stops at the letters that lay there when it began, or after `up_to`. `settle` commits a batch without messages.
    At least once: a crash between the append and the settling sends some round twice, which their ids make harmless.
    Raises `LogUnavailable`, and `PositionTaken` when two redrive at once.
    """
    topic = dead_letter_topic(group)
    await log.ensure_topics([topic])
    end = (await log.bounds(topic.name))[0].next
    stored = await positions.load(log.id, redrive_group(group), topic.name, [0])
    count = 0
    if stored.get(0, 0) >= end:
        return count
    consumer = log.consumer(redrive_group(group), [topic.name], positions)
    await consumer.start()
    try:
        while up_to is None or count < up_to:
            limit = 500 if up_to is None else min(500, up_to - count)
            letters, steps = await consumer.fetch(up_to=limit, within=JOIN_WITHIN)
            if consumer.gaps():
                raise consumer.gaps()[0]
            if not steps:
                break
            await log.append([original for letter in letters if (original := original_record(letter))])
            await settle(Batch(tuple(steps), ()))
            await consumer.done(steps)
            count += len(letters)
            if steps[0].new >= end:
                break
    finally:
        await consumer.stop()
    return count
