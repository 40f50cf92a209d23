"""YAML as far as it is JSON: no aliases, no tags, no name twice, nothing that JSON cannot hold; bounded."""

from datetime import date
from typing import Any

import yaml

MAX_CHARACTERS = 65_536
"""A pure Python reader takes about a second for so many."""

MAX_DEPTH = 20


class NotPlainYaml(ValueError):
    """The text is not YAML, or more than JSON can say."""


class _Loader(yaml.SafeLoader):
    """Refuses aliases (a few lines could hold billions of nodes) and names that stand twice."""

    depth = 0

    def compose_node(self, parent: Any, index: Any) -> Any:
        """Compose, unless it is an alias or nests too deep."""
        if self.check_event(yaml.events.AliasEvent):
            raise NotPlainYaml("aliases are not taken")
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise NotPlainYaml(f"nests deeper than {MAX_DEPTH} levels")
        node = super().compose_node(parent, index)
        self.depth -= 1
        return node

    def construct_mapping(self, node: Any, deep: bool = False) -> Any:  # noqa: FBT001, FBT002 - the library's own
        """Construct a mapping whose names are texts, each once."""
        names = set()
        for key, _ in node.value:
            name, line = self.construct_object(key, deep=True), key.start_mark.line + 1
            if not isinstance(name, str):
                raise NotPlainYaml(f"line {line}: a name is a text")
            if name in names:
                raise NotPlainYaml(f"line {line}: {name[:100]} stands there twice")
            names.add(name)
        return super().construct_mapping(node, deep)


def read_yaml(text: str) -> Any:
    """What a text says, in JSON's types. Raises `NotPlainYaml`."""
    if len(text) > MAX_CHARACTERS:
        raise NotPlainYaml(f"has more than {MAX_CHARACTERS} characters")
    try:
        document = yaml.load(text, _Loader)  # noqa: S506 - derives from SafeLoader
    except yaml.YAMLError as error:
        raise NotPlainYaml(f"is not YAML: {error}"[:300]) from error
    except (ValueError, RecursionError) as error:  # an endless number, a month 13
        raise error if isinstance(error, NotPlainYaml) else NotPlainYaml(f"is not YAML: {error}"[:300]) from error
    _check(document)
    return document


def _check(document: Any) -> None:
    stack = [document]
    while stack:
        value = stack.pop()
        if isinstance(value, dict):
            stack += [*value, *value.values()]
        elif isinstance(value, list):
            stack += value
        elif isinstance(value, str):
            if "\0" in value:
                raise NotPlainYaml("text may not hold the NUL character")
        elif isinstance(value, date | bytes | set | tuple):
            raise NotPlainYaml(f"a {type(value).__name__} is nothing that JSON has: put it in quotes")
