"""The OpenAPI documents hold: schemathesis, as a stranger would run it, finds nothing in any of the four services.

What is not asked of them:
- That all that fits the schema is taken (positive_data_acceptance): it cannot say that a cursor is one which the list
  gave, that a term ends after it starts, or which zones there are.
- Of ingest, that all else is refused (negative_data_rejection): an SDK may write what it likes into fields that
  mean nothing here.
- Of health-score, alerts and renewals, that a key's header is compulsory (missing_required_header): a picture, a link
  in a message and a calendar take a signature or a secret in its place.
- That the stream of changes (/v1/changes) ends: test_changes.py reads it.
"""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.running import SERVICES, Running, running

EXAMPLES = os.environ.get("MAINSTAY_EXAMPLES", "3")
"""Generated for each operation, besides those that cover each rule of its schema.

CONTRIBUTING says when to ask for more.
"""
NOT_ASKED = ["positive_data_acceptance"]
NOT_ASKED_OF = {
    "ingest": ["negative_data_rejection"],
    "health_score": ["missing_required_header"],
    "alerts": ["missing_required_header"],
    "renewals": ["missing_required_header"],
}


@pytest.fixture(scope="module")
def mainstay(module_postgres_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with running(tmp_path_factory.mktemp("described"), MAINSTAY_DATABASE_URL=module_postgres_url) as started:
        yield started


@pytest.mark.timeout(480)
@pytest.mark.parametrize("service", SERVICES)
def test_schemathesis_finds_nothing(mainstay: Running, service: str, tmp_path: Path) -> None:
    found = subprocess.run(
        [
            *(Path(sys.executable).parent / "schemathesis", "run", f"{mainstay.url(service)}/openapi.json"),
            *("--header", f"Authorization: Bearer {mainstay.key}", "--phases", "examples,coverage,fuzzing"),
            *("--exclude-path", "/v1/changes"),
            *("--exclude-checks", ",".join([*NOT_ASKED, *NOT_ASKED_OF.get(service, [])])),
            *("--max-examples", EXAMPLES, "--generation-deterministic", "--request-timeout", "10", "--no-color"),
        ],
        cwd=tmp_path,  # it looks for settings where it stands, and leaves files there
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert found.returncode == 0, found.stdout[-8_000:]
    assert mainstay.ready(service)
    failures = [line for line in mainstay.logs().splitlines() if '"level": "error"' in line]
    assert not failures, failures[:3]
