"""Everything here talks to the clients as they are published (`make test-clients`)."""

import gc
import shutil
import subprocess
from collections.abc import AsyncIterator, Iterator
from hashlib import sha256
from pathlib import Path

import pytest

from tests.clients.ingest import Ingest, ingest

NODE = Path(__file__).parent / "node"
CACHE = Path(__file__).parents[2] / ".mainstay" / "test-clients"


@pytest.fixture
async def running(migrated_url: str, tmp_path: Path) -> AsyncIterator[Ingest]:
    """Ingest, with the log in PostgreSQL."""
    async with ingest(migrated_url, tmp_path) as it:
        yield it


@pytest.fixture(autouse=True)
def _collect_the_clients_connections() -> Iterator[None]:
    """Some clients leave sockets to the collector, whose warnings belong to the test that made them."""
    yield
    gc.collect()


@pytest.fixture(scope="session")
def node_folder() -> Path:
    """A folder with the Node client installed in exactly the version named, and the scripts that use it."""
    package = (NODE / "package.json").read_bytes()
    folder = CACHE / sha256(package).hexdigest()[:12]
    installed = folder / "installed"
    if not installed.exists():
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "package.json").write_bytes(package)
        subprocess.run(["npm", "install", "--no-package-lock", "--no-audit", "--no-fund"], cwd=folder, check=True)
        installed.touch()
    for script in NODE.glob("*.mjs"):
        shutil.copy(script, folder)
    return folder
