"""A whole Mainstay for a test: `mainstay up` with a state folder and ports of its own, seen only from outside."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import psutil

from standalone.postgres import EmbeddedPostgres

SERVICES = ("ingest", "health_score", "alerts", "renewals")
START_WITHIN = 60.0


@dataclass
class Running:
    """A started Mainstay. Calls go through HTTP with the admin key of its first start."""

    home: Path
    ports: dict[str, int]
    environment: dict[str, str]
    process: subprocess.Popen[bytes]
    clients: dict[str, httpx.Client] = field(default_factory=dict)

    @property
    def key(self) -> str:
        return (self.home / "admin.key").read_text().strip()

    def url(self, service: str) -> str:
        return f"http://127.0.0.1:{self.ports[service]}"

    def http(self, service: str) -> httpx.Client:
        if service not in self.clients:
            self.clients[service] = httpx.Client(
                base_url=self.url(service), headers={"Authorization": f"Bearer {self.key}"}, timeout=10, trust_env=False
            )
        return self.clients[service]

    def get(self, service: str, path: str, **parameters: str) -> Any:
        answer = self.http(service).get(path, params=parameters)
        answer.raise_for_status()
        return answer.json()

    def post(self, service: str, path: str, body: Any, **headers: str) -> Any:
        """What the service answers; asked again while that is 503, as a client of a busy machine's has to."""
        for _ in range(5):
            answer = self.http(service).post(path, json=body, headers=headers)
            if answer.status_code != httpx.codes.SERVICE_UNAVAILABLE:
                break
            time.sleep(float(answer.headers.get("retry-after", 1)))
        answer.raise_for_status()
        return answer.json()

    def ready(self, service: str) -> bool:
        try:
            return self.http(service).get("/readyz").status_code == httpx.codes.OK
        except (httpx.TransportError, FileNotFoundError):
            return False

    def wait_until_ready(self) -> None:
        eventually(lambda: all(self.ready(service) for service in SERVICES), "all services are ready", START_WITHIN)

    def pid_of(self, service: str) -> int | None:
        """The process that runs a service now, or None while the supervisor has not brought it back."""
        for child in psutil.Process(self.process.pid).children(recursive=True):
            try:
                if child.cmdline()[1:3] == ["-m", service] and child.status() != psutil.STATUS_ZOMBIE:
                    return child.pid
            except psutil.NoSuchProcess:
                continue
        return None

    def kill(self, service: str) -> bool:
        """SIGKILL a service's process; False when it was not there."""
        pid = self.pid_of(service)
        if pid is None:
            return False
        os.kill(pid, signal.SIGKILL)
        return True

    def logs(self) -> str:
        return "\n".join(f"--- {log.name}\n{log.read_text()[-2000:]}" for log in sorted(self.home.glob("logs/*.log")))


@contextmanager
def running(home: Path, **settings: str) -> Iterator[Running]:
    """Start Mainstay as a user would, and stop it as a user would (SIGTERM)."""
    ports = dict(zip((*SERVICES, "inbox", "smtp", "postgres"), free_ports(7), strict=True))
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("MAINSTAY_")},
        **{f"MAINSTAY_{service.upper()}_PORT": str(ports[service]) for service in SERVICES},
        "MAINSTAY_HOME": str(home),
        "MAINSTAY_INBOX_PORT": str(ports["inbox"]),
        "MAINSTAY_INBOX_SMTP_PORT": str(ports["smtp"]),
        "MAINSTAY_POSTGRES_PORT": str(ports["postgres"]),
        "MAINSTAY_ALERTS_ALLOW_PRIVATE_DESTINATIONS": "true",
        **settings,
    }
    mainstay = Path(sys.executable).parent / "mainstay"
    home.mkdir(parents=True, exist_ok=True)
    with (home / "up.log").open("wb") as output:
        process = subprocess.Popen([mainstay, "up"], env=environment, stdout=output, stderr=subprocess.STDOUT)
    it = Running(home, ports, environment, process)
    try:
        it.wait_until_ready()
        yield it
    except BaseException:
        print((home / "up.log").read_text()[-4000:], it.logs())
        raise
    finally:
        for client in it.clients.values():
            client.close()
        process.terminate()
        process.wait(timeout=30)
        EmbeddedPostgres(home / "postgres").remove()  # as root its data may lie outside of a private home


def free_ports(count: int) -> list[int]:
    """Ports that nobody listens on at this moment."""
    sockets = [socket.socket() for _ in range(count)]
    try:
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]
    finally:
        for each in sockets:
            each.close()


def eventually(condition: Callable[[], bool], what: str, within: float) -> None:
    """Wait until a condition holds; fails with `what` after `within` seconds."""
    deadline = time.monotonic() + within
    while not condition():
        assert time.monotonic() < deadline, f"not within {within:.0f} s: {what}"
        time.sleep(0.05)
