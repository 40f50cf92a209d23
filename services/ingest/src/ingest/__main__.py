"""python -m ingest {serve,work,migrate}: HTTP, or the outbox relay; without a word, both."""

import argparse
import gc

from ingest.bootstrap import NAME, Service
from ingest.settings import Settings
from ingest.store import HISTORY
from mainstay.db.migrate import migrate
from mainstay.observability.logs import configure_logging
from mainstay.observability.tracing import configure_tracing
from mainstay.settings import load
from mainstay.web.serving import Listener, run_process, run_service


def main() -> None:
    """Read the settings and run what was asked for; the exit status is 0 after a clean stop."""
    parser = argparse.ArgumentParser(prog="python -m ingest", description=__doc__)
    parser.add_argument("part", nargs="?", choices=["serve", "work", "migrate"], help="default: serve and work")
    part = parser.parse_args().part
    settings = load(Settings)
    configure_logging(NAME, settings.log_level)
    tracing = configure_tracing(NAME, settings.otlp_endpoint)
    try:
        run_process(_migrate(settings) if part == "migrate" else _run(settings, part))
    finally:
        if tracing is not None:
            tracing.shutdown()


async def _migrate(settings: Settings) -> int:
    await migrate(settings.database_url, HISTORY)
    return 0


async def _run(settings: Settings, part: str | None) -> int:
    service = Service(settings)
    serves, works = part != "work", part != "serve"
    listener = (
        Listener(service.front(), settings.host, settings.port)
        if serves
        else Listener(service.work_app(), settings.host, settings.work_port)
    )
    _spare_the_collector()
    return await run_service(
        listeners=[listener],
        background={**(service.serving() if serves else {}), **(service.working() if works else {})},
        close=[service.close],
    )


def _spare_the_collector() -> None:
    """Keep the garbage collector from looking at the program itself again and again.

    A request of 100 events makes a thousand tuples without a cycle, which sets off a collection; each full one walked
    all modules. Measured: 12 µs of CPU an event before, 7 after.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 20, 20)


if __name__ == "__main__":
    main()
