"""The operator's rules in force, compiled once for a process and kept until there is another version of any."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final, Protocol, TypeVar

import msgspec

from health_score.application.document_ports import StoredDocument
from health_score.domain.metrics.catalogue import Catalogue
from health_score.domain.rulebook import EVER, Rulebook
from health_score.domain.rules import Dated
from health_score.domain.stages import StageRules
from health_score.domain.tiers import ServicePolicies, TierRules
from health_score.rulebook.reading import Kind, Rules, read_rules, shipped_body

DOCUMENT: Final = "default"
"""The id of the one document of each kind."""

R = TypeVar("R", bound=StageRules | TierRules | ServicePolicies)


class RuleDocuments(Protocol):
    """The documents, as far as rules are read."""

    async def digests(self, kinds: Any) -> Mapping[str, str]:
        """What the newest version of each kind is known by; kinds without one are left out."""

    async def versions(self, kind: str, id_: str) -> Any:
        """Every version of a document, newest first."""


class Rulebooks:
    """Answers which rules are in force. One a process."""

    def __init__(self) -> None:
        self._known: tuple[Mapping[str, str], Catalogue, Rulebook] | None = None

    async def in_force(self, documents: RuleDocuments, catalogue: Catalogue) -> Rulebook:
        """Every version of the three documents; what comes with Mainstay until the first."""
        digests = await documents.digests([kind.value for kind in Kind])
        known = self._known
        # A digest is another one too where a transaction saved it that was rolled back.
        if known is None or known[0] != digests or known[1] is not catalogue:
            stored = {kind: await documents.versions(kind.value, DOCUMENT) for kind in Kind if kind.value in digests}
            known = self._known = (digests, catalogue, rulebook(stored, catalogue))
        return known[2]


def rulebook(stored: Mapping[Kind, Any], catalogue: Catalogue) -> Rulebook:
    """The rules that stored documents (newest first, by kind) describe."""

    def dated(kind: Kind, of: type[R]) -> Dated[R]:
        since: list[datetime] = [EVER]
        versions: list[R] = [_checked(read_rules(kind, shipped_body(kind), catalogue=catalogue), of)]
        for each in reversed(stored.get(kind, ())):
            since.append(each.saved_at)
            versions.append(_checked(rules_of(each, catalogue), of))
        return Dated(tuple(since), tuple(versions))

    return Rulebook(dated(Kind.STAGES, StageRules), dated(Kind.TIERS, TierRules), dated(Kind.POLICIES, ServicePolicies))


def rules_of(stored: StoredDocument, catalogue: Catalogue) -> Rules:
    """A saved document, which was checked when it was saved."""
    body = msgspec.json.decode(stored.body)
    return read_rules(Kind(stored.kind), body, catalogue=catalogue, version=stored.version)


def _checked(rules: Rules, of: type[R]) -> R:
    if not isinstance(rules, of):
        raise TypeError(of)
    return rules
