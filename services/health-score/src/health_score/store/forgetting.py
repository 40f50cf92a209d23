"""Taking a person out of a fact: whoever it was goes, what it counts stays."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Final

TEXTS: Final[Mapping[str, Collection[str]]] = {
    "contact": ("name", "email", "title"),
    "ticket": ("subject",),
    "survey_response": ("comment",),
    "feedback": ("words",),
    "advocacy": ("text",),
}
"""What the person is called or wrote, by kind of fact."""


@dataclass(frozen=True, slots=True)
class Forgotten:
    """People to be taken out of facts; `pseudonym` stands in their place, or nothing does."""

    people: Collection[str]
    pseudonym: str | None = None

    def body(self, kind: str, stated: Mapping[str, Any]) -> dict[str, Any]:
        """What a fact states, without these people. It is about one of them, or names one among others."""
        body = {name: self._without(name, value) for name, value in stated.items()}
        if stated.get("contact_id") in self.people:
            body = {name: value for name, value in body.items() if name not in TEXTS.get(kind, ())}
        return {name: value for name, value in body.items() if not (value is None and stated[name] is not None)}

    def texts(self, kind: str, stated: Mapping[str, Any]) -> dict[str, Any]:
        """What a fact states about a thing that is one of these people's, who may not be named in it."""
        return {name: value for name, value in stated.items() if name not in TEXTS.get(kind, ())}

    def _without(self, name: str, value: Any) -> Any:
        if name == "attendees" and value:
            return [self._attendee(each) for each in value]
        return self.pseudonym if isinstance(value, str) and value in self.people else value

    def _attendee(self, attendee: Mapping[str, Any]) -> dict[str, Any]:
        if attendee.get("contact_id") not in self.people:
            return dict(attendee)
        kept = {name: value for name, value in attendee.items() if name not in {"name", "contact_id"}}
        return kept if self.pseudonym is None else {**kept, "contact_id": self.pseudonym}
