"""The JSON Schemas of usage and of every customer fact, as senders write them."""

from typing import Annotated, Any

from fastapi import Path, Response
from pydantic import BaseModel, Field
from starlette.responses import JSONResponse

from ingest.api.fact_schemas import TYPES, sent_schema
from mainstay.web.problems import Problem, ProblemError
from mainstay.web.routes import Routes

MEDIA_TYPE = "application/schema+json"
SCHEMA_UNKNOWN = Problem(404, "schema-unknown", "There is no such schema")

Kind = Annotated[str, Path(max_length=100, description="Such as `account` or `touchpoint`")]


class SchemaView(BaseModel):
    """One kind of data."""

    kind: str
    type: str = Field(description="The CloudEvents type that such data travels under")
    json_schema: dict[str, Any] = Field(
        alias="schema", description="JSON Schema, draft 2020-12, with an example", serialization_alias="schema"
    )


class SchemasView(BaseModel):
    """Every kind of data."""

    data: list[SchemaView]
    next_cursor: None = None


def schema_routes() -> Routes:
    """The routes; they need nothing."""
    routes = Routes(tag="Schemas")

    @routes.get("/schemas", scope="ingest:read", answers=SchemasView)
    async def list_schemas() -> SchemasView:
        """What may be sent to /v1/events: the JSON Schema of the data of each type."""
        return SchemasView(
            data=[SchemaView(kind=kind, type=name, schema=sent_schema(kind)) for kind, name in TYPES.items()]
        )

    @routes.get(
        "/schemas/{kind}",
        scope="ingest:read",
        response_class=Response,
        responses={200: {"description": "The schema", "content": {MEDIA_TYPE: {"schema": {"type": "object"}}}}},
    )
    async def read_schema(kind: Kind) -> Response:
        """The JSON Schema of one kind of data, by itself."""
        if kind not in TYPES:
            raise ProblemError(SCHEMA_UNKNOWN, "there is no such schema; GET /v1/schemas lists them")
        return JSONResponse(sent_schema(kind), media_type=MEDIA_TYPE)

    return routes
