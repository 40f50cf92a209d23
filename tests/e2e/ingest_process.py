"""Ingest alone, as a process of its own on a database of the test's, seen from outside: HTTP and /proc."""

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from mainstay.db.engine import Database
from mainstay.web.keys import SCOPES, create_key
from standalone.ports import free_port

SECRET = "i" * 32
START_WITHIN = 60.0


@dataclass(frozen=True, slots=True)
class IngestProcess:
    """A running ingest; `http` presents a key that may do everything."""

    process: subprocess.Popen[bytes]
    port: int
    key: str
    http: httpx.Client
    log: Path

    def forget_peak(self) -> None:
        """Begin the measurement of `peak_memory` anew."""
        Path(f"/proc/{self.process.pid}/clear_refs").write_text("5")

    def memory(self) -> int:
        """Resident memory in bytes."""
        return self._status("VmRSS")

    def peak_memory(self) -> int:
        """The most resident memory since `forget_peak`, in bytes."""
        return self._status("VmHWM")

    def failures(self) -> list[str]:
        """The errors that it logged."""
        return [line for line in self.log.read_text().splitlines() if '"level": "error"' in line]

    def _status(self, name: str) -> int:
        lines = Path(f"/proc/{self.process.pid}/status").read_text().splitlines()
        return 1024 * next(int(line.split()[1]) for line in lines if line.startswith(f"{name}:"))


@contextmanager
def ingest_process(url: str, folder: Path, **settings: str) -> Iterator[IngestProcess]:
    """Start ingest on a migrated database, wait until it takes events, and stop it in the end."""
    port = free_port()
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("MAINSTAY_")},
        "MAINSTAY_DATABASE_URL": url,
        "MAINSTAY_SECRET_KEY": SECRET,
        "MAINSTAY_INGEST_PORT": str(port),
        **settings,
    }
    with ThreadPoolExecutor(1) as thread:  # pytest's thread may have a loop of its own
        key = thread.submit(asyncio.run, _made_key(url)).result()
    log = folder / "ingest.log"
    with log.open("wb") as output:
        process = subprocess.Popen([sys.executable, "-m", "ingest"], env=environment, stdout=output, stderr=output)
    headers = {"Authorization": f"Bearer {key}"}
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", headers=headers, trust_env=False, timeout=30) as http:
            it = IngestProcess(process, port, key, http, log)
            _await_success(it)
            yield it
    except BaseException:
        print(log.read_text()[-4_000:])
        raise
    finally:
        process.terminate()
        process.wait(timeout=30)


def track(**changes: Any) -> dict[str, Any]:
    """A call that is taken."""
    return {"messageId": "m1", "userId": "ann", "event": "Opened", "context": {"groupId": "acme"}, **changes}


async def _made_key(url: str) -> str:
    database = Database(url, application_name="tests")
    try:
        return await create_key(database, SECRET, "tests", sorted(SCOPES), "product")
    finally:
        await database.close()


def _await_success(it: IngestProcess) -> None:
    ends_at = time.monotonic() + START_WITHIN
    while True:
        try:
            answer = it.http.post("/v1/track", json=track(messageId="first"))
            if answer.status_code == httpx.codes.OK:
                return
            said = answer.text
        except httpx.TransportError as error:
            said = str(error)
        assert it.process.poll() is None, "ingest ended"
        assert time.monotonic() < ends_at, f"ingest takes no events: {said}"
        time.sleep(0.05)
