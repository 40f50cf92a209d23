"""The command `mainstay`."""

import asyncio
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from mainstay.settings import load
from mainstay.web.keys import SCOPES, UnknownScope
from standalone import access, dead_letters, doctor, status
from standalone.asking import NotUp, ask_for_inbox
from standalone.binaries import PostgresMissing
from standalone.claim import AlreadyUp
from standalone.database import DatabaseAway, current_url, migrate_all
from standalone.demo.command import demonstrate
from standalone.document_files import PLAYBOOKS, RULES, Apply, Documents, NotApplied, apply_documents
from standalone.importing import ImportFailed, Wanted, import_file
from standalone.postgres import PostgresFailed
from standalone.settings import NoSecretKey, StandaloneSettings
from standalone.up import PortsTaken, Run

app = typer.Typer(
    help="Mainstay on one machine: customer health, alerts and renewals from your product's usage.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_show_locals=False,
)
keys = typer.Typer(help="API keys: make, list and revoke them.", no_args_is_help=True)
letters = typer.Typer(help="Records that a consumer group could not process.", no_args_is_help=True)
app.add_typer(keys, name="keys")
app.add_typer(letters, name="dead-letters")
rules = typer.Typer(help="Rules of alerts, as files.", no_args_is_help=True)
app.add_typer(rules, name="rules")
playbooks = typer.Typer(help="Playbooks of alerts, as files.", no_args_is_help=True)
app.add_typer(playbooks, name="playbooks")

out = Console()
err = Console(stderr=True)

_TOLD = (
    access.SecretKeyChanged,
    AlreadyUp,
    DatabaseAway,
    ImportFailed,
    NoSecretKey,
    NotUp,
    PortsTaken,
    PostgresFailed,
    PostgresMissing,
    NotApplied,
    UnknownScope,
    dead_letters.UnknownGroup,
)
"""What can go wrong and is no fault of the program: told in its own words, with status 1."""


@contextmanager
def _troubles_told() -> Iterator[StandaloneSettings]:
    """The settings for a command; what goes wrong with the surroundings ends it in plain words."""
    settings = load(StandaloneSettings)
    try:
        yield settings
    except PermissionError as error:
        _refuse(f"{error}. The state folder {settings.home} may belong to another user")
    except _TOLD as error:
        _refuse(str(error))


def _refuse(reason: str) -> None:
    err.print(Text(reason, style="red"), soft_wrap=True)
    raise typer.Exit(1)


@app.callback(invoke_without_command=True)
def mainstay(*, show_version: Annotated[bool, typer.Option("--version", help="Show the version.")] = False) -> None:
    """Answer --version; every command passes here."""
    if show_version:
        out.print(f"mainstay {version('mainstay-standalone')}", highlight=False)
        raise typer.Exit


@app.command()
def up(
    *, demo: Annotated[bool, typer.Option("--demo", help="Add a portfolio to look at, and an inbox.")] = False
) -> None:
    """Start everything and keep it running; Ctrl-C stops it."""
    with _troubles_told() as settings:
        asyncio.run(Run(settings, out, demo=demo)())


@app.command()
def demo() -> None:
    """Push the history of invented customers into the running Mainstay, then a light live stream until stopped."""
    with _troubles_told() as settings:
        ask_for_inbox(settings)
        demonstrate()


@app.command("status")
def show_status() -> None:
    """Show what is up; the status is 0 only when everything is."""
    with _troubles_told() as settings:
        found = asyncio.run(status.look(settings))
        found.show(out)
    raise typer.Exit(0 if found.is_well else 1)


@app.command("doctor")
def see_doctor() -> None:
    """Look for what would keep Mainstay from running, and say what to do about it."""
    with _troubles_told() as settings:
        findings = asyncio.run(doctor.examine(settings))
        doctor.show(findings, out)
    raise typer.Exit(1 if any(finding.is_wrong for finding in findings) else 0)


@app.command()
def migrate() -> None:
    """Bring the schemas of the database to their newest revision; `up` does it by itself."""
    with _troubles_told() as settings:
        asyncio.run(migrate_all(current_url(settings), settings.event_log_url))
        out.print("All schemas are at their newest revision.", highlight=False)


@app.command("import")
def import_rows(
    file: Annotated[Path, typer.Argument(help="A .csv, .tsv, .ndjson or .jsonl, in UTF-8; also compressed, .gz.")],
    *,
    kind: Annotated[
        str | None,
        typer.Option(
            help="What each row is: event, account, contact, contract, ticket, … Not for NDJSON that says so."
        ),
    ] = None,
    mapping: Annotated[
        list[str] | None,
        typer.Option("--map", help="column=field, or =text=field for what is the same in every row; may be repeated."),
    ] = None,
    delimiter: Annotated[str | None, typer.Option(help="Of a CSV, where it is not the comma; `tab` for one.")] = None,
    source: Annotated[str | None, typer.Option(help="Labels the events, as the source of a key would.")] = None,
    key: Annotated[str | None, typer.Option(help="An API key; else the admin key.")] = None,
    url: Annotated[str | None, typer.Option(help="Where ingest answers; else this machine's.")] = None,
    again: Annotated[bool, typer.Option("--again", help="Import anew what was imported already.")] = False,
) -> None:
    """Import a file of events or facts; the same command goes on after an interruption.

    NDJSON has Segment calls, CloudEvents or Sensors Data objects, one a line.
    A CSV has a header and rows of one kind; --map says which column is which field:

    mainstay import events.csv --kind event --map Company=account_id --map Who=user_id --map What=event --map When=time
    """
    with _troubles_told() as settings:
        wanted = Wanted(file, kind, mapping or (), delimiter, key, source, url, again)
        try:
            is_clean = import_file(settings, wanted, out)
        except KeyboardInterrupt:
            raise typer.Exit(130) from None
    raise typer.Exit(0 if is_clean else 1)


Folder = Annotated[Path, typer.Argument(help="A folder with a .yaml or .json for each.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Only show what would change.")]
Why = Annotated[str | None, typer.Option(help="Why, for whoever looks at the versions.")]
Key = Annotated[str | None, typer.Option(help="An API key; else the admin key.")]
Url = Annotated[str | None, typer.Option(help="Where alerts answers; else this machine's.")]


@rules.command("apply")
def apply_rules(
    folder: Folder, *, dry_run: DryRun = False, reason: Why = None, key: Key = None, url: Url = None
) -> None:
    """Save the rules of a folder where they differ from those in force; with a mistake in one, none is saved."""
    _apply(RULES, Apply(folder, dry_run, reason, key, url))


@playbooks.command("apply")
def apply_playbooks(
    folder: Folder, *, dry_run: DryRun = False, reason: Why = None, key: Key = None, url: Url = None
) -> None:
    """Save the playbooks of a folder where they differ from those in force; with a mistake in one, none is saved."""
    _apply(PLAYBOOKS, Apply(folder, dry_run, reason, key, url))


def _apply(kind: Documents, wanted: Apply) -> None:
    with _troubles_told() as settings:
        is_usable = apply_documents(settings, wanted, out, kind)
    raise typer.Exit(0 if is_usable else 1)


@keys.command("create")
def create_key(
    name: Annotated[str, typer.Option(help="Who or what will use it.")],
    scope: Annotated[list[str], typer.Option(help=f"May be repeated: {', '.join(sorted(SCOPES))}.")],
    source: Annotated[str | None, typer.Option(help="Labels the events that come in with this key.")] = None,
) -> None:
    """Make an API key and print it: the only time it is shown."""
    with _troubles_told() as settings:
        key = asyncio.run(access.make(settings, name, scope, source))
    sys.stdout.write(f"{key}\n")  # plain, so that it can be captured


@keys.command("list")
def list_keys() -> None:
    """List all API keys, the revoked ones too."""
    with _troubles_told() as settings:
        stored = asyncio.run(access.listed(settings))
    out.print(access.table_of(stored), highlight=False)


@keys.command("revoke")
def revoke_key(key: Annotated[str, typer.Argument(help="The id that `keys list` shows, or the key itself.")]) -> None:
    """Revoke an API key; the services refuse it within five seconds."""
    with _troubles_told() as settings:
        found = asyncio.run(access.revoke(settings, key))
    if not found:
        _refuse("There is no such key; see `mainstay keys list`")
    out.print("Revoked; the services refuse it within five seconds.", highlight=False)


Group = Annotated[str, typer.Argument(help=f"The consumer group: {', '.join(dead_letters.GROUPS)}.")]


@letters.command("list")
def list_letters(group: Group, limit: Annotated[int, typer.Option(min=1, max=500)] = 50) -> None:
    """Show the oldest records that wait in a group's dead-letter topic, and why they are there."""
    with _troubles_told() as settings:
        found = asyncio.run(dead_letters.waiting_letters(settings, group, limit))
    table = Table("from", "account", "put aside", "reason", box=None, padding=(0, 1), header_style="dim")
    for record in found:
        table.add_row(*dead_letters.described(record))
    out.print(table if found else f"Nothing waits in {group}'s dead letters.", highlight=False)


@letters.command("redrive")
def redrive_letters(
    group: Group, up_to: Annotated[int | None, typer.Option(min=1, help="At most so many; else all.")] = None
) -> None:
    """Send a group's dead letters to their own topics again, once the reason is mended."""
    with _troubles_told() as settings:
        count = asyncio.run(dead_letters.redrive_letters(settings, group, up_to))
    out.print(f"Sent {count} records round again.", highlight=False)
