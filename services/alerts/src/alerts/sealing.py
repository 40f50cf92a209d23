"""Secrets at rest: encrypted with keys derived from the service's secret keys, so a copy of the database shows none."""

import base64
import hmac
from collections.abc import Sequence

from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF


class SecretUnreadable(Exception):
    """A sealed secret was made with another key: MAINSTAY_SECRET_KEY has changed."""


class Seal:
    """Encrypts with one key (Fernet: AES-128-CBC and HMAC-SHA256), decrypts with it and with previous ones.

    A sealed text begins with the id of its key, which says nothing of the key: `<id>.<token>`.
    """

    def __init__(self, secret_key: str, previous: Sequence[str] = ()) -> None:
        """Derive this purpose's own keys, by HKDF-SHA256."""
        self._keys = {_key_id(secret): _fernet(secret) for secret in (secret_key, *previous)}
        self.key_id = _key_id(secret_key)
        """The id of the key that seals."""

    @property
    def key_ids(self) -> Sequence[str]:
        """The ids of the keys that can be read with."""
        return tuple(self._keys)

    def close(self, text: str) -> bytes:
        """The text, encrypted."""
        return self.key_id.encode() + b"." + self._keys[self.key_id].encrypt(text.encode())

    def open(self, sealed: bytes) -> str:
        """The text again. Raises `SecretUnreadable`."""
        key_id, dot, token = bytes(sealed).partition(b".")
        if not dot:  # sealed before there were ids
            return self._open_with(tuple(self._keys.values()), key_id)
        key = self._keys.get(key_id.decode(errors="replace"))
        return self._open_with(() if key is None else (key,), token)

    def _open_with(self, keys: Sequence[Fernet], token: bytes) -> str:
        for key in keys:
            try:
                return key.decrypt(token).decode()
            except InvalidToken:
                continue
        raise SecretUnreadable("a channel's secret was sealed with another MAINSTAY_SECRET_KEY")


def _fernet(secret_key: str) -> Fernet:
    derived = HKDF(SHA256(), length=32, salt=None, info=b"mainstay/alerts/channel-destination")
    return Fernet(base64.urlsafe_b64encode(derived.derive(secret_key.encode())))


def _key_id(secret_key: str) -> str:
    return hmac.digest(secret_key.encode(), b"mainstay/alerts/key-id", "sha256").hex()[:8]
