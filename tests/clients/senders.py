"""The clients, each used as its documents say. A sender answers the numbers of what its client believes delivered."""

import json
import subprocess
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any, TypeAlias

import httpx
from cloudevents.core.bindings.http import HTTPMessage, to_binary_event, to_structured_event
from cloudevents.core.formats.json import JSONFormat
from cloudevents.core.v1.event import CloudEvent

from tests.clients.events import Use

Sender: TypeAlias = Callable[[str, str, Sequence[Use]], set[int]]
"""Called with ingest's address, a key, and what to send."""


def segment(*, gzip: bool) -> Sender:
    """segment-analytics-python."""

    def send(url: str, key: str, uses: Sequence[Use]) -> set[int]:
        from segment.analytics import request  # noqa: PLC0415 - to close its pool, which lasts as long as the process
        from segment.analytics.client import Client  # noqa: PLC0415 - loaded only where it is tested

        try:
            return _through(Client, uses, key, host=url, gzip=gzip)
        finally:
            request._session.close()

    return send


def rudder(url: str, key: str, uses: Sequence[Use]) -> set[int]:
    """rudder-sdk-python; it compresses by default."""
    from rudderstack.analytics import request  # noqa: PLC0415 - to close its pool
    from rudderstack.analytics.client import Client  # noqa: PLC0415 - loaded only where it is tested

    try:
        return _through(Client, uses, key, host=url)
    finally:
        request._session.close()


def _through(client_type: Any, uses: Sequence[Use], key: str, **options: Any) -> set[int]:
    undelivered: set[int] = set()

    def failed(_error: Exception, items: Collection[Any]) -> None:
        undelivered.update(item["properties"]["number"] for item in items)

    client = client_type(key, on_error=failed, max_queue_size=20_000, upload_interval=0.05, **options)
    for use in uses:
        client.track(use.user, use.name, {"number": use.number}, {"groupId": use.account}, use.at)
    client.flush()
    client.join()
    return {use.number for use in uses} - undelivered


def analytics_node(folder: Path) -> Sender:
    """@segment/analytics-node, installed in that folder."""

    def send(url: str, key: str, uses: Sequence[Use]) -> set[int]:
        document = json.dumps([asdict(use) | {"at": use.at.isoformat()} for use in uses])
        done = subprocess.run(
            ["node", folder / "send.mjs", url, key], input=document, stdout=subprocess.PIPE, text=True, check=True
        )
        return set(json.loads(done.stdout))

    return send


def cloudevents(mode: str) -> Sender:
    """The CloudEvents SDK, which makes requests and leaves the sending to the application; so does a batch."""

    def send(url: str, key: str, uses: Sequence[Use]) -> set[int]:
        headers = {"Authorization": f"Bearer {key}"}
        delivered: set[int] = set()
        with httpx.Client(base_url=url, headers=headers, trust_env=False, timeout=30) as http:
            for numbers, message in _requests(mode, uses):
                answer = _until_answered(http, message)
                assert answer.status_code == httpx.codes.OK, answer.text
                assert {result["result"] for result in answer.json()["results"]} == {"ok"}
                delivered.update(numbers)
        return delivered

    return send


def _requests(mode: str, uses: Sequence[Use]) -> Iterator[tuple[list[int], HTTPMessage]]:
    if mode == "batch":
        written = [JSONFormat().write(_cloudevent(use)).decode() for use in uses]
        for first in range(0, len(uses), 100):
            numbers = [use.number for use in uses[first : first + 100]]
            body = f"[{','.join(written[first : first + 100])}]".encode()
            yield numbers, HTTPMessage({"content-type": "application/cloudevents-batch+json"}, body)
        return
    to_message = to_structured_event if mode == "structured" else to_binary_event
    for use in uses:
        yield [use.number], to_message(_cloudevent(use))


def _cloudevent(use: Use) -> CloudEvent:
    attributes = {
        "id": f"use-{use.number}",
        "source": "urn:product",
        "type": "mainstay.usage.recorded.v1",
        "time": use.at,
        "datacontenttype": "application/json",
    }
    return CloudEvent(
        attributes,
        {"account_id": use.account, "user_id": use.user, "event": use.name, "properties": {"number": use.number}},
    )


def _until_answered(http: httpx.Client, message: HTTPMessage) -> httpx.Response:
    """What an application does: repeat a request that was not answered, or with 503."""
    for _ in range(600):
        try:
            answer = http.post("/v1/events", content=message.body, headers=message.headers)
        except httpx.TransportError:
            pass
        else:
            if answer.status_code != httpx.codes.SERVICE_UNAVAILABLE:
                return answer
        time.sleep(0.1)
    raise AssertionError("no answer in a minute")


def sensors(consumer: str) -> Sender:
    """SensorsAnalyticsSDK with one of its consumers; `company_id` is a property that says whose an event is."""

    def send(url: str, key: str, uses: Sequence[Use]) -> set[int]:
        from sensorsanalytics import sdk  # noqa: PLC0415 - loaded only where it is tested

        address = f"{url}/sa?project=production&token={key}"
        it = {
            "default": sdk.DefaultConsumer,
            "debug": sdk.DebugConsumer,
            "batch": sdk.BatchConsumer,
            "async": sdk.AsyncBatchConsumer,
        }[consumer](address)
        analytics = sdk.SensorsAnalytics(it)
        for use in uses:
            properties = {"company_id": use.account, "number": use.number, "$time": round(use.at.timestamp() * 1000)}
            if consumer == "batch":
                _buffered(it, partial(analytics.track, use.user, use.name, properties))
            else:
                _repeatedly(partial(analytics.track, use.user, use.name, properties), it)
        _repeatedly(partial(_drain, it), it)
        return {use.number for use in uses}

    return send


def _buffered(consumer: Any, track: Callable[[], None]) -> None:
    """A batch consumer holds an event from the first attempt on: what is repeated is its `flush`."""
    try:
        track()
    except Exception:  # noqa: BLE001 - URLError, HTTPError, ConnectionResetError: it lets through what it meets
        _repeatedly(consumer.flush, consumer)


def _repeatedly(do: Callable[[], Any], consumer: Any) -> None:
    """What an application does when the client raises; an asynchronous consumer whose thread has ended sends here."""
    for _ in range(600):
        try:
            do()
        except Exception:  # noqa: BLE001 - as above, and queue.Full as its own exception
            time.sleep(0.1)
            _send_without_thread(consumer)
        else:
            return
    raise AssertionError("not delivered in a minute")


def _send_without_thread(consumer: Any) -> None:
    thread = getattr(consumer, "_flushing_thread", None)
    if thread is not None and not thread.is_alive():
        with suppress(Exception):
            consumer.sync_flush()


def _drain(consumer: Any) -> None:
    thread = getattr(consumer, "_flushing_thread", None)
    if thread is None or thread.is_alive():
        consumer.close()
        return
    while not consumer._queue.empty() or consumer._flush_buffer:  # `close` would wait for the ended thread for ever
        consumer.sync_flush()


def totango(url: str, key: str, uses: Sequence[Use]) -> set[int]:
    """PyPI totango; an application repeats a call that raised."""
    import requests  # noqa: PLC0415 - what the client is made of
    from totango import Totango  # noqa: PLC0415 - loaded only where it is tested

    client = Totango(key)
    client.url = f"{url}/pixel.gif/"  # the only place where the address can be given
    for use in uses:
        for _ in range(600):
            try:
                client.track(f"Module {use.number}", use.name, user_id=use.user, account_id=use.account)
            except requests.RequestException:
                time.sleep(0.1)
            else:
                break
        else:
            raise AssertionError("not delivered in a minute")
    return {use.number for use in uses}
