"""An owner's renewals as iCalendar (RFC 5545): all-day entries that move when a contract changes, and do not double."""

from collections.abc import Sequence
from datetime import timedelta
from functools import lru_cache
from importlib.resources import files

from icalendar import Calendar, Event

from mainstay.language.catalogue import Catalogue
from mainstay.language.manner import Manner
from mainstay.language.negotiation import Language
from renewals.application.agendas import Dated
from renewals.domain.civil import ONE_DAY

PRODUCT = "-//Mainstay//Renewals//EN"
REFRESH = timedelta(hours=1)
"""How often a calendar is to be asked for."""
EVENTS_KEPT = 20_000
"""Writing one takes about half a millisecond, and most are asked for again and again; 20,000 are about 20 MB."""
_END = b"END:VCALENDAR\r\n"


@lru_cache(maxsize=1)
def texts() -> Catalogue:
    """The words of calendars."""
    return Catalogue(files("renewals.api") / "texts")


def written(owner: str, entries: Sequence[Dated], language: Language) -> bytes:
    """The calendar. The same entries give the same bytes: nothing in it is of the moment of writing."""
    words = texts()
    name = words.text("calendar-name", {"owner": owner}, language)
    calendar = Calendar()
    calendar.add("PRODID", PRODUCT)
    calendar.add("VERSION", "2.0")
    calendar.add("METHOD", "PUBLISH")
    calendar.add("NAME", name)
    calendar.add("X-WR-CALNAME", name)  # what Outlook and Google Calendar read in its place
    calendar.add("REFRESH-INTERVAL", REFRESH, parameters={"VALUE": "DURATION"})
    calendar.add("X-PUBLISHED-TTL", "PT1H")
    events = b"".join(_event(each, language) for each in entries)
    return bytes(calendar.to_ical()).removesuffix(_END) + events + _END


@lru_cache(EVENTS_KEPT)
def _event(dated: Dated, language: Language) -> bytes:
    """An entry, written: what a revision says does not change any more."""
    words, entry, contract = texts(), dated.entry, dated.recorded.contract
    occasion, term = entry.occasion.value, entry.term
    event = Event()
    event.add("UID", dated.uid)
    event.add("SEQUENCE", dated.sequence)
    event.add("DTSTAMP", dated.recorded.recorded_at.replace(microsecond=0))
    event.add("LAST-MODIFIED", dated.recorded.recorded_at.replace(microsecond=0))
    event.add("DTSTART", entry.day)
    event.add("DTEND", entry.day + ONE_DAY)
    event.add("STATUS", "CANCELLED" if entry.is_off else "CONFIRMED")
    event.add("TRANSP", "TRANSPARENT")
    event.add("CATEGORIES", [occasion])
    event.add("SUMMARY", words.text(f"calendar-{occasion}", {"account": contract.account_id}, language))
    told = {
        "calendar-contract": {"contract": contract.external_id or contract.id},
        "calendar-term": {"start": term.start.isoformat(), "end": (term.expires_before - ONE_DAY).isoformat()},
        "calendar-amount": {"amount": Manner(language).money(f"{term.amount:f}", contract.currency)},
    }
    event.add("DESCRIPTION", "\n".join(words.text(key, params, language) for key, params in told.items()))
    return bytes(event.to_ical())
