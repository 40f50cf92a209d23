"""A phrase: a message's key in the catalogue of texts, with its parameters."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from fractions import Fraction
from types import MappingProxyType
from typing import Final, NamedTuple, TypeAlias

from health_score.domain.metrics.reading import AsOf, Value

Params: TypeAlias = Mapping[str, str | int | float]


NOTHING: Final[Params] = MappingProxyType({})


class Phrase(NamedTuple):
    """What is said, and of what. A share is a number 0–1, a day is written `YYYY-MM-DD`, a text stays as it is."""

    key: str
    params: Params = NOTHING


def distinct(said: Iterable[Phrase | None]) -> Sequence[Phrase]:
    """The phrases, each once: two measures may say the same of one fact."""
    return list({f"{phrase.key} {phrase.params}": phrase for phrase in said if phrase}.values())


Teller: TypeAlias = Callable[[Value, AsOf], Phrase | None]
"""Says a metric's value; the reading is there for what facts add to it. None: there is nothing to say."""


def whole(value: Value) -> int:
    """The nearest whole number; halves go up."""
    return int((Fraction(value or 0) + Fraction(1, 2)) // 1)


def figure(value: Value) -> float:
    """A number to be told with one decimal; halves go away from zero."""
    exact = Fraction(value or 0)
    tenths = whole(abs(exact) * 10)
    return tenths / 10 if exact >= 0 else -tenths / 10


def percent(share: Value) -> float:
    """A share to be told in whole percents; halves go up."""
    return whole(abs(Fraction(share or 0)) * 100) / 100


def counted(key: str, name: str, **more: int) -> Teller:
    """A phrase that tells a number of things by `name`."""

    def told(value: Value, _of: AsOf) -> Phrase | None:
        return None if value is None else Phrase(key, {name: whole(value), **more})

    return told


def figured(key: str, name: str, **more: int) -> Teller:
    """A phrase that tells a number with a decimal by `name`."""

    def told(value: Value, _of: AsOf) -> Phrase | None:
        return None if value is None else Phrase(key, {name: figure(value), **more})

    return told


def shared(key: str, **more: int) -> Teller:
    """A phrase that tells a share in percent."""

    def told(value: Value, _of: AsOf) -> Phrase | None:
        return None if value is None else Phrase(key, {"share": percent(value), **more})

    return told
