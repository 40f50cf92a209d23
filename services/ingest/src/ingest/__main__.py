"""python -m ingest {serve,work,migrate}: HTTP, or the outbox relay; without a word, both."""

import argparse

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
    return await run_service(
        listeners=[listener],
        background={**(service.serving() if serves else {}), **(service.working() if works else {})},
        close=[service.close],
    )


if __name__ == "__main__":
    main()
