"""Who sends: API keys in every way that the protocols put them."""

import binascii
from base64 import b64decode

from ingest.domain.refusal import Refused
from mainstay.web.keys import ApiKey, KeyMissing, KeyRefused, KeyRing, KeysStale, ScopeMissing

SCOPE = "ingest:write"


class Access:
    """Turns what a request presents into its key."""

    def __init__(self, keys: KeyRing) -> None:
        self._keys = keys

    def of_header(self, authorization: bytes) -> ApiKey | None:
        """The key of the Authorization header; None where there is none. Raises `Refused`."""
        return self._key(_presented(authorization)) if authorization else None

    def of_body(self, write_key: str | None) -> ApiKey:
        """The key that a body names as `writeKey`. Raises `Refused`."""
        return self._key(write_key)

    def _key(self, presented: str | None) -> ApiKey:
        try:
            return self._keys.authorize(presented, SCOPE)
        except KeyRefused as refused:
            raise Refused(_code(refused), f"{refused}.") from None


def _code(refused: KeyRefused) -> str:
    match refused:
        case KeyMissing():
            return "key-missing"
        case ScopeMissing():
            return "scope-missing"
        case KeysStale():
            return "keys-unavailable"
        case _:
            return "key-unknown"


def _presented(authorization: bytes) -> str:
    scheme, _, value = authorization.partition(b" ")
    scheme, value = scheme.lower(), value.strip()
    if scheme in {b"bearer", b"app-token"}:  # the second is Totango's
        return value.decode("latin-1")
    if scheme == b"basic":
        try:
            user = b64decode(value, validate=True).decode()
        except (binascii.Error, ValueError):
            raise Refused("key-unknown", "The Authorization header is not Basic in base64.") from None
        return user.partition(":")[0]  # SDKs send "key:"; some leave the colon out
    raise Refused("key-unknown", "The Authorization header is neither Bearer nor Basic.")
