"""The rules in force: those that come with Mainstay, and over them the newest version of each that people saved."""

from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Any, Protocol

import structlog

from alerts.application.documents import DocumentVersion, VersionStore
from alerts.domain.rules import Rule, Rulebook, RuleInvalid

_log = structlog.get_logger(__name__)


RuleVersion = DocumentVersion
"""A version of a rule, as it was written."""


class RuleStore(VersionStore, Protocol):
    """Versions of rules that people saved, and the metrics that rules can name."""

    async def metrics(self) -> frozenset[str]:
        """The metrics of which a value was ever heard."""

    async def remember_metrics(self, names: Collection[str]) -> None:
        """From now on these are among the metrics known."""


class ReadRule(Protocol):
    """Reads a rule from a document."""

    def __call__(self, written: Any, name: str = "", *, measures: Collection[str] = ()) -> Rule:
        """Raises `RuleInvalid`."""


class HasRules(Protocol):
    """A transaction that reaches the saved rules."""

    @property
    def rules(self) -> RuleStore:
        """The saved rules."""


class RulesInForce:
    """The rulebook of this process: read again only when somebody has saved a rule since."""

    def __init__(self, shipped: Rulebook, read: ReadRule) -> None:
        self.shipped = shipped
        self._read = read
        self._revision = 0
        self.latest = shipped
        """The rulebook as it was read last; for wording what is told."""

    async def __call__(self, work: HasRules) -> Rulebook:
        """The rulebook as of this transaction."""
        revision = await work.rules.revision()
        if revision != self._revision:
            self.latest = self._over_shipped(await work.rules.newest())
            self._revision = revision
        return self.latest

    def of(self, version: RuleVersion) -> Rule:
        """The rule of a saved version. Raises `RuleInvalid`."""
        rule = self._read(version.body, version.id)
        shipped = self.shipped.named(version.id)
        same_words = shipped is not None and _words(shipped) == _words(rule)
        return replace(rule, version=version.version, in_force_since=version.saved_at, own_words=not same_words)

    def _over_shipped(self, saved: Sequence[RuleVersion]) -> Rulebook:
        rules = dict(self.shipped.rules)
        for version in saved:
            try:
                rules[version.id] = self.of(version)
            except RuleInvalid as error:
                # Saving checks rules, so this is one that an upgrade made wrong: the others go on.
                _log.error("a saved rule cannot be used", rule=version.id, version=version.version, reason=str(error))
        return Rulebook(rules)


def _words(rule: Rule) -> tuple[str, str, tuple[str, ...]]:
    return rule.title, rule.text, rule.next_steps
