"""Reading `application/x-www-form-urlencoded`, the shape of the older tracking protocols, within bounds.

Not `multipart/form-data`: none of their clients sends it.
"""

import re
from collections.abc import Mapping
from urllib.parse import parse_qsl, urlencode

from ingest.domain.refusal import Refused

MOST_FIELDS = 500
"""In one form; the clients send a dozen."""

_BROKEN_ESCAPE = re.compile(rb"%(?![0-9A-Fa-f]{2})")


def read(form: bytes) -> dict[str, str]:
    """Field -> value; of a field that is repeated, the last value. Raises `Refused`."""
    if _BROKEN_ESCAPE.search(form):
        raise Refused("form-malformed", "The form has a % that is not followed by two hexadecimal digits.")
    try:
        return dict(parse_qsl(form.decode(), keep_blank_values=True, errors="strict", max_num_fields=MOST_FIELDS))
    except UnicodeDecodeError:
        raise Refused("not-utf-8", "A field of the form is not UTF-8.") from None
    except ValueError:
        raise Refused("form-malformed", f"A form has at most {MOST_FIELDS} fields.") from None


def write(fields: Mapping[str, str]) -> bytes:
    """The same fields as a form again."""
    return urlencode(fields).encode()
