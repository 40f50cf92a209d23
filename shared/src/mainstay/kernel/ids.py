"""Identifiers: unique, and sortable by the time of their making."""

import secrets
from datetime import datetime
from uuid import UUID


def new_id(at: datetime) -> str:
    """A UUID version 7 (RFC 9562, section 5.7): 48 bits of milliseconds since 1970, then 74 random bits."""
    milliseconds = int(at.timestamp() * 1000) & ((1 << 48) - 1)
    random = secrets.randbits(74)
    value = milliseconds << 80 | 0x7 << 76 | (random >> 62) << 64 | 0b10 << 62 | random & ((1 << 62) - 1)
    return str(UUID(int=value))
