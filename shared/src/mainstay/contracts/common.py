"""Shapes that the events of several services share."""

from decimal import Decimal

import msgspec


class MoneyData(msgspec.Struct, frozen=True):
    """An exact amount and its ISO 4217 currency; the amount travels as a string."""

    amount: Decimal
    currency: str
