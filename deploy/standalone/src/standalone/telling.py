"""What `mainstay up` shows on the terminal: what runs, where, and what to do next."""

from rich.console import Console
from rich.table import Table

from standalone.postgres import EmbeddedPostgres
from standalone.services import HEALTH_SCORE, INGEST, SERVICES
from standalone.settings import StandaloneSettings


def tell_first_key(console: Console, settings: StandaloneSettings, key: str) -> None:
    """Show the admin key, once: at the start that made it."""
    console.print(f"\nYour admin key, kept in {settings.admin_key_file}:", highlight=False, soft_wrap=True)
    console.print(f"  [bold green]{key}[/]", highlight=False, soft_wrap=True)


def tell_running(
    console: Console, settings: StandaloneSettings, postgres: EmbeddedPostgres | None, *, inbox: bool, demo: bool
) -> None:
    """Show what is up, where, and the next commands."""
    parts = Table(box=None, show_header=False, padding=(0, 2))
    for service in SERVICES:
        parts.add_row(f"[bold]{service.name}[/]", f"{settings.url_of(service)}/docs")
    if inbox:
        parts.add_row("[bold]inbox[/]", f"http://127.0.0.1:{settings.inbox_port} (what the demo's people receive)")
    if postgres is not None:
        parts.add_row("PostgreSQL", f"127.0.0.1:{settings.postgres_port}, data in {postgres.place}")
    parts.add_row("event log", "Kafka" if settings.uses_kafka else "PostgreSQL")
    parts.add_row("logs", str(settings.logs))
    console.print("\n[bold green]Mainstay runs.[/] Ctrl-C stops it; nothing is lost.\n", highlight=False)
    console.print(parts, highlight=False, soft_wrap=True)
    if not demo:
        _tell_next(console, settings)
    console.print()


def _tell_next(console: Console, settings: StandaloneSettings) -> None:
    ingest, health_score = settings.url_of(INGEST), settings.url_of(HEALTH_SCORE)
    authorized = f'curl -H "Authorization: Bearer $(cat {settings.admin_key_file})"'
    event = '{"userId": "ann", "event": "Report Viewed", "context": {"groupId": "acme"}}'
    console.print("\nSend a first event, then look at the account:\n", highlight=False)
    for line in (
        f"{authorized} -H 'Content-Type: application/json' {ingest}/v1/track -d '{event}'",
        f"{authorized} {health_score}/v1/accounts/acme",
        "mainstay status",
        "mainstay demo        # a portfolio of invented customers to look at",
    ):
        console.print(f"  {line}", markup=False, highlight=False, soft_wrap=True)
