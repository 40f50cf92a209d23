"""Event names that are nearly another one: how a typo in a product's code looks from here."""

import re
from collections.abc import Mapping, Sequence

MUCH_MORE = 20
"""A name is measured against those that come at least so many times as often."""
MOST_CANDIDATES = 200
"""The most frequent names only."""
LONG, LONGER = 4, 8
"""Names from so many characters on may differ in one, in two places."""

_SEPARATORS = re.compile(r"[\W_]+")


def resembling(names: Sequence[str], counts: Mapping[str, int]) -> Mapping[str, str]:
    """For each name the much more frequent one that it is close to; names without one are left out.

    Close: the same but for case and separators, or one letter added, left out, changed or swapped with its neighbour
    (two in names of 8 characters and more). `counts` holds how often each name of the source came.
    """
    frequent = sorted(counts, key=lambda name: (-counts[name], name))[:MOST_CANDIDATES]
    plain = {name: _plain(name) for name in frequent}
    found: dict[str, str] = {}
    for name in names:
        mine = _plain(name)
        for other in frequent:
            if counts[other] < MUCH_MORE * counts[name]:
                break  # the rest is rarer still
            if other != name and _is_close(mine, plain[other]):
                found[name] = other
                break
    return found


def _plain(name: str) -> str:
    return _SEPARATORS.sub("", name).casefold() or name


def _is_close(mine: str, other: str) -> bool:
    if mine == other:
        return True
    length = min(len(mine), len(other))
    most = 0 if length < LONG else 1 if length < LONGER else 2
    if abs(len(mine) - len(other)) > most or not most or _digits(mine) != _digits(other):
        return False
    return _may_be_within(mine, other, most) and distance(mine, other, most) <= most


def _digits(name: str) -> str:
    """Names that differ in their numbers are a series (`Step 1`, `Step 2`), not a typo."""
    return "".join(filter(str.isdigit, name))


def _may_be_within(mine: str, other: str, most: int) -> bool:
    """Cut into one more piece than a swap-free difference touches, at least one piece is in the other name as it is.

    A swap touches two places, hence twice as many.
    """
    pieces = 2 * most + 1
    size = max(len(mine) // pieces, 1)
    return any(mine[start : start + size] in other for start in range(0, size * pieces, size))


def distance(one: str, two: str, most: int) -> int:
    """Optimal string alignment: letters added, left out, changed, or swapped with a neighbour; `most` + 1 if more."""
    before: list[int] = []
    row = list(range(len(two) + 1))
    for i, letter in enumerate(one, 1):
        two_before, before, row = before, row, [i, *[0] * len(two)]
        for j, other in enumerate(two, 1):
            row[j] = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (letter != other))
            if i > 1 and j > 1 and letter == two[j - 2] and one[i - 2] == other:
                row[j] = min(row[j], two_before[j - 2] + 1)
        if min(row) > most and min(before) > most:
            return most + 1
    return min(row[-1], most + 1)
