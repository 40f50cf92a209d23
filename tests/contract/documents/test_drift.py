"""The documents in docs/ say what the code says, and every reference in them leads somewhere."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from mainstay.contracts.topics import TOPICS
from tests.contract.documents.events import event_types
from tests.contract.documents.openapi import SERVICES, openapi
from tests.contract.documents.written import DOCS, documents, generated_files


def test_every_document_is_what_the_code_says() -> None:
    wanted = documents()

    missing = [file.name for file in wanted if not file.exists()]
    assert not missing, f"{missing} are missing: run `make docs`"
    stale = [file.name for file, text in wanted.items() if file.read_text(encoding="utf-8") != text]
    assert not stale, f"{stale} are out of date: run `make docs`"
    assert generated_files() == set(wanted)  # no document outlives its code


def test_every_event_has_a_name_of_its_own_and_a_declared_topic() -> None:
    events = event_types()

    assert len({event.name for event in events}) == len({event.title for event in events}) == len(events)
    assert {event.topic for event in events} <= set(TOPICS)
    assert all(getattr(event.data, "SUBJECT", "account_id") in event.schema["required"] for event in events)
    assert all(event.schema["description"] for event in events)


def test_every_reference_of_the_asyncapi_document_leads_somewhere() -> None:
    document = yaml.safe_load((DOCS / "asyncapi.yaml").read_text(encoding="utf-8"))

    for reference in references(document):
        place, _, pointer = reference.partition("#")
        target = json.loads((DOCS / place).read_text(encoding="utf-8")) if place else document
        assert found(target, pointer), reference


@pytest.mark.parametrize("service", SERVICES)
def test_every_route_is_described_with_its_scope_and_its_failures(service: str) -> None:
    document = openapi(service)

    assert all(found(document, reference.removeprefix("#")) for reference in references(document))
    for path, methods in document["paths"].items():
        assert path.startswith("/v1/") or path in OTHERS_PROTOCOLS
        for method, route in methods.items():
            assert route["x-scope"], f"{method} {path}"
            assert "401" in route["responses"], f"{method} {path}"
            assert route.get("description") or route.get("summary"), f"{method} {path}"


OTHERS_PROTOCOLS = {"/sa", "/sa.gif", "/debug", "/pixel.gif", "/pixel.gif/"}
"""Paths that the clients of Sensors Data and Totango have in them."""


def references(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            yield node["$ref"]
        for child in node.values():
            yield from references(child)
    elif isinstance(node, list):
        for child in node:
            yield from references(child)


def found(document: Any, pointer: str) -> bool:
    for part in pointer.split("/")[1:]:
        name = part.replace("~1", "/").replace("~0", "~")
        if not isinstance(document, dict) or name not in document:
            return False
        document = document[name]
    return True
