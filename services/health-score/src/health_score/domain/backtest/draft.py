"""A draft of a scorecard with fitted weights: the same document, other weights, its groups kept."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

FULL = 100
"""Weights are whole numbers that add up to about this, in each group and over the groups."""


@dataclass(frozen=True, slots=True)
class Draft:
    """A scorecard document, and the names of the measures that are not in it because their weight came to nothing."""

    document: Mapping[str, Any]
    dropped: tuple[str, ...]


def draft(document: Mapping[str, Any], shares: Sequence[float | None]) -> Draft:
    """The document with these shares of the whole, in the order of its measures; None keeps the share it has.

    What was not fitted keeps its part of the whole; the fitted measures share the rest.
    """
    groups: list[Mapping[str, Any]] = document["groups"]
    overall = sum(group["weight"] for group in groups)
    lines = [
        (group, measure, group["weight"] / overall * measure["weight"] / sum(m["weight"] for m in group["measures"]))
        for group in groups
        for measure in group["measures"]
    ]
    kept = sum(share for (_, _, share), fitted in zip(lines, shares, strict=True) if fitted is None)
    wanted = {
        measure["name"]: share if fitted is None else fitted * (1 - kept)
        for (_, measure, share), fitted in zip(lines, shares, strict=True)
    }
    drafted = []
    for group in groups:
        whole = sum(wanted[measure["name"]] for measure in group["measures"])
        weight = round(FULL * whole)
        if not weight:
            continue
        measures = [
            {**measure, "weight": part}
            for measure in group["measures"]
            if (part := round(FULL * wanted[measure["name"]] / whole))
        ]
        drafted.append({**group, "weight": weight, "measures": measures})
    there = {measure["name"] for group in drafted for measure in group["measures"]}
    dropped = tuple(measure["name"] for _, measure, _ in lines if measure["name"] not in there)
    return Draft({**document, "groups": drafted}, dropped)
