"""Messages from templates: Jinja2's sandbox, a template for each kind of channel, over which an operator's own may lie.

A template is looked for as `<kind>/<form>.<language>.<ending>.jinja` and then `<kind>/<form>.<ending>.jinja`, in the
operator's folder and then among the shipped ones. Whatever a template prints is escaped for its target by itself.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote

import structlog
from jinja2 import BaseLoader, FileSystemLoader, PackageLoader, StrictUndefined, TemplateError, TemplateNotFound
from jinja2.sandbox import ImmutableSandboxedEnvironment
from markupsafe import Markup
from markupsafe import escape as html_escape

from alerts.channels.samples import samples
from alerts.channels.text import Target, fit, lookalike, plain, slack, tidy, within_bytes
from alerts.domain.destinations import ChannelKind
from alerts.domain.messages import Digest, Message
from alerts.domain.vocabulary import Vocabulary
from alerts.domain.words import Language

T = TypeVar("T")

_URL = ":/?#@!$&*+,;=%~"
"""What stays in an address as it is, besides letters, digits, `-`, `.` and `_`: nothing that ends a markup's link."""

BUDGETS = (2_000, 1_000, 500, 240, 120, 60, 30)
"""Bytes that each text of a message may have, tried one after the other until the whole fits."""

MAX_LINK_CHARS = 1_000
"""A longer address is left out: a customer's id can be long, and a cut address leads nowhere."""

ENDINGS: Mapping[ChannelKind, tuple[str, ...]] = {
    ChannelKind.SLACK: ("json",),
    ChannelKind.TEAMS: ("json",),
    ChannelKind.FEISHU: ("json",),
    ChannelKind.WECOM: ("md",),
    ChannelKind.DINGTALK: ("md",),
    ChannelKind.EMAIL: ("txt", "html"),
}
FORMS: Mapping[ChannelKind, tuple[str, ...]] = {
    kind: ("message",) if kind is ChannelKind.EMAIL else ("message", "digest") for kind in ENDINGS
}
"""A digest is for what has a quota."""

_log = structlog.get_logger(__name__)


class TooLong(Exception):
    """However much is cut, the message does not fit."""


def _json_text(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)[1:-1]


def _html(text: str) -> str:
    return str(html_escape(text))


TARGETS: Mapping[tuple[ChannelKind, str], Target] = {
    (ChannelKind.SLACK, "json"): Target(slack, _json_text, slack),
    # Teams and Feishu get customers' text in elements that read no markup
    (ChannelKind.TEAMS, "json"): Target(plain, _json_text),
    (ChannelKind.FEISHU, "json"): Target(plain, _json_text),
    (ChannelKind.WECOM, "md"): Target(lookalike),
    (ChannelKind.DINGTALK, "md"): Target(lookalike),
    (ChannelKind.EMAIL, "txt"): Target(plain),
    (ChannelKind.EMAIL, "html"): Target(_html, escape_url=_html),
}


class Templates:
    """The templates in force."""

    def __init__(self, folder: Path | None = None) -> None:
        """`folder` is the operator's own, if there is one."""
        self._folder = folder
        shipped = PackageLoader("alerts.channels")
        self._shipped = {target: _environment(TARGETS[target], shipped) for target in TARGETS}
        own = FileSystemLoader(folder) if folder is not None else None
        self._own = {target: _environment(TARGETS[target], own) for target in TARGETS} if own is not None else {}

    def render(self, kind: ChannelKind, ending: str, told: Message | Digest, read: Callable[[str], T]) -> T:
        """What the templates make of a message, `read` into what is sent.

        `read` raises ValueError for what cannot be sent, and `TooLong` for what is too long: then texts are cut. An
        operator's template that fails is told in the log, and the shipped one is used. Raises `TooLong`.
        """
        form = "digest" if isinstance(told, Digest) else "message"
        for name, environment in self._found(kind, form, ending, told.words.language):
            try:
                return self._fitted(environment, name, told, read)
            except (TemplateError, TooLong, ValueError, ArithmeticError, LookupError, TypeError) as error:
                if environment is self._shipped[kind, ending]:
                    raise
                _log.error("a template failed; the shipped one is used", template=name, reason=_reason(error))
        raise TemplateNotFound(f"{kind}/{form}.{ending}.jinja")

    def check(self, words: Mapping[Language, Vocabulary], readers: Mapping[ChannelKind, Callable[[str], Any]]) -> int:
        """Try every template of the operator's with a message of each kind; mistakes are told in the log, and counted.

        `readers` are what senders make of what a kind's templates print.
        """
        if self._folder is None:
            return 0
        wrong = 0
        for file in sorted(self._folder.rglob("*.jinja")):
            name = file.relative_to(self._folder).as_posix()
            reason = self._mistake(name, words, readers)
            if reason is not None:
                wrong += 1
                _log.error("a template cannot be used; the shipped one is", template=name, reason=reason)
        return wrong

    def _mistake(
        self, name: str, words: Mapping[Language, Vocabulary], readers: Mapping[ChannelKind, Callable[[str], Any]]
    ) -> str | None:
        meant = [
            (kind, form, ending, language)
            for kind, endings in ENDINGS.items()
            for form in FORMS[kind]
            for ending in endings
            for language in Language
            if name in _names(kind, form, ending, language)
        ]
        if not meant:
            return "no channel looks for a template of this name"
        try:
            for kind, form, ending, language in meant:
                for told in samples(words[language], digest=form == "digest"):
                    self._fitted(self._own[kind, ending], name, told, readers[kind])
        except Exception as error:  # noqa: BLE001 - whatever is wrong with it, the operator wants to know
            return _reason(error)
        return None

    def _found(
        self, kind: ChannelKind, form: str, ending: str, language: Language
    ) -> Iterator[tuple[str, ImmutableSandboxedEnvironment]]:
        for environments in (self._own, self._shipped):
            environment = environments.get((kind, ending))
            if environment is None or environment.loader is None:
                continue
            there = set(environment.loader.list_templates())
            for name in _names(kind, form, ending, language):
                if name in there:
                    yield name, environment

    def _fitted(
        self,
        environment: ImmutableSandboxedEnvironment,
        name: str,
        told: Message | Digest,
        read: Callable[[str], T],
    ) -> T:
        template = environment.get_template(name)
        for budget in BUDGETS:
            try:
                return read(template.render(_context(told, budget)))
            except TooLong:
                continue
        raise TooLong(f"{name} is too long, however much is cut")


def _names(kind: ChannelKind, form: str, ending: str, language: Language) -> tuple[str, str]:
    return f"{kind}/{form}.{language}.{ending}.jinja", f"{kind}/{form}.{ending}.jinja"


def _reason(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"


def _environment(target: Target, loader: BaseLoader) -> ImmutableSandboxedEnvironment:
    def put(value: Any) -> Any:
        return value if isinstance(value, Markup) else Markup(target.quote(target.escape(str(value))))  # noqa: S704 - escaped for its own target

    def fitted(value: Any, most: int, mark: str) -> Markup:
        return Markup(target.quote(fit(str(value), most, mark, target.escape)))  # noqa: S704 - as above

    def address(value: Any) -> Markup:
        url = str(value)
        if not url.isprintable() or not url.lower().startswith(("https://", "http://")):
            raise ValueError(f"{url!r} is no address to link to")
        return Markup(target.quote(target.escape_url(quote(url, safe=_URL))))  # noqa: S704 - as above

    environment = ImmutableSandboxedEnvironment(
        loader=loader,
        autoescape=True,
        finalize=put,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {"fit": fitted, "address": address}
    return environment


def _context(told: Message | Digest, budget: int) -> dict[str, Any]:
    """What a template sees: plain words, each cut to a budget of bytes. No object of ours can be reached from it."""
    words = told.words

    def cut(text: str, most: int = budget) -> str:
        return within_bytes(tidy(text), most, words.cut)

    def seen(message: Message) -> dict[str, Any]:
        return {
            "kind": message.kind,
            "severity": str(message.severity),
            "severity_word": words.severities[message.severity],
            "category": str(message.category),
            "category_word": words.categories[message.category],
            "title": cut(message.title),
            "text": cut(message.text),
            "facts": [(label, cut(value)) for label, value in message.facts],
            "worth": cut(message.worth),
            "owner": cut(message.owner),
            "account": {"id": cut(message.account.id), "name": cut(message.account.label)},
            "tier": cut(message.account.tier or words.label("none")),
            "occurred_at": words.instant(message.occurred_at),
            "next_steps": [cut(step) for step in message.next_steps],
            "sections": [(cut(heading), [cut(line) for line in lines]) for heading, lines in message.sections],
            "mention": message.mention or "",
            "links": [(title, url) for title, url in message.links if len(url) <= MAX_LINK_CHARS],
            "is_test": message.kind == "test",
            "is_resolution": message.is_resolution,
            "mark": "resolved" if message.is_resolution else str(message.severity),
            "mark_word": words.label("over") if message.is_resolution else words.severities[message.severity],
        }

    shared = {"label": dict(words.labels), "language": str(words.language), "cut": words.cut}
    if isinstance(told, Message):
        return {**shared, "message": seen(told)}
    each = [
        {**seen(message), "title": cut(message.title, min(budget, 240)), "text": cut(message.text, min(budget, 240))}
        for message in told.messages
    ]
    return {
        **shared,
        "digest": {"title": told.title, "text": told.text, "more": told.more, "severity": str(told.severity)},
        "messages": each,
    }
