"""Which form of an answer a caller prefers (Accept, RFC 9110, section 12.5.1)."""

from collections.abc import Mapping
from typing import Final

JSON: Final = "application/json"
HTML: Final = "text/html"


def prefers(accept: str, wanted: str, usual: str) -> bool:
    """Whether an Accept header prefers a media type to the usual one, which is the answer among equals."""
    return _welcome(accept, wanted) > _welcome(accept, usual)


def _welcome(accept: str, wanted: str) -> float:
    """How welcome a media type is, 0–1; the most specific range that fits says so."""
    ranges: Mapping[str, int] = {wanted: 2, wanted.split("/", maxsplit=1)[0] + "/*": 1, "*/*": 0}
    best = (-1, 0.0)
    for each in accept.split(",") if accept.strip() else ["*/*"]:
        name, *parameters = (part.strip().lower() for part in each.split(";"))
        given = [parameter[2:] for parameter in parameters if parameter.startswith("q=")]
        try:
            quality = min(max(float(given[0]), 0.0), 1.0) if given else 1.0
        except ValueError:
            quality = 0.0
        if name in ranges:
            best = max(best, (ranges[name], quality))
    return best[1]
