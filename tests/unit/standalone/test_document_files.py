"""`mainstay rules apply`: what is read of a folder, what is said, and what is sent."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from mainstay.settings import load
from standalone.document_files import PLAYBOOKS, Apply, Documents, NotApplied, apply_documents
from standalone.document_files import RULES as RULE_FILES
from standalone.settings import StandaloneSettings


@contextmanager
def alerts(rules: dict[str, Any], faults: dict[str, str]) -> Iterator[tuple[str, list[tuple[str, Any]]]]:
    """What stands in for the API: (address, what was saved)."""
    saved: list[tuple[str, Any]] = []

    class Answers(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            rule = rules.get(self.path.rpartition("/")[2])
            self.answer(200 if rule else 404, {self.noun: rule})

        def do_PUT(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            rule_id = self.path.partition("?")[0].rpartition("/")[2]
            if rule_id in faults:
                self.answer(422, {"errors": [{"pointer": f"/{self.noun}/for", "detail": faults[rule_id]}]})
                return
            if "dry_run" not in self.path:
                assert body[self.noun]["id"] == rule_id
                saved.append((rule_id, body["reason"]))
            self.answer(200, {})

        @property
        def noun(self) -> str:
            return {"alert-rules": "rule", "playbooks": "playbook"}[self.path.split("/")[2]]

        def answer(self, status: int, document: Any) -> None:
            self.send_response(status)
            self.end_headers()
            self.wfile.write(json.dumps(document).encode())

        def log_message(self, *_: Any) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Answers) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}", saved
        server.shutdown()
        thread.join()


def said(url: str, folder: Path, kind: Documents = RULE_FILES, **wanted: Any) -> tuple[bool, str]:
    console = Console(file=StringIO(), width=200)
    is_usable = apply_documents(load(StandaloneSettings), Apply(folder, key="k", url=url, **wanted), console, kind)
    return is_usable, console.file.getvalue()  # type: ignore[attr-defined]  # a StringIO


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "a.yaml").write_text("id: a\nversion: 3\nfor: 2h\n")
    (tmp_path / "b.yaml").write_text("id: b\nfor: 1h\n")
    (tmp_path / "c.yaml").write_text("id: c\nfor: 1h\n")
    return tmp_path


RULES = {"a": {"id": "a", "for": "1h"}, "b": {"id": "b", "for": "1h"}}


def test_a_dry_run_shows_the_difference_and_saves_nothing(folder: Path) -> None:
    with alerts(RULES, {}) as (url, saved):
        is_usable, text = said(url, folder, dry_run=True)

    assert (is_usable, saved) == (True, [])
    assert 'a.yaml: a changes\n  /for: "1h" -> "2h"\n' in text
    assert "b.yaml: b stays as it is" in text
    assert "c.yaml: c is new" in text
    assert "2 of 3 would be saved." in text


def test_only_what_differs_is_saved(folder: Path) -> None:
    with alerts(RULES, {}) as (url, saved):
        is_usable, _ = said(url, folder, reason="quarterly review")

    assert (is_usable, saved) == (True, [("a", "quarterly review"), ("c", "quarterly review")])


def test_playbooks_are_applied_like_rules(folder: Path) -> None:
    with alerts(RULES, {}) as (url, saved):
        is_usable, text = said(url, folder, PLAYBOOKS)
    with alerts(RULES, {"c": "no"}) as (url, _):
        _, refused = said(url, folder, PLAYBOOKS)

    assert (is_usable, [one for one, _ in saved]) == (True, ["a", "c"])
    assert "c.yaml: c is new" in text
    assert "c.yaml: cannot be used\n  /for: no\n" in refused


def test_with_a_mistake_in_one_none_is_saved(folder: Path) -> None:
    with alerts(RULES, {"c": "'1 hour' is not a duration"}) as (url, saved):
        is_usable, text = said(url, folder)

    assert (is_usable, saved) == (False, [])
    assert "c.yaml: cannot be used\n  /for: '1 hour' is not a duration\n" in text


@pytest.mark.parametrize(
    ("files", "reason"),
    [
        ({}, "has no rules"),
        ({"a.yaml": "id: [", "b.yaml": ""}, "a.yaml"),
        ({"a.yaml": "title: x"}, "a.yaml is no rule: it has no id"),
        ({"a.yaml": "id: x", "b.json": '{"id": "x"}'}, "b.json and a.yaml have the same id, x"),
    ],
)
def test_files_that_are_no_rules_are_named(files: dict[str, str], reason: str, tmp_path: Path) -> None:
    for name, text in files.items():
        (tmp_path / name).write_text(text)

    with pytest.raises(NotApplied, match=reason):
        said("http://127.0.0.1:9", tmp_path)
