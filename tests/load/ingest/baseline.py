"""What one would write first, and well: FastAPI, pydantic models, `await producer.send()`, acks=all.

It takes the same requests, checks the same fields' types, writes the same records to the same topic, and answers after
the broker has acknowledged all of them. It leaves out what Mainstay does beyond: limits, clock correction, keys in a
database, several protocols.
"""

import argparse
import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Annotated, Any

import uvicorn
from aiokafka import AIOKafkaProducer
from fastapi import Depends, FastAPI, Header, HTTPException, Request
from pydantic import BaseModel, Field

TOPIC = "usage-events"


class Context(BaseModel):
    """Whose call it is."""

    groupId: str = Field(min_length=1, max_length=200)  # noqa: N815 - as it is written in JSON


class Call(BaseModel):
    """A track call."""

    type: str
    messageId: str = Field(min_length=1, max_length=99)  # noqa: N815 - as it is written in JSON
    userId: str | None = Field(default=None, min_length=1, max_length=200)  # noqa: N815 - as it is written in JSON
    anonymousId: str | None = Field(default=None, min_length=1, max_length=200)  # noqa: N815 - as above
    event: str = Field(min_length=1, max_length=500)
    timestamp: datetime | None = None
    context: Context
    properties: dict[str, Any] = {}


class Batch(BaseModel):
    """Many calls."""

    batch: list[Call] = Field(max_length=2_500)
    sentAt: datetime | None = None  # noqa: N815 - as it is written in JSON


class Usage(BaseModel):
    """The record's value."""

    account_id: str
    event: str
    feature: str
    occurred_at: datetime
    received_at: datetime
    user_id: str
    properties: dict[str, Any]


class Success(BaseModel):
    """The answer."""

    success: bool = True


def application(servers: str, key: str) -> FastAPI:
    """The endpoint with its producer."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        app.state.producer = AIOKafkaProducer(bootstrap_servers=servers, acks="all")
        await app.state.producer.start()
        yield
        await app.state.producer.stop()

    app = FastAPI(lifespan=lifespan)
    Allowed = Annotated[None, Depends(allowed(key))]  # noqa: N806 - a type

    @app.post("/v1/track")
    async def track(call: Call, request: Request, _: Allowed) -> Success:
        await append([call], request.app.state.producer)
        return Success()

    @app.post("/v1/batch")
    async def batch(calls: Batch, request: Request, _: Allowed) -> Success:
        await append(calls.batch, request.app.state.producer)
        return Success()

    return app


def allowed(key: str) -> Any:
    def check(authorization: Annotated[str, Header()]) -> None:
        if authorization != f"Bearer {key}":
            raise HTTPException(401)

    return check


async def append(calls: list[Call], producer: AIOKafkaProducer) -> None:
    """Send each call, then wait for all acknowledgements."""
    now = datetime.now(UTC)
    trace = f"00-{os.urandom(16).hex()}-{os.urandom(8).hex()}-01".encode()
    sent = [await producer.send(TOPIC, **record(call, now, trace)) for call in calls]
    await asyncio.gather(*sent)


def record(call: Call, now: datetime, trace: bytes) -> dict[str, Any]:
    """Key, value and headers of a call, the same as Mainstay's."""
    occurred_at = call.timestamp or now
    account = call.context.groupId
    feature = call.properties.get("feature")
    usage = Usage(
        account_id=account,
        event=call.event,
        feature=feature if isinstance(feature, str) else call.event,
        occurred_at=occurred_at,
        received_at=now,
        user_id=call.userId or f"anonymous:{call.anonymousId}",
        properties=call.properties,
    )
    headers = [
        ("ce_specversion", b"1.0"),
        ("ce_id", call.messageId.encode()),
        ("ce_source", b"bench"),
        ("ce_type", b"mainstay.usage.recorded.v1"),
        ("ce_subject", account.encode()),
        ("ce_time", occurred_at.isoformat().encode()),
        ("content-type", b"application/json"),
        ("traceparent", trace),
    ]
    return {"key": account.encode(), "value": usage.model_dump_json().encode(), "headers": headers}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("port", type=int)
    parser.add_argument("servers")
    parser.add_argument("key")
    wanted = parser.parse_args()
    uvicorn.run(
        application(wanted.servers, wanted.key),
        host="127.0.0.1",
        port=wanted.port,
        loop="uvloop",
        http="httptools",
        log_level="warning",
        access_log=False,
    )


if __name__ == "__main__":
    main()
