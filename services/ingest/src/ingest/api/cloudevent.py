"""One CloudEvent.

https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/formats/json-format.md describes the format.
"""

from datetime import datetime

import msgspec

from ingest.api import json


class CloudEvent(msgspec.Struct, gc=False):
    """The attributes that matter here; others are passed over."""

    specversion: str
    id: str
    source: str
    type: str
    time: datetime | None = None
    datacontenttype: str | None = None
    data: msgspec.Raw = json.NO_JSON
    data_base64: str | None = None
    traceparent: str | None = None
