"""What a catalogue's texts ask for, found by walking through them."""

import ast
from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from pathlib import Path
from typing import Any

from fluent.syntax.ast import BaseNode, Message, VariableReference


def parameters(message: Message) -> frozenset[str]:
    """The names of the parameters that a message uses, also in its variants."""
    return frozenset(node.id.name for node in _nodes(message) if isinstance(node, VariableReference))


def _nodes(of: Any) -> Iterable[BaseNode]:
    if isinstance(of, BaseNode):
        yield of
        for value in vars(of).values():
            yield from _nodes(value)
    elif isinstance(of, list):
        for each in of:
            yield from _nodes(each)


def keys_built(folder: Path) -> Mapping[str, AbstractSet[str]]:
    """The first argument of every `Phrase(…)` that is written out, with where."""
    found: dict[str, set[str]] = {}
    for path in sorted(folder.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Phrase":
                for key in _strings(node.args[0]):
                    found.setdefault(key, set()).add(path.name)
    return found


def strings_in(folder: Path) -> AbstractSet[str]:
    """Every string in the code below a folder."""
    return {
        node.value
        for path in folder.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }


def _strings(node: ast.expr) -> Iterable[str]:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    elif isinstance(node, ast.IfExp):
        yield from _strings(node.body)
        yield from _strings(node.orelse)
