"""The routes of deliveries and replays."""

from typing import Annotated

from fastapi import Query, Response

from alerts.api.delivery_schemas import (
    AttemptView,
    DeliveryView,
    DeliveryWithAttempts,
    NewReplay,
    ReplayView,
)
from alerts.api.handlers import READ, WRITE, Handlers, Id, Instant, Text, after, following
from alerts.application.reading import DeliveryQuery
from alerts.domain.deliveries import DeliveryState
from mainstay.web.pages import DEFAULT_LIMIT, Cursor, Limit, Page
from mainstay.web.problems import ProblemError, status_problem
from mainstay.web.routes import Caller, Routes

REPLAY = "replay"
"""The name of a route, where ids of deliveries stand; no delivery has it, since their ids are UUIDs."""


def deliveries(handlers: Handlers) -> Routes:
    """Read deliveries and their attempts; send again what was given up."""
    group = Routes(tag="deliveries")

    @group.get("/deliveries", scope=READ, answers=Page[DeliveryView])
    async def list_deliveries(
        alert_id: Text = None,
        channel_id: Text = None,
        account_id: Text = None,
        digest_id: Text = None,
        person_id: Annotated[Text, Query(description="For one of our people")] = None,
        state: Annotated[DeliveryState | None, Query(description="`failed`: given up")] = None,
        since: Annotated[Instant | None, Query(description="Made at this instant or later")] = None,
        until: Annotated[Instant | None, Query(description="Made before this instant")] = None,
        limit: Limit = DEFAULT_LIMIT,
        cursor: Cursor = None,
    ) -> Page[DeliveryView]:
        """Deliveries, the newest first."""
        query = DeliveryQuery(alert_id, channel_id, state, account_id, digest_id, person_id, since, until)
        rows = await handlers.reading.deliveries(query, limit=limit + 1, after=after("deliveries", cursor))
        data = [DeliveryView.of(record) for record in rows[:limit]]
        return Page(
            data=data,
            next_cursor=following("deliveries", rows, limit, data[-1].created_at, data[-1].id) if data else None,
        )

    @group.post("/deliveries/replay", scope=WRITE, answers=ReplayView, status=202)
    async def replay_deliveries(body: NewReplay, caller: Caller, response: Response) -> ReplayView:
        """Send again what was given up, as a job that survives a restart; `GET /v1/replays/{id}` says how far it is."""
        view = ReplayView.of(await handlers.replays.begin(body.wanted, by=caller.name))
        response.headers["Location"] = f"/v1/replays/{view.id}"
        return view

    @group.get("/deliveries/{delivery_id}", scope=READ, answers=DeliveryWithAttempts)
    async def get_delivery(delivery_id: Id) -> DeliveryWithAttempts:
        """One delivery with every attempt."""
        if delivery_id == REPLAY:
            raise ProblemError(status_problem(405), "this path takes POST", headers={"Allow": "POST"})
        record, attempts = await handlers.reading.delivery(delivery_id)
        view = DeliveryWithAttempts.of(record)
        return view.model_copy(update={"attempts_made": [AttemptView.of(attempt) for attempt in attempts]})

    @group.post("/deliveries/{delivery_id}/replay", scope=WRITE, answers=DeliveryWithAttempts, status=202)
    async def replay_delivery(delivery_id: Id) -> DeliveryWithAttempts:
        """Send one delivery again that was given up, with the whole schedule before it; any other answers 409."""
        await handlers.replays.one(delivery_id)
        return await get_delivery(delivery_id)

    @group.get("/replays", scope=READ, answers=Page[ReplayView])
    async def list_replays(limit: Limit = DEFAULT_LIMIT, cursor: Cursor = None) -> Page[ReplayView]:
        """Replays, the newest first."""
        rows = await handlers.reading.replays(limit=limit + 1, after=after("replays", cursor))
        data = [ReplayView.of(replay) for replay in rows[:limit]]
        return Page(
            data=data, next_cursor=following("replays", rows, limit, data[-1].created_at, data[-1].id) if data else None
        )

    @group.get("/replays/{replay_id}", scope=READ, answers=ReplayView)
    async def get_replay(replay_id: Id) -> ReplayView:
        """One replay and how far it is."""
        return ReplayView.of(await handlers.reading.replay(replay_id))

    @group.post("/replays/{replay_id}/cancel", scope=WRITE, answers=ReplayView)
    async def cancel_replay(replay_id: Id) -> ReplayView:
        """Stop a replay: what it has not come to stays given up. Cancelling an ended one changes nothing."""
        return ReplayView.of(await handlers.replays.cancel(replay_id))

    return group
