"""python -m alerts {serve,work,migrate}: HTTP, or consumers, deliveries and relay; without a word, both."""

import argparse
from contextlib import suppress

from alerts.bootstrap import NAME, Service
from alerts.settings import Settings
from alerts.store.tables import HISTORY
from mainstay.db.migrate import migrate
from mainstay.observability.logs import configure_logging
from mainstay.settings import load
from mainstay.web.serving import Listener, run_process, run_service


def main() -> None:
    """Read the settings and run what was asked for; the exit status is 0 after a clean stop."""
    parser = argparse.ArgumentParser(prog="python -m alerts", description=__doc__)
    parser.add_argument("part", nargs="?", choices=["serve", "work", "migrate"], help="default: serve and work")
    part = parser.parse_args().part
    settings = load(Settings)
    configure_logging(NAME, settings.log_level)
    with suppress(KeyboardInterrupt):
        run_process(_migrate(settings) if part == "migrate" else _run(settings, part))


async def _migrate(settings: Settings) -> int:
    await migrate(settings.database_url, HISTORY)
    return 0


async def _run(settings: Settings, part: str | None) -> int:
    service = Service(settings)
    serves, works = part != "work", part != "serve"
    listener = (
        Listener(service.app(), settings.host, settings.port)
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
