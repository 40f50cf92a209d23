"""The description of the hot routes and the readers behind them."""

import re
from typing import Any

import msgspec
import pytest

from ingest.api import cloudevents, segment
from ingest.api.answers import ProblemBody
from ingest.api.cloudevent import CloudEvent
from ingest.api.verdicts import Verdict
from ingest.bootstrap import Service
from ingest.settings import Settings
from mainstay.contracts.ingest import AccountFact, ContactFact
from mainstay.web.problems import ProblemBody as DocumentedProblem

SETTINGS = Settings(database_url="postgresql://nobody@localhost/nothing", secret_key="x" * 32)


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    return Service(SETTINGS).app().openapi()


def properties(document: dict[str, Any], schema: str) -> set[str]:
    return set(document["components"]["schemas"][schema]["properties"])


def fields(struct: type[msgspec.Struct]) -> set[str]:
    return {field.encode_name for field in msgspec.structs.fields(struct)}


def test_every_hot_route_is_described(document: dict[str, Any]) -> None:
    for path, route in Service(SETTINGS).hot_routes().items():
        described = document["paths"][path]
        assert set(described) == {method.lower() for method in route.methods}
        for operation in described.values():
            assert operation["x-scope"] == "ingest:write"
            assert {"200", "401", "403", "413", "503"} <= set(operation["responses"])


def test_every_reference_leads_somewhere(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]
    names = re.findall(r"#/components/schemas/([\w-]+)", msgspec.json.encode(document).decode())

    assert set(names) <= set(schemas)
    assert set(document["paths"]["/v1/batch"]["post"]["security"][0]) <= set(document["components"]["securitySchemes"])


def test_the_description_names_what_the_readers_read(document: dict[str, Any]) -> None:
    calls = [properties(document, name) for name in ("TrackCall", "IdentifyCall", "GroupCall", "PageCall", "AliasCall")]
    assert set.union(*calls) == fields(segment.Call)
    assert properties(document, "BatchOfCalls") == fields(segment.BatchOfCalls)
    assert properties(document, "UsageEvent") == fields(CloudEvent) - {"data_base64"}
    assert properties(document, "Verdict") == fields(Verdict)
    data = {
        name: set(document["components"]["schemas"][name]["properties"]["data"]["properties"])
        for name in ("UsageEvent", "AccountEvent", "ContactEvent")
    }
    assert data["UsageEvent"] == fields(cloudevents.UsageData)
    assert data["AccountEvent"] == fields(AccountFact)
    assert data["ContactEvent"] == fields(ContactFact)


def test_a_problem_is_the_houses_problem() -> None:
    assert fields(ProblemBody) - {"accepted", "results"} == set(DocumentedProblem.model_fields)
