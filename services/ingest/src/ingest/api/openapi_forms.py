"""The routes of Sensors Data and Totango in OpenAPI; like the other hot routes, FastAPI does not see them."""

from typing import Any, TypeAlias

from ingest.api.access import SCOPE
from ingest.api.sensors_routes import METHODS as SENSORS_METHODS
from ingest.api.totango_routes import METHODS as TOTANGO_METHODS
from ingest.api.totango_routes import PATHS as TOTANGO_PATHS
from ingest.domain.names import LONGEST_ID, LONGEST_NAME
from mainstay.web.problems import MEDIA_TYPE, ProblemBody

Schema: TypeAlias = dict[str, Any]

FORM = "application/x-www-form-urlencoded"

_PROBLEMS = {
    "400": "The form cannot be read or breaks a rule; it was kept in quarantine where the key was found good",
    "401": "The API key is missing or not valid",
    "403": f"The API key lacks the scope {SCOPE}",
    "405": "Not a method of this route",
    "408": "The body took too long to arrive",
    "413": "The body is too large",
    "415": "The encoding is not known",
    "429": "More than the key may send, or than the account's share: repeat after Retry-After seconds",
    "503": "Not stored, or not known to be: repeat after Retry-After seconds",
}
_RETRIED = {"429", "503"}


def _text(about: str, longest: int | None = None) -> Schema:
    return {"type": "string", "description": about} | ({} if longest is None else {"maxLength": longest})


_SENSORS: Schema = {
    "data": _text("One call: base64 of its JSON, which may be compressed with gzip"),
    "data_list": _text("Many calls: the same of a list of them"),
    "gzip": _text("1 where it is compressed; we look at the data itself"),
}
_TOTANGO: Schema = {
    "sdr_s": _text("The API key, where it is not in the Authorization header"),
    "sdr_o": _text("The account", LONGEST_ID),
    "sdr_odn": _text("The account's name", LONGEST_NAME),
    "sdr_u": _text("The user", LONGEST_ID),
    "sdr_a": _text("What was done", LONGEST_NAME),
    "sdr_m": _text("The module it was done in: the feature used", LONGEST_NAME),
    "sdr_o.name": _text("The account's name; likewise owner, tier, zone, industry, segment", LONGEST_NAME),
    "sdr_u.name": _text("The user's name; likewise email and title", LONGEST_NAME),
}
_TOKEN: Schema = {
    "token": _text("The API key, where it is not in the Authorization header"),
    "project": _text("Passed over"),
}
_OF_EACH = {
    "type": "object",
    "properties": {
        "accepted": {"type": "integer", "description": "Events in the log"},
        "waiting": {"type": "integer", "description": "Events set aside until their account is known"},
        "refused": {
            "type": "array",
            "description": "Calls in quarantine",
            "items": {
                "type": "object",
                "properties": {
                    "index": {"type": "integer", "description": "Place of the call in the request"},
                    "code": {"type": "string"},
                    "detail": {"type": "string"},
                },
            },
        },
    },
}
_IMAGE = {"image/gif": {"schema": {"type": "string", "format": "binary"}}}


def paths() -> dict[str, Any]:
    """Path -> its operations."""
    told = {"application/json": {"schema": _OF_EACH}}
    checked = {"application/json": {"schema": {"$ref": "#/components/schemas/Success"}}}
    sensors: dict[str, tuple[str, Schema]] = {
        "/sa": ("Calls of a Sensors Data SDK; every one is in the log or in quarantine", told),
        "/sa.gif": ("The same from a browser", _IMAGE),
        "/debug": ("The same from the SDK's debug consumer: 400 tells what is wrong", checked),
    }
    return {
        **{
            path: {
                method.lower(): _operation(
                    "Sensors Data", path, method, summary, content, fields=_SENSORS, parameters=_TOKEN
                )
                for method in SENSORS_METHODS
            }
            for path, (summary, content) in sensors.items()
        },
        **{
            path: {
                method.lower(): _operation(
                    "Totango", path, method, "One call of a Totango tracker", _IMAGE, fields=_TOTANGO, parameters={}
                )
                for method in TOTANGO_METHODS
            }
            for path in TOTANGO_PATHS
        },
    }


def _operation(
    tag: str, path: str, method: str, summary: str, content: Schema, *, fields: Schema, parameters: Schema
) -> Schema:
    in_query = {**parameters, **fields} if method == "GET" else parameters
    name = "".join(letter if letter.isalnum() else "_" for letter in path.strip("/"))
    slash = "_slash" if path.endswith("/") else ""
    problems: Schema = {
        status: {"description": about, "content": {MEDIA_TYPE: {"schema": {"$ref": _PROBLEM}}}}
        for status, about in _PROBLEMS.items()
    }
    for status in _RETRIED:
        problems[status]["headers"] = {"Retry-After": {"schema": {"type": "integer"}, "description": "Seconds"}}
    operation = {
        "tags": [tag],
        "summary": summary,
        "operationId": f"{name}{slash}_{method.lower()}",
        "x-scope": SCOPE,
        "security": [{"ApiKey": []}, {"WriteKey": []}, {"KeyInForm": []}],
        "parameters": [
            {"name": field, "in": "query", "required": False, "schema": schema} for field, schema in in_query.items()
        ],
        "responses": {"200": {"description": "Durable", "content": content}, **problems},
    }
    if method == "POST":
        operation["requestBody"] = {
            "required": True,
            "content": {FORM: {"schema": {"type": "object", "properties": fields}}},
        }
    return operation


_PROBLEM = f"#/components/schemas/{ProblemBody.__name__}"

SECURITY = {
    "KeyInForm": {
        "type": "apiKey",
        "in": "query",
        "name": "token",
        "description": "An API key as `token` (Sensors Data); Totango's clients send it as `sdr_s`",
    }
}
