"""The demo's own people: five CSMs and their manager, one of whom is on leave, and one of whom reads Chinese."""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from urllib.parse import quote

from standalone.demo.cast import AMELIA, BERLIN, JONAS, LIAM, LISBON, LONDON, MAYA, NEW_YORK, SINGAPORE, SOFIA
from standalone.demo.services import Services
from standalone.demo.settings import DemoSettings

NADIA = "nadia.kovac@example.com"
"""Who manages the others."""
SHOWN = AMELIA
"""Whose worklist the demo shows: she stands in for Sofia."""

AROUND_THE_CLOCK = {"since": "00:00", "until": "24:00"}
"""So that whoever tries the demo sees messages at once, whatever the hour; real people have hours."""
EVERY_DAY = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
LEAVE = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody of the demo's team. `deputy` stands in for them in the week from the first run on."""

    id: str
    zone: str
    role: str = "csm"
    language: str = "en"
    deputy: str | None = None

    @property
    def name(self) -> str:
        """Their name, as people write it."""
        return self.id.partition("@")[0].replace(".", " ").title()

    def body(self, first_day: date) -> dict[str, Any]:
        """The document of PUT /v1/people/{id}."""
        leave = {"first": first_day.isoformat(), "last": (first_day + LEAVE).isoformat(), "deputy": self.deputy}
        return {
            "name": self.name,
            "role": self.role,
            "manager": None if self.id == NADIA else NADIA,
            "zone": self.zone,
            "language": self.language,
            "hours": AROUND_THE_CLOCK,
            "workdays": list(EVERY_DAY),
            "email": self.id,
            "leaves": [leave] if self.deputy else [],
        }


PEOPLE = (
    Person(NADIA, LONDON, "manager"),
    Person(MAYA, LONDON),
    Person(JONAS, BERLIN),
    Person(LIAM, SINGAPORE, language="zh-Hans"),
    Person(AMELIA, NEW_YORK),
    Person(SOFIA, LISBON, deputy=AMELIA),
)
"""Managers and deputies before those who name them."""


async def enter_people(services: Services, settings: DemoSettings, first_day: date) -> None:
    """Enter the team; whoever is there as the demo has them stays as they are."""
    for person in PEOPLE:
        address = f"{settings.alerts_url}/v1/people/{quote(person.id, safe='')}"
        await services.put(address, {"person": person.body(first_day)})
