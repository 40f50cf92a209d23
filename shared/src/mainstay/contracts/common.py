"""Shapes that the events of several services share."""

from decimal import Decimal

import msgspec


class MoneyData(msgspec.Struct, frozen=True):
    """An exact amount and its ISO 4217 currency; the amount travels as a string."""

    amount: Decimal
    currency: str


class PhraseData(msgspec.Struct, frozen=True, omit_defaults=True):
    """Something said to a person, by the key of a message and its parameters; texts are in `mainstay.language`.

    A share is a number 0–1, a day is written `YYYY-MM-DD`. A reader that does not know a key leaves the phrase out.
    """

    key: str
    params: dict[str, str | int | float] = {}
