"""Conditions in CEL: compiled when a rule is saved, with everything that is wrong said at its place.

The library checks syntax; names, functions, size and the type of the result are checked here, because it would say
nothing of them before a condition is first looked at.
"""

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, Final

import cel

from alerts.domain.conditions.variables import MEASURE, VARIABLES, meaning, measure
from alerts.domain.rules import Condition

MOST_CHARACTERS: Final = 1_000
MOST_NESTED: Final = 10
MOST_WORDS: Final = 300

FUNCTIONS: Final = frozenset(
    {
        *("size", "contains", "startsWith", "endsWith", "matches"),
        *("int", "uint", "double", "string", "duration", "timestamp"),
        *("getFullYear", "getMonth", "getDate", "getDayOfMonth", "getDayOfWeek", "getDayOfYear"),
        *("getHours", "getMinutes", "getSeconds"),
    }
)
LOOPS: Final = frozenset({"all", "exists", "exists_one", "map", "filter", "has"})
CONSTANTS: Final = frozenset({"true", "false", "null", "in"})

_WORDS = re.compile(
    r"""(?P<space>\s+|//[^\n]*)
    |(?P<text>[rRbB]{0,2}(?:\"\"\"(?:\\.|[^\\])*?\"\"\"|'''(?:\\.|[^\\])*?'''|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'))
    |(?P<number>(?:0x[0-9a-fA-F]+|\d+\.?\d*(?:[eE][+-]?\d+)?|\.\d+)u?)
    |(?P<name>[A-Za-z_][A-Za-z0-9_]*)
    |(?P<sign>.)""",
    re.VERBOSE | re.DOTALL,
)
_PARSED_AT = re.compile(r"<input>:(\d+):(\d+):\s*(?:Syntax error:\s*)?([^\n]*)")


class ExpressionInvalid(ValueError):
    """A condition cannot be used; `position` is the place of the mistake, in characters from 1."""

    def __init__(self, detail: str, position: int = 1) -> None:
        super().__init__(f"at character {position}: {detail}")
        self.position = position
        self.detail = detail


@dataclass(frozen=True, slots=True)
class _Word:
    kind: str
    text: str
    position: int


def compiled(text: str, measures: Collection[str] = ()) -> Condition:
    """A condition, ready to be looked at. `measures` are the metrics known so far; none known: any name is taken.

    Raises `ExpressionInvalid`.
    """
    if len(text) > MOST_CHARACTERS:
        raise ExpressionInvalid(f"a condition has at most {MOST_CHARACTERS:,} characters", MOST_CHARACTERS + 1)
    words = list(_words(text))
    _check_size(words)
    names = frozenset(_checked_names(words, measures))
    try:
        program = cel.compile(text)
    except ValueError as error:
        raise _not_parsed(text, str(error)) from None

    def holds(values: Mapping[str, Any]) -> bool:
        try:
            return program.execute({name: values.get(name) for name in names}) is True
        except (TypeError, ValueError, RuntimeError, ArithmeticError, LookupError):
            return False  # a variable without a value: it cannot be told

    _try_out(program, names)
    return Condition(text, names, holds)


def _words(text: str) -> Iterator[_Word]:
    for found in _WORDS.finditer(text):
        if found.lastgroup != "space":
            yield _Word(str(found.lastgroup), found[0], found.start() + 1)


def _check_size(words: list[_Word]) -> None:
    if len(words) > MOST_WORDS:
        raise ExpressionInvalid(f"a condition has at most {MOST_WORDS} names, numbers and signs", words[-1].position)
    depth = 0
    for word in words:
        if word.kind == "sign":
            depth += (word.text in "([{?") - (word.text in ")]}:")
        if depth > MOST_NESTED:
            raise ExpressionInvalid(f"nested more than {MOST_NESTED} deep", word.position)


def _checked_names(words: list[_Word], measures: Collection[str]) -> Iterator[str]:
    for before, word, after in zip([None, *words], words, [*words[1:], None], strict=False):
        if word.kind != "name" or word.text in CONSTANTS:
            continue
        is_member = before is not None and before.text == "."
        if after is not None and after.text == "(":
            if word.text in LOOPS:
                raise ExpressionInvalid(f"{word.text}() cannot be used: there is nothing to loop over", word.position)
            if word.text not in FUNCTIONS:
                near = _nearest(word.text, FUNCTIONS)
                raise ExpressionInvalid(f"there is no function {word.text}{near}", word.position)
        elif is_member:
            raise ExpressionInvalid(f"variables have no members, so .{word.text} means nothing", word.position)
        else:
            yield _checked_variable(word, measures)


def _checked_variable(word: _Word, measures: Collection[str]) -> str:
    of_metrics = {measure(one) for one in measures}
    if meaning(word.text) is None:
        near = _nearest(word.text, [*VARIABLES, *of_metrics])
        raise ExpressionInvalid(f"there is no variable {word.text}{near}", word.position)
    if word.text.startswith(MEASURE) and measures and word.text not in of_metrics:
        near = _nearest(word.text, of_metrics)
        metric = word.text.removeprefix(MEASURE)
        raise ExpressionInvalid(f"no measure has the metric {metric}{near}", word.position)
    return word.text


def _nearest(name: str, known: Collection[str]) -> str:
    near = get_close_matches(name, sorted(known), n=1)
    return f"; did you mean {near[0]}?" if near else ""


def _not_parsed(text: str, message: str) -> ExpressionInvalid:
    found = _PARSED_AT.search(message)
    if found is None:
        return ExpressionInvalid("this is no CEL")
    lines = text.split("\n")
    line, column = int(found[1]), int(found[2])
    position = sum(len(one) + 1 for one in lines[: line - 1]) + column
    detail = found[3].split(" expecting ")[0].replace("'<EOF>'", "its end").strip()
    return ExpressionInvalid(f"this is no CEL: {detail}", position)


def _try_out(program: Any, names: Collection[str]) -> None:
    """Look at a condition once with values like those it will get: a comparison of unlike things is told now."""
    examples = {name: variable.example for name in names if (variable := meaning(name)) is not None}
    try:
        result = program.execute(examples)
    except ArithmeticError:
        return  # it depends on the values
    except (TypeError, ValueError, RuntimeError, LookupError) as error:
        reason = str(error).split(". ")[0].split(": ")[-1]
        like = ", ".join(f"{name} is like {examples[name]!r}" for name in sorted(examples))
        raise ExpressionInvalid(f"it compares or computes unlike things ({reason}); {like}") from None
    if not isinstance(result, bool):
        raise ExpressionInvalid(f"a condition is true or false; this one gives {result!r}")
