"""Secrets at rest: encrypted with a key derived from the service's secret key, so a copy of the database shows none."""

import base64

from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF


class SecretUnreadable(Exception):
    """A sealed secret was made with another key: MAINSTAY_SECRET_KEY has changed."""


class Seal:
    """Encrypts and decrypts with one key (Fernet: AES-128-CBC and HMAC-SHA256)."""

    def __init__(self, secret_key: str) -> None:
        """Derive this purpose's own key, by HKDF-SHA256."""
        derived = HKDF(SHA256(), length=32, salt=None, info=b"mainstay/alerts/channel-destination")
        self._fernet = Fernet(base64.urlsafe_b64encode(derived.derive(secret_key.encode())))

    def close(self, text: str) -> bytes:
        """The text, encrypted."""
        return self._fernet.encrypt(text.encode())

    def open(self, sealed: bytes) -> str:
        """The text again. Raises `SecretUnreadable`."""
        try:
            return self._fernet.decrypt(sealed).decode()
        except InvalidToken as error:
            raise SecretUnreadable("a channel's secret was sealed with another MAINSTAY_SECRET_KEY") from error
