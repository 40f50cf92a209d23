"""The database of this machine's Mainstay: which one it is, and bringing its schemas up to date."""

from collections.abc import Iterator
from contextlib import contextmanager

from mainstay.db.errors import is_transient
from mainstay.db.migrate import migrate
from mainstay.messaging.port import LogUnavailable
from standalone.claim import current_claim
from standalone.postgres import EmbeddedPostgres
from standalone.services import EVENT_LOG, HISTORIES
from standalone.settings import StandaloneSettings


class DatabaseAway(Exception):
    """The database does not answer; the message says which and what to do."""


def embedded(settings: StandaloneSettings) -> EmbeddedPostgres:
    """The PostgreSQL of the state folder."""
    return EmbeddedPostgres(settings.postgres_directory, port=settings.postgres_port)


def current_url(settings: StandaloneSettings) -> str:
    """The address of the database that runs now, for commands beside `up`.

    Raises:
        DatabaseAway: the embedded one does not run, or the running Mainstay uses another database than we would.
    """
    if not settings.is_embedded:
        return settings.database_url
    claim = current_claim(settings)
    if claim is not None and not claim.is_embedded:
        raise DatabaseAway(
            "The running Mainstay uses a database of its own choice: set MAINSTAY_DATABASE_URL here as it is set there"
        )
    postgres = EmbeddedPostgres(settings.postgres_directory)
    try:
        running = postgres.running()
    except PermissionError as error:
        raise DatabaseAway(f"The state in {settings.home} belongs to another user: {error}") from error
    if running is None:
        raise DatabaseAway("Mainstay does not run: start it with `mainstay up`, or set MAINSTAY_DATABASE_URL")
    return postgres.url()


async def migrate_all(database_url: str, event_log_url: str) -> None:
    """Bring every schema to its newest revision; the event log's only where it lies in PostgreSQL.

    Raises:
        DatabaseAway: a database does not answer.
    """
    log_url = event_log_url or database_url
    work = [(database_url, history) for history in HISTORIES]
    if not log_url.startswith("kafka://"):
        work.insert(0, (log_url, EVENT_LOG))
    for url, history in work:
        with _away_told(url):
            await migrate(url, history)


@contextmanager
def repeatable(settings: StandaloneSettings) -> Iterator[None]:
    """Turn what passes by itself, the database or the log being away, into `DatabaseAway`."""
    with _away_told(settings.database_url or "the embedded PostgreSQL"):
        try:
            yield
        except LogUnavailable as error:
            raise DatabaseAway(f"The event log does not answer: {error}") from error


@contextmanager
def _away_told(url: str) -> Iterator[None]:
    try:
        yield
    except Exception as error:
        if is_transient(error):
            said = " ".join(str(error.__cause__ or error).split())
            raise DatabaseAway(f"The database at {_without_password(url)} does not answer: {said}") from error
        raise


def _without_password(url: str) -> str:
    scheme, divider, rest = url.partition("://")
    return f"{scheme}{divider}{rest.rpartition('@')[2]}"
