"""Signed webhooks (Standard Webhooks): is the signature right, by the format's own library?"""

import binascii
from collections.abc import Iterable, Mapping
from pathlib import Path

from standardwebhooks.webhooks import EmptyWebhookSecretError, Webhook, WebhookVerificationError


def secrets_in(file: Path) -> tuple[str, ...]:
    """The secrets that the file names, one a line; read each time, since webhooks are made while the inbox runs."""
    if not file.exists():
        return ()
    return tuple(line.strip() for line in file.read_text().splitlines() if line.strip())


def is_signed_right(body: bytes, headers: Mapping[str, str], secrets: Iterable[str]) -> bool:
    """Whether one of the secrets signed this body, less than five minutes ago."""
    return any(_verifies(secret, body, headers) for secret in secrets)


def _verifies(secret: str, body: bytes, headers: Mapping[str, str]) -> bool:
    try:
        Webhook(secret).verify(body, dict(headers), json_parse=False)
    # Besides its own errors the library lets through those of splitting, decoding and base64 of a hostile header.
    except (WebhookVerificationError, EmptyWebhookSecretError, binascii.Error, ValueError):
        return False
    return True
