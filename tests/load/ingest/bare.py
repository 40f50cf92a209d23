"""The bare shared flusher: the same records in calls of the same size, without HTTP, JSON or anything to check.

The records are made before the clock starts. Prints what it saw as one line of JSON, its own CPU time with it.
"""

import argparse
import asyncio
import json
import os
import resource
import time
from datetime import UTC, datetime
from itertools import cycle, islice

import uvloop

from mainstay.messaging.open import open_log
from mainstay.messaging.port import Outgoing
from tests.load.ingest.baseline import TOPIC, Call, record
from tests.load.ingest.traffic import Size, calls, size_of


def records(size: Size) -> list[list[Outgoing]]:
    """What the baseline would write for each of the different requests."""
    now = datetime.now(UTC)
    trace = f"00-{os.urandom(16).hex()}-{os.urandom(8).hex()}-01".encode()
    return [[_outgoing(Call.model_validate(one), now, trace) for one in request] for request in calls(size)]


def _outgoing(call: Call, now: datetime, trace: bytes) -> Outgoing:
    written = record(call, now, trace)
    return Outgoing(TOPIC, written["key"].decode(), written["value"], tuple(written["headers"]))


async def append(servers: str, size: Size, seconds: float) -> dict[str, float]:
    """Append for that many seconds; answers events, seconds, CPU seconds and delays (p50, p99) in seconds."""
    log = open_log(servers, client_name="bare")
    await log.start()
    requests = records(size)
    await log.append(requests[0])
    delays: list[float] = []
    ends_at = time.perf_counter() + seconds

    async def caller(first: int) -> None:
        for request in islice(cycle(requests), first, None):
            began = time.perf_counter()
            if began >= ends_at:
                return
            await log.append(request)
            delays.append(time.perf_counter() - began)

    began, cpu = time.perf_counter(), _cpu()
    await asyncio.gather(*(caller(number) for number in range(size.connections)))
    took, cpu = time.perf_counter() - began, _cpu() - cpu
    await log.close()
    delays.sort()
    return {
        "seconds": took,
        "events": len(delays) * size.events,
        "cpu": cpu,
        "p50": delays[len(delays) // 2],
        "p99": delays[len(delays) * 99 // 100],
    }


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("servers")
    parser.add_argument("events", type=int)
    parser.add_argument("seconds", type=float)
    wanted = parser.parse_args()
    print(json.dumps(uvloop.run(append(wanted.servers, size_of(wanted.events), wanted.seconds))))


if __name__ == "__main__":
    main()
