"""People and accounts by a keyed hash: what is kept of an erased one, so that it is known again when it comes back.

The hash says nothing without the deployment's secret key; with another secret key erased subjects are not known again.
"""

import hmac
from typing import Final

ACCOUNT: Final = "account"
USER: Final = "user"
VALUE: Final = "value"
"""A property's value, where an operator wants it hashed."""

_HEX_CHARS: Final = 32  # 128 bits: no two subjects of a deployment share them


class Subjects:
    """Hashes of one deployment. Made once: deriving the key costs as much as a hash (1 µs)."""

    def __init__(self, secret: str) -> None:
        self._key = hmac.digest(secret.encode(), b"mainstay subjects, version 1", "sha256")

    def hash(self, kind: str, subject_id: str) -> str:
        """The keyed hash of a subject: 32 hexadecimal digits. The same id of another kind has another one."""
        named = f"{kind}\0{subject_id}".encode(errors="surrogatepass")
        return hmac.digest(self._key, named, "sha256").hex()[:_HEX_CHARS]


def subject_hash(secret_key: str, kind: str, subject_id: str) -> str:
    """The keyed hash of one subject; see `Subjects`."""
    return Subjects(secret_key).hash(kind, subject_id)


def tombstone(subject: str) -> str:
    """What stands in the place of an erased subject's id; `subject` is its hash."""
    return f"erased:{subject}"
