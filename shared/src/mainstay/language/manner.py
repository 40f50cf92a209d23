"""How a language writes numbers, shares, days and money."""

from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Final

from babel import Locale
from babel.dates import format_date
from babel.numbers import format_currency, format_decimal, format_percent

from mainstay.language.naming import name_of
from mainstay.language.negotiation import Language

LOCALES: Final = {
    Language.EN: "en_001",  # 21 Nov 2026: no reader takes the month for the day
    Language.ZH_HANS: "zh_Hans_CN",
    Language.ZH_HANT: "zh_Hant_TW",
}
"""In whose manner each language is written."""


@dataclass(frozen=True, slots=True)
class Manner:
    """The manner of a language."""

    language: Language
    locale: Locale = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "locale", Locale.parse(LOCALES[self.language]))

    def name(self, code: str) -> str:
        """What a metric, a measure or an entitlement is called."""
        return name_of(str(code), self.language)

    def number(self, number: float | Decimal) -> str:
        """A number with all its digits, at most three decimals."""
        return format_decimal(number, locale=self.locale)

    def figure(self, number: float) -> str:
        """A number with at most one decimal."""
        return format_decimal(round(float(number), 1), format="#,##0.#", locale=self.locale)

    def percent(self, share: float) -> str:
        """A share of 1 in whole percents."""
        return format_percent(float(share), locale=self.locale)

    def change(self, share: float) -> str:
        """A change as a share of what was before, in whole percents with its sign."""
        sign = "+" if share > 0 else "−" if share < 0 else "±"
        return sign + self.percent(abs(share))

    def day(self, stated: date | str) -> str:
        """A day; texts have it as `YYYY-MM-DD`."""
        day = date.fromisoformat(stated) if isinstance(stated, str) else stated
        return format_date(day, "medium", locale=self.locale)

    def short_day(self, day: date) -> str:
        """A day without its year."""
        return format_date(day, "d MMM" if self.language is Language.EN else "M月d日", locale=self.locale)

    def money(self, amount: str, currency: str) -> str:
        """An amount and its currency, by its code: no reader takes one dollar for another."""
        return format_currency(Decimal(amount), currency, format="#,##0.00 ¤¤", locale=self.locale)
