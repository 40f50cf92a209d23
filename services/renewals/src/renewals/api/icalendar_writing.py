"""An owner's renewals as iCalendar (RFC 5545): all-day entries that move when their day does, and do not double."""

from collections.abc import Sequence
from datetime import timedelta
from functools import lru_cache
from importlib.resources import files

from icalendar import Calendar, Event

from mainstay.language.catalogue import Catalogue, Params
from mainstay.language.manner import Manner
from mainstay.language.negotiation import Language
from renewals.application.agendas import Dated
from renewals.domain.civil import ONE_DAY
from renewals.domain.milestones import DAYS

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
    """An entry, written: what was told under a number does not change any more."""
    words, entry, changed_at = texts(), dated.told.entry, dated.changed_at.replace(microsecond=0)
    event = Event()
    event.add("UID", dated.uid)
    event.add("SEQUENCE", dated.told.sequence)
    event.add("DTSTAMP", changed_at)
    event.add("LAST-MODIFIED", changed_at)
    event.add("DTSTART", entry.day)
    event.add("DTEND", entry.day + ONE_DAY)
    event.add("STATUS", "CANCELLED" if entry.is_off else "CONFIRMED")
    event.add("TRANSP", "TRANSPARENT")
    event.add("CATEGORIES", [dated.occasion])
    event.add("SUMMARY", _summary(dated, language))
    told: dict[str, Params] = {"calendar-contract": {"contract": dated.contract_name}}
    if term := dated.term:
        last_day = term.expires_before - ONE_DAY
        told["calendar-term"] = {"start": term.start.isoformat(), "end": last_day.isoformat()}
        told["calendar-amount"] = {"amount": Manner(language).money(f"{term.amount:f}", dated.currency)}
    event.add("DESCRIPTION", "\n".join(words.text(key, params, language) for key, params in told.items()))
    return bytes(event.to_ical())


def _summary(dated: Dated, language: Language) -> str:
    _, is_ahead, days = dated.told.entry.name.partition(DAYS)
    if is_ahead:
        return texts().text("calendar-days", {"days": int(days), "account": dated.account_id}, language)
    return texts().text(f"calendar-{dated.occasion}", {"account": dated.account_id}, language)
