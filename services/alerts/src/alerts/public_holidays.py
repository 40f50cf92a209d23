"""Public holidays by country, from the library `holidays`; years are worked out once."""

from collections.abc import Collection
from datetime import date
from functools import lru_cache

import holidays


@lru_cache(maxsize=1_000)
def public_holidays(country: str, subdivision: str | None, year: int) -> Collection[date]:
    """The public holidays of a country (ISO 3166-1, alpha-2), or of a subdivision of it, in a year; none if unknown."""
    try:
        return frozenset(holidays.country_holidays(country, subdiv=subdivision, years=year))
    except NotImplementedError:
        return frozenset()


def is_known_country(country: str, subdivision: str | None) -> bool:
    """Whether holidays of a country, and of the subdivision where one is given, are known."""
    known = holidays.list_supported_countries(include_aliases=False)
    return country in known and (subdivision is None or subdivision in known[country])
