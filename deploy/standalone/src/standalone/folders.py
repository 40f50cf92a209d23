"""Folders and files that only their owner may read."""

import os
import secrets
from pathlib import Path


def make_folder(folder: Path) -> None:
    """Make a folder unless it exists: private; root's lets others pass through (PostgreSQL must) but shows nothing."""
    if not folder.exists():
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(0o711 if os.geteuid() == 0 else 0o700)


def write_private(path: Path, text: str) -> None:
    """Replace a file by one line of text, mode 0600, at once: a reader sees the old or the new, never a part."""
    new = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(f"{text}\n")
        file.flush()
        os.fsync(file.fileno())
    new.replace(path)
