"""The demo's accounts: invented companies, their owners, contracts and stories."""

from dataclasses import dataclass
from typing import Literal

from standalone.demo.stories import (
    Declining,
    Growing,
    Healthy,
    MonthEnd,
    NotStarted,
    OnboardingStuck,
    OnboardingWell,
    OneTime,
    Recovering,
    SeatsNearlyUsedUp,
    SeatsUnused,
    Silent,
    Story,
    Waves,
)

Tier = Literal["strategic", "enterprise", "growth", "starter"]

MAYA = "maya.okafor@example.com"
JONAS = "jonas.weber@example.com"
SOFIA = "sofia.martins@example.com"
LIAM = "liam.chen@example.com"
AMELIA = "amelia.hart@example.com"

LONDON, BERLIN, PARIS, MADRID = "Europe/London", "Europe/Berlin", "Europe/Paris", "Europe/Madrid"
STOCKHOLM, WARSAW, ZURICH, LISBON = "Europe/Stockholm", "Europe/Warsaw", "Europe/Zurich", "Europe/Lisbon"
NEW_YORK, CHICAGO, DENVER, LOS_ANGELES = "America/New_York", "America/Chicago", "America/Denver", "America/Los_Angeles"
TORONTO, SAO_PAULO, MEXICO = "America/Toronto", "America/Sao_Paulo", "America/Mexico_City"
TOKYO, SINGAPORE, SYDNEY, KOLKATA = "Asia/Tokyo", "Asia/Singapore", "Australia/Sydney", "Asia/Kolkata"
AUCKLAND, LAGOS, NAIROBI, JOHANNESBURG = "Pacific/Auckland", "Africa/Lagos", "Africa/Nairobi", "Africa/Johannesburg"
RIYADH, DUBAI, SEOUL = "Asia/Riyadh", "Asia/Dubai", "Asia/Seoul"


@dataclass(frozen=True, slots=True)
class WindowOpens:
    """The contract ends so that its renewal window of three calendar months opens on day `day` (0: the first run)."""

    day: int


@dataclass(frozen=True, slots=True)
class EndsAfter:
    """The contract's last day is this many days after the first run."""

    days: int


@dataclass(frozen=True, slots=True)
class Account:
    """One customer: who they are, how many people know the product, what they bought, and what happens to them.

    `people` may exceed those at work on a day; `seats` is what the contract states.
    """

    id: str
    name: str
    industry: str
    zone: str
    tier: Tier
    owner: str
    people: int
    seats: int
    story: Story
    renewal: WindowOpens | EndsAfter
    currency: str = "USD"


def _account(
    name: str,
    industry: str,
    zone: str,
    tier: Tier,
    owner: str,
    people: int,
    seats: int,
    story: Story,
    renewal: WindowOpens | EndsAfter,
    currency: str = "USD",
) -> Account:
    account_id = "-".join(name.lower().replace("&", "and").replace(".", "").split())
    return Account(account_id, name, industry, zone, tier, owner, people, seats, story, renewal, currency)


CAST = (
    # Customers who do well.
    _account(
        "Harbourline Logistics",
        "Logistics",
        LONDON,
        "strategic",
        MAYA,
        38,
        45,
        Healthy(features=9),
        EndsAfter(212),
        "GBP",
    ),
    _account("Alpenfrost Foods", "Food", ZURICH, "enterprise", JONAS, 22, 27, Healthy(0.75, 5), EndsAfter(118), "EUR"),
    _account("Blue Mesa Health", "Healthcare", DENVER, "strategic", AMELIA, 36, 42, Healthy(), EndsAfter(301)),
    _account("Kestrel Insurance", "Insurance", TORONTO, "enterprise", AMELIA, 20, 24, SeatsUnused(), EndsAfter(75)),
    _account("Marisol Travel", "Travel", MADRID, "growth", SOFIA, 12, 14, Healthy(0.6, 4), EndsAfter(160), "EUR"),
    _account(
        "Nordvik Energi", "Energy", STOCKHOLM, "enterprise", JONAS, 21, 26, Healthy(0.9, 6), WindowOpens(-1), "EUR"
    ),
    _account("Tanager Media", "Media", NEW_YORK, "growth", AMELIA, 11, 13, SeatsUnused(0.25), EndsAfter(46)),
    _account(
        "Pacific Loom Textiles", "Manufacturing", SINGAPORE, "enterprise", LIAM, 19, 23, SeatsUnused(), EndsAfter(240)
    ),
    _account("Saffron Kitchens", "Food", KOLKATA, "growth", LIAM, 12, 15, SeatsUnused(0.28), EndsAfter(330)),
    _account("Quillfeather Press", "Publishing", LONDON, "starter", MAYA, 6, 7, Healthy(0.9, 5), EndsAfter(62), "GBP"),
    _account("Otway & Brandt", "Legal", SYDNEY, "growth", LIAM, 11, 13, Healthy(0.65, 5), EndsAfter(188)),
    _account("Caldera Robotics", "Manufacturing", TOKYO, "strategic", LIAM, 35, 42, Healthy(1.05, 9), EndsAfter(143)),
    _account("Lumenworks Studio", "Design", PARIS, "starter", SOFIA, 6, 7, Healthy(1.1), EndsAfter(275), "EUR"),
    _account("Bramble & Fitch", "Retail", LONDON, "growth", MAYA, 10, 12, Healthy(0.7, 3), EndsAfter(109), "GBP"),
    _account("Ironbark Mining", "Mining", SYDNEY, "enterprise", LIAM, 18, 22, SeatsUnused(0.25), EndsAfter(29)),
    _account(
        "Vela Biosciences", "Life sciences", NEW_YORK, "enterprise", AMELIA, 20, 24, Healthy(0.95), EndsAfter(256)
    ),
    _account("Savanna Mobile", "Telecoms", NAIROBI, "growth", MAYA, 12, 14, SeatsUnused(0.32), EndsAfter(97)),
    _account("Castellan Bank", "Banking", LONDON, "strategic", MAYA, 40, 48, Healthy(0.85, 7), EndsAfter(345), "GBP"),
    _account("Rivergate Schools", "Education", CHICAGO, "growth", AMELIA, 12, 15, SeatsUnused(), WindowOpens(1)),
    _account(
        "Falk und Soehne", "Manufacturing", BERLIN, "growth", JONAS, 11, 13, SeatsUnused(0.25), EndsAfter(172), "EUR"
    ),
    _account(
        "Al Noor Engineering", "Construction", RIYADH, "enterprise", MAYA, 18, 22, Healthy(0.9, 7), EndsAfter(224)
    ),
    # Customers who take up more every month.
    _account("Brightwater Clinics", "Healthcare", CHICAGO, "enterprise", AMELIA, 26, 32, Growing(), EndsAfter(131)),
    _account("Cobalt Forge", "Manufacturing", BERLIN, "growth", JONAS, 14, 18, Growing(), EndsAfter(263), "EUR"),
    _account("Monsoon Analytics", "Software", KOLKATA, "growth", LIAM, 15, 18, Growing(0.5, 6), EndsAfter(78)),
    _account("Jacaranda Foods", "Food", JOHANNESBURG, "growth", MAYA, 13, 16, Growing(), EndsAfter(310)),
    _account("Tidewater Homes", "Property", NEW_YORK, "starter", AMELIA, 8, 10, Growing(), EndsAfter(198)),
    _account("Hanbit Games", "Games", SEOUL, "enterprise", LIAM, 24, 30, Growing(0.4, 5), EndsAfter(287)),
    _account("Vento Sul Logistica", "Logistics", SAO_PAULO, "growth", SOFIA, 12, 15, Growing(), WindowOpens(-2)),
    # Customers with seasons.
    _account("Ledgerfield Accounting", "Accounting", LONDON, "growth", MAYA, 14, 16, MonthEnd(), EndsAfter(152), "GBP"),
    _account("Summa Fiduciaire", "Accounting", PARIS, "starter", SOFIA, 8, 9, MonthEnd(), EndsAfter(58), "EUR"),
    _account("Greenacre Growers", "Agriculture", AUCKLAND, "growth", LIAM, 13, 15, Waves(), EndsAfter(205)),
    _account("Fanfare Events", "Events", LOS_ANGELES, "starter", AMELIA, 8, 9, Waves(60), EndsAfter(120)),
    # Seats nearly used up.
    _account(
        "Orchard Row Retail", "Retail", CHICAGO, "enterprise", AMELIA, 24, 25, SeatsNearlyUsedUp(), EndsAfter(137)
    ),
    _account("Copperleaf Dental", "Healthcare", TORONTO, "growth", AMELIA, 15, 15, SeatsNearlyUsedUp(), EndsAfter(233)),
    _account("Zephyr Cycles", "Retail", LISBON, "starter", SOFIA, 8, 8, SeatsNearlyUsedUp(), EndsAfter(66), "EUR"),
    _account("Dune Mobility", "Transport", DUBAI, "enterprise", MAYA, 22, 23, SeatsNearlyUsedUp(), EndsAfter(320)),
    # Customers who use less and less.
    _account(
        "Stellwerk Rail", "Transport", BERLIN, "strategic", JONAS, 34, 44, Declining(-58, -3), EndsAfter(78), "EUR"
    ),
    _account(
        "Palisade Security", "Security", NEW_YORK, "enterprise", AMELIA, 20, 26, Declining(-58, -4), EndsAfter(52)
    ),
    _account("Lagoa Turismo", "Travel", SAO_PAULO, "growth", SOFIA, 12, 16, Declining(-57, -3), WindowOpens(0)),
    _account("Wexford & Rowe", "Legal", LONDON, "enterprise", MAYA, 18, 24, Declining(-95, -20), EndsAfter(19), "GBP"),
    _account(
        "Sierra Vista Homes", "Property", LOS_ANGELES, "growth", AMELIA, 12, 16, Declining(-120, -30), EndsAfter(38)
    ),
    _account("Halcyon Wellness", "Fitness", SYDNEY, "growth", LIAM, 12, 15, Declining(-38, 20), EndsAfter(178)),
    _account("Obsidian Labs", "Software", WARSAW, "growth", JONAS, 13, 16, Declining(-36, 22), EndsAfter(99), "EUR"),
    _account(
        "Meridian Freight", "Logistics", SINGAPORE, "enterprise", LIAM, 20, 24, Declining(-40, 15), EndsAfter(295)
    ),
    # Declines that somebody turned.
    _account("Tern Island Hotels", "Hospitality", LISBON, "growth", SOFIA, 13, 15, Recovering(), EndsAfter(124), "EUR"),
    _account("Aspen Creek Outfitters", "Retail", DENVER, "starter", AMELIA, 8, 10, Recovering(), EndsAfter(216)),
    # Customers who suddenly stopped.
    _account("Bayside Veterinary", "Healthcare", LOS_ANGELES, "starter", AMELIA, 7, 8, Silent(-46), EndsAfter(14)),
    _account("Petrel Shipping", "Logistics", STOCKHOLM, "growth", JONAS, 11, 14, Silent(-33), EndsAfter(104), "EUR"),
    _account("Cantera Arquitectos", "Construction", MEXICO, "growth", SOFIA, 12, 14, Silent(-10, 5), EndsAfter(71)),
    _account("Foxglove Pharma", "Life sciences", ZURICH, "enterprise", JONAS, 20, 24, Silent(-9), EndsAfter(34), "EUR"),
    _account("Ember & Oak", "Hospitality", LAGOS, "starter", MAYA, 7, 8, Silent(-9), EndsAfter(149)),
    # New customers, stuck and on track.
    _account(
        "Northgate Utilities", "Energy", TORONTO, "enterprise", AMELIA, 22, 30, OnboardingStuck(-47), EndsAfter(318)
    ),
    _account(
        "Solana Dental Group",
        "Healthcare",
        MADRID,
        "growth",
        SOFIA,
        14,
        18,
        OnboardingStuck(-40),
        EndsAfter(325),
        "EUR",
    ),
    _account("Tidal Grid", "Energy", AUCKLAND, "growth", LIAM, 14, 16, OnboardingStuck(-52), EndsAfter(313)),
    _account(
        "Juniper Hill School", "Education", LONDON, "starter", MAYA, 8, 9, OnboardingWell(-60), EndsAfter(305), "GBP"
    ),
    _account("Kumo Freight", "Logistics", TOKYO, "growth", LIAM, 13, 15, OnboardingWell(-75), EndsAfter(290)),
    # Bought once, for a project.
    _account("Expo Aurora", "Events", PARIS, "starter", SOFIA, 8, 10, OneTime(-110, 30), EndsAfter(30), "EUR"),
    _account("Ridgeline Film", "Media", LOS_ANGELES, "starter", AMELIA, 7, 8, OneTime(-150, -70), EndsAfter(10)),
    # Signed and not started.
    _account("Whitestone Capital", "Banking", NEW_YORK, "enterprise", AMELIA, 18, 25, NotStarted(), EndsAfter(352)),
    _account("Ostrava Steel", "Manufacturing", WARSAW, "growth", JONAS, 12, 16, NotStarted(), EndsAfter(349), "EUR"),
)
