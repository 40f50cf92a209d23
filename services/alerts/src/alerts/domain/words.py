"""The words of the field that the rules are written in: bands, severities, categories; and the languages spoken."""

from enum import StrEnum


class Band(StrEnum):
    """The health band of an account; `unknown` means too little data, which is neither good nor bad."""

    RED = "red"
    YELLOW = "yellow"
    GREEN = "green"
    UNKNOWN = "unknown"

    @property
    def is_known(self) -> bool:
        """Whether the band says anything about health."""
        return self is not Band.UNKNOWN

    def is_worse_than(self, other: "Band") -> bool:
        """Red is worse than yellow, yellow worse than green; `unknown` compares with nothing."""
        return self.is_known and other.is_known and _HEALTH[self] < _HEALTH[other]


_HEALTH = {Band.RED: 0, Band.YELLOW: 1, Band.GREEN: 2}


class Severity(StrEnum):
    """How much an alert asks for attention."""

    INFO = "info"
    WARNING = "warning"
    CRITICAL = "critical"

    @property
    def rank(self) -> int:
        """0 for info, 1 for warning, 2 for critical."""
        return list(Severity).index(self)

    def is_at_least(self, other: "Severity") -> bool:
        """Whether this severity reaches another."""
        return self.rank >= other.rank


class Category(StrEnum):
    """What kind of work an alert means for a CSM."""

    RISK = "risk"
    RENEWAL = "renewal"
    EXPANSION = "expansion"
    LIFECYCLE = "lifecycle"
    ACTIVITY = "activity"


class Language(StrEnum):
    """A language that people read, by its BCP 47 tag; Chinese by its script."""

    EN = "en"
    ZH_HANS = "zh-Hans"
    ZH_HANT = "zh-Hant"
