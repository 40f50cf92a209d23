"""A thing's story: every statement about it in order, and since when each field is as it is."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from health_score.domain.facts.known import Statement


@dataclass(frozen=True, slots=True)
class Story:
    """One thing's statements, in order of (occurred at, event id), and its fields as they are now."""

    id: str
    statements: Sequence[Statement]
    fields: Mapping[str, Any]

    @property
    def first_at(self) -> datetime:
        """When the thing was first spoken of."""
        return self.statements[0].at

    def said(self, field: str) -> Any:
        """The value of a field as it is now; None where nobody stated it, or it was withdrawn."""
        return self.fields.get(field)

    def said_before(self, field: str, instant: datetime) -> Any:
        """The value of a field as stated before an instant."""
        known = (each for each in reversed(self.statements) if each.at < instant)
        return next((each.fields[field] for each in known if field in each.fields), None)

    def changes(self, field: str) -> list[tuple[datetime, Any]]:
        """When a field became what; a value that is only said again is no change. None is how it begins."""
        found: list[tuple[datetime, Any]] = []
        if field not in self.fields:
            return found
        value = None
        for each in self.statements:
            if field in each.fields and each.fields[field] != value:
                value = each.fields[field]
                found.append((each.at, value))
        return found

    def since(self, field: str) -> datetime | None:
        """Since when a field is as it is; None where it is nothing."""
        changes = self.changes(field)
        return changes[-1][0] if changes and changes[-1][1] is not None else None


def stories(statements: Iterable[Statement], kind: str) -> list[Story]:
    """The things of one kind, in the order in which they were first spoken of."""
    found: dict[str, list[Statement]] = {}
    for each in statements:
        if each.kind == kind:
            found.setdefault(each.thing_id, []).append(each)
    return [Story(thing_id, of, _folded(of)) for thing_id, of in found.items()]


def _folded(statements: Sequence[Statement]) -> Mapping[str, Any]:
    if len(statements) == 1:
        return statements[0].fields
    folded: dict[str, Any] = {}
    for each in statements:
        folded |= each.fields
    return folded
