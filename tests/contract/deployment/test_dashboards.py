"""The Grafana dashboard asks only for metrics that exist; docs/telemetry.md, which a test keeps true, lists them."""

import json
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
DOCUMENTED = set(re.findall(r"^\| `(\w+)` \|", (ROOT / "docs/telemetry.md").read_text(), flags=re.MULTILINE))
PANELS = json.loads((ROOT / "deploy/grafana/dashboards/mainstay.json").read_text())["panels"]


@pytest.mark.parametrize("panel", PANELS, ids=[panel["title"] for panel in PANELS])
def test_every_query_names_documented_metrics(panel: dict[str, list[dict[str, str]]]) -> None:
    asked = {name for target in panel["targets"] for name in re.findall(r"\b(?:mainstay|ingest)_\w+", target["expr"])}

    assert {name.removesuffix("_bucket") for name in asked} <= DOCUMENTED
