"""Every fact as a CloudEvent, through the running door into the log."""

from ingest.api.fact_examples import EXAMPLES
from ingest.api.fact_schemas import KINDS, TYPES
from mainstay.contracts.envelope import Decoder
from mainstay.contracts.facts import FACTS
from mainstay.contracts.topics import CUSTOMER_SIGNALS
from tests.integration.ingest.door import BATCH, Door


async def test_each_example_is_taken_and_lies_in_the_log(door: Door) -> None:
    events = [
        {"specversion": "1.0", "id": kind, "source": "urn:crm", "type": TYPES[kind], "data": EXAMPLES[kind]}
        for kind in KINDS
    ]

    answer = await door.post("/v1/events", events, headers=BATCH)

    assert {one["id"]: one["result"] for one in answer.json()["results"]} == dict.fromkeys(KINDS, "ok")
    decode, log = Decoder(*FACTS), door.service.chassis.log
    found = {}
    for partition, bounds in (await log.bounds(CUSTOMER_SIGNALS.name)).items():
        for record in await log.read(CUSTOMER_SIGNALS.name, partition, bounds.first, bounds.next):
            event = decode(record)
            assert event is not None
            found[event.id] = type(event.data)
    assert found == dict(KINDS)
