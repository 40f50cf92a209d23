import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from standalone.postgres import EmbeddedPostgres


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that an unprivileged user can reach; pytest's own, for root, is closed to others."""
    made = Path(tempfile.mkdtemp(prefix="mainstay-"))
    made.chmod(0o711)
    yield made
    shutil.rmtree(made, ignore_errors=True)


@pytest.fixture
def postgres(folder: Path) -> Iterator[EmbeddedPostgres]:
    server = EmbeddedPostgres(folder / "state" / "postgres", durable=False)
    yield server
    server.remove()
