"""What becomes of each event of a CloudEvents request."""

from typing import Literal

import msgspec

from ingest.api import cloudevents
from ingest.api.answers import Answer, json_answer, problem
from ingest.api.tracing import traceparent_of
from ingest.domain.limits import Limits
from ingest.domain.occurrence import SenderClock
from ingest.domain.refusal import Refused
from ingest.records import RecordWriter
from mainstay.messaging.port import LogUnavailable, Outgoing


class Verdict(msgspec.Struct):
    """`duplicate` is a repetition within the request; `retry` was not acknowledged and is to be sent again."""

    id: str | None
    result: Literal["ok", "duplicate", "invalid", "retry"]
    code: str | None = None
    detail: str | None = None


class Verdicts:
    """One request's events: read one by one, their records to append, and a verdict for each, in their order.

    `place` is the JSON pointer of an event in the body, with `{}` for its index.
    """

    def __init__(self, limits: Limits, clock: SenderClock, traceparent: str, *, place: str) -> None:
        self._limits, self._clock, self._traceparent, self._place = limits, clock, traceparent, place
        self.records: list[Outgoing] = []
        self.refusals: list[Refused] = []
        self._verdicts: list[Verdict] = []
        self._appending: list[Verdict] = []
        self._first: dict[tuple[str, str], Verdict] = {}
        self._repeats: list[tuple[Verdict, Verdict]] = []

    def read(self, document: msgspec.Raw) -> None:
        """Read the next event."""
        try:
            event = cloudevents.read_event(document, self._limits)
            occurred_at, data = cloudevents.said(event, self._clock)
        except Refused as refused:
            self._refuse(document, refused)
            return
        verdict = Verdict(event.id, "ok")
        self._verdicts.append(verdict)
        first = self._first.setdefault((event.source, event.id), verdict)
        if first is not verdict:
            verdict.result = "duplicate"
            self._repeats.append((verdict, first))
            return
        write = RecordWriter(event.source, traceparent_of(event.traceparent, self._traceparent))
        self.records.append(write(event.id, occurred_at, data))
        self._appending.append(verdict)

    def _refuse(self, document: msgspec.Raw, refused: Refused) -> None:
        self.refusals.append(refused.within(self._place.format(len(self._verdicts))))
        detail = f"{refused.pointer}: {refused.detail}" if refused.pointer else refused.detail
        self._verdicts.append(Verdict(cloudevents.stated_id(document), "invalid", refused.code, detail))

    def unacknowledged(self, error: LogUnavailable) -> None:
        """These events are to be sent again, and so are the repetitions of any of them."""
        for index in error.unacknowledged or range(len(self.records)):
            _repeat(self._appending[index])
        for repetition, first in self._repeats:
            if first.result == "retry":
                _repeat(repetition)

    @property
    def accepted(self) -> int:
        """How many events were acknowledged."""
        return sum(verdict.result == "ok" for verdict in self._appending)

    def answer(self, trace_id: str) -> Answer:
        """200 when all is well, 207 when some were invalid, 400 when all were, 503 when any is to be sent again."""
        found = {verdict.result for verdict in self._verdicts}
        if found == {"invalid"}:
            code, detail = "events-refused", "No event of the batch is acceptable."
            if len(self.refusals) == 1:
                code, detail = self.refusals[0].code, self.refusals[0].detail
            return problem(code, detail, trace_id, self.refusals, results=self._verdicts)
        status = 503 if "retry" in found else 207 if "invalid" in found else 200
        return json_answer(status, {"results": self._verdicts})


def _repeat(verdict: Verdict) -> None:
    verdict.result, verdict.code = "retry", "log-unavailable"
    verdict.detail = "The event may be stored or not: send it again as it is."
