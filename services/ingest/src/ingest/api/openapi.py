"""The hot routes in OpenAPI: they are served in front of FastAPI, so FastAPI cannot describe them by itself.

A test compares the properties named here with the fields that the readers know.
"""

from collections.abc import Callable
from typing import Any, TypeAlias

from fastapi import FastAPI

from ingest.api import openapi_forms
from ingest.api.access import SCOPE
from ingest.api.cloudevents_routes import BATCH, STRUCTURED
from ingest.api.csm_schemas import inlined
from ingest.api.fact_schemas import fact_schema
from ingest.domain.names import LONGEST_ID, LONGEST_MESSAGE_ID, LONGEST_NAME
from mainstay.contracts.ingest import AccountFact, ContactFact, UsageRecorded
from mainstay.web.problems import MEDIA_TYPE, ProblemBody

Schema: TypeAlias = dict[str, Any]

_PROBLEMS = {
    "400": "The body cannot be read, or an event breaks a rule; `errors` points to the places",
    "401": "The API key is missing or not valid",
    "403": f"The API key lacks the scope {SCOPE}",
    "408": "The body took too long to arrive",
    "413": "The body, an event or a batch is too large",
    "415": "The encoding or the media type is not known",
    "429": "More than the key may send, or than the account's share: repeat after Retry-After seconds",
    "503": "Not stored, or not known to be: repeat after Retry-After seconds; ids make repeating harmless",
}


def describe(app: FastAPI) -> None:
    """Make the application's OpenAPI document tell of the hot routes too."""
    rest: Callable[[], dict[str, Any]] = app.openapi

    def whole() -> dict[str, Any]:
        document = rest()
        if "/v1/batch" not in document["paths"]:
            document["paths"] |= _paths() | openapi_forms.paths()
            components = document["components"]
            components["schemas"] |= _schemas()
            components.setdefault("securitySchemes", {}).update(_SECURITY | openapi_forms.SECURITY)
        return document

    app.openapi = whole  # type: ignore[method-assign]  # FastAPI's documented way to extend it


def _text(about: str, longest: int | None = None) -> Schema:
    length = {} if longest is None else {"minLength": 1, "maxLength": longest}
    return {"type": "string", "description": about, **length}


def _instant(about: str) -> Schema:
    return {"type": "string", "format": "date-time", "description": about}


def _object(required: tuple[str, ...], properties: Schema, about: str = "") -> Schema:
    return {"type": "object", "description": about, "required": list(required), "properties": properties}


def _ref(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}


_FACT_TEXT: Schema = {"type": ["string", "null"], "minLength": 1, "maxLength": LONGEST_NAME}
_ATTACHED: Schema = {"type": ["object", "null"], "description": "Anything of yours, nested at most 64 deep"}


def _id(about: str) -> Schema:
    """An id: a text, or a whole number, which counts as its digits."""
    return {"type": ["string", "integer"], "description": about, "minLength": 1, "maxLength": LONGEST_ID}


_CONTEXT = _object((), {"groupId": _id("The account")})

_COMMON: Schema = {
    "messageId": _text("Names the call for ever; without one, a repeated call counts twice", LONGEST_MESSAGE_ID),
    "userId": _id("Your id of the user"),
    "anonymousId": _id("Your id of a visitor before the sign-in; one of the two is needed"),
    "timestamp": _instant("When it happened, by the sender's clock; absent: when it is received"),
    "originalTimestamp": _instant("The same, where the sender kept `timestamp` for something else"),
    "sentAt": _instant("When it was sent, by the sender's clock; an error of 150 s or more is corrected"),
    "context": _CONTEXT,
    "writeKey": _text("The API key, where it is not in the Authorization header"),
}
_ACCOUNT_FACTS: Schema = dict.fromkeys(("name", "owner", "tier", "zone", "industry", "segment"), _FACT_TEXT)
_CONTACT_FACTS: Schema = dict.fromkeys(("name", "email", "title"), _FACT_TEXT)


_CALLS = {
    "track": "A feature was used",
    "identify": "Facts about a person",
    "group": "Facts about an account",
    "page": "A page was seen",
    "screen": "A screen was seen",
    "alias": "Two ids are one person",
}


def _schemas() -> dict[str, Schema]:
    track = {
        **_COMMON,
        "event": _text("What was done", LONGEST_NAME),
        "properties": {**_ATTACHED, "properties": {"feature": _text("The feature used; absent: the event's name")}},
    }
    viewed = {
        **_COMMON,
        "name": _text("What was seen; the event is then `Viewed <name> Page` or `Screen`"),
        "category": _text("Kept among the properties, like the name"),
        "properties": {**_ATTACHED, "properties": {"feature": _text("The feature used; absent: the event's name")}},
    }
    alias = {**_COMMON, "previousId": _id("The id before; absent: the anonymousId")}
    traits = _object((), {**_CONTACT_FACTS, "firstName": _FACT_TEXT, "lastName": _FACT_TEXT})
    in_context = {**_CONTEXT["properties"], "traits": {**traits, "description": "Where the call has no `traits`"}}
    identify = {**_COMMON, "context": _object((), in_context), "traits": traits}
    group = {
        **_COMMON,
        "groupId": _id("The account"),
        "traits": _object((), {**_ACCOUNT_FACTS, "plan": _FACT_TEXT, "timezone": _FACT_TEXT}),
    }
    batch = {
        "batch": {
            "type": "array",
            "items": {
                "oneOf": [_ref(f"{kind.capitalize()}Call") for kind in _CALLS],
                "discriminator": {
                    "propertyName": "type",
                    "mapping": {kind: f"#/components/schemas/{kind.capitalize()}Call" for kind in _CALLS},
                },
            },
        },
        "context": _CONTEXT,
        "sentAt": _COMMON["sentAt"],
        "writeKey": _COMMON["writeKey"],
    }
    return {
        "TrackCall": _object(("event",), {"type": {"const": "track"}, **track}, "A feature was used"),
        "IdentifyCall": _object((), {"type": {"const": "identify"}, **identify}, "Facts about a person"),
        "GroupCall": _object(("groupId",), {"type": {"const": "group"}, **group}, "Facts about an account"),
        "PageCall": _object((), {"type": {"const": "page"}, **viewed}, "A page was seen"),
        "ScreenCall": _object((), {"type": {"const": "screen"}, **viewed}, "A screen was seen"),
        "AliasCall": _object(("userId",), {"type": {"const": "alias"}, **alias}, "Two ids are one person"),
        "BatchOfCalls": _object(("batch",), batch, "Many calls; those that break a rule are set aside and told"),
        "Success": _object(("success",), {"success": {"const": True}}),
        "UsageEvent": _cloudevent(UsageRecorded.TYPE, _USAGE_DATA),
        "AccountEvent": _cloudevent(AccountFact.TYPE, _ACCOUNT_DATA),
        "ContactEvent": _cloudevent(ContactFact.TYPE, _CONTACT_DATA),
        "Verdict": _VERDICT,
        "Verdicts": _object(("results",), {"results": {"type": "array", "items": _ref("Verdict")}}),
    }


_ACCOUNT_ID = _text("The account", LONGEST_ID)
_OCCURRED_AT = _instant("When it was so; absent: the event's time")
_USAGE_DATA = _object(
    ("event",),
    {
        "account_id": _text("The account; absent: that of the user, as soon as it is known", LONGEST_ID),
        "event": _text("What was done", LONGEST_NAME),
        "user_id": _text("Your id of the user", LONGEST_ID),
        "feature": _text("The feature used; absent: the event's name", LONGEST_NAME),
        "properties": _ATTACHED,
    },
)
_ACCOUNT_DATA = inlined(fact_schema(AccountFact))
_CONTACT_DATA = inlined(fact_schema(ContactFact))
_VERDICT = _object(
    ("id", "result", "code", "detail"),
    {
        "id": {"type": ["string", "null"]},
        "result": {"enum": ["ok", "duplicate", "invalid", "retry"]},
        "code": {"type": ["string", "null"]},
        "detail": {"type": ["string", "null"]},
    },
)


def _cloudevent(kind: str, data: Schema) -> Schema:
    attributes = {
        "specversion": {"const": "1.0"},
        "id": _text("With `source`, names the event for ever", LONGEST_ID),
        "source": _text("Where it comes from", LONGEST_ID),
        "type": {"const": kind},
        "time": _instant("When it happened; absent: when it is received"),
        "datacontenttype": _text("JSON, where it is named"),
        "traceparent": _text("W3C trace context, where the event has one of its own"),
        "data": data,
    }
    return _object(("specversion", "id", "source", "type", "data"), attributes)


def _paths() -> dict[str, Any]:
    events = {"oneOf": [_ref("UsageEvent"), _ref("AccountEvent"), _ref("ContactEvent")]}
    verdicts = {
        "200": _answer("Every event is durable", _ref("Verdicts")),
        "207": _answer("Some events are durable, others not acceptable", _ref("Verdicts")),
    }
    success = {"200": _answer("Durable, in the log or set aside until its account is known", _ref("Success"))}
    return {
        **{
            f"/v1/{kind}": _post(
                kind, about, "Segment", {"application/json": _ref(f"{kind.capitalize()}Call")}, success
            )
            for kind, about in _CALLS.items()
        },
        **{
            f"/v1/{name}": _post(name, about, "Segment", {"application/json": _ref("BatchOfCalls")}, success)
            for name, about in (("batch", "Many calls at once"), ("import", "The same, as older SDKs call it"))
        },
        "/v1/events": _post(
            "events",
            "Events with a verdict for each",
            "CloudEvents",
            {STRUCTURED: events, BATCH: {"type": "array", "items": events}},
            verdicts,
        ),
    }


def _post(name: str, summary: str, tag: str, bodies: dict[str, Schema], answers: Schema) -> Schema:
    problems: Schema = {
        status: {"description": about, "content": {MEDIA_TYPE: {"schema": _ref(ProblemBody.__name__)}}}
        for status, about in _PROBLEMS.items()
    }
    for status in ("429", "503"):
        problems[status]["headers"] = {"Retry-After": {"schema": {"type": "integer"}, "description": "Seconds"}}
    if tag == "CloudEvents":
        problems["503"]["content"]["application/json"] = {"schema": _ref("Verdicts")}
    return {
        "post": {
            "tags": [tag],
            "summary": summary,
            "operationId": name,
            "x-scope": SCOPE,
            "security": [{scheme: []} for scheme in _SECURITY],
            "parameters": [
                {"name": name, "in": "header", "required": False, "schema": {"type": "string"}}
                for name in ("traceparent", "X-Request-Id", "Content-Encoding")
            ],
            "requestBody": {
                "required": True,
                "content": {media_type: {"schema": schema} for media_type, schema in bodies.items()},
            },
            "responses": answers | problems,
        }
    }


def _answer(about: str, schema: Schema) -> Schema:
    return {"description": about, "content": {"application/json": {"schema": schema}}}


_SECURITY = {
    "ApiKey": {"type": "http", "scheme": "bearer", "bearerFormat": "mst_…", "description": "An API key of Mainstay"},
    "WriteKey": {"type": "http", "scheme": "basic", "description": "The API key as the user name, no password"},
}
