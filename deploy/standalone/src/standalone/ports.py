"""TCP ports of this machine: which are free, and who holds one that is not."""

import socket
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass

import psutil


@dataclass(frozen=True, slots=True)
class TakenPort:
    """A port that something else listens on."""

    port: int
    wanted_by: str
    variable: str
    holder: str | None

    def __str__(self) -> str:
        """One line: what is taken, by whom if the system tells, and what to do."""
        holder = self.holder or "another program"
        return (
            f"Port {self.port}, which {self.wanted_by} needs, is taken by {holder}. "
            f"Stop that program, or choose another port: {self.variable}={self.port + 1000} mainstay up"
        )


def taken_ports(wanted: Mapping[str, tuple[str, int]], host: str) -> list[TakenPort]:
    """Those of the wanted ports (variable -> who wants it, and the port) that cannot be listened on."""
    return [
        TakenPort(port, wanted_by, variable, holder_of(port))
        for variable, (wanted_by, port) in wanted.items()
        if not is_free(port, host)
    ]


def is_free(port: int, host: str = "127.0.0.1") -> bool:
    """Whether a server could listen there now."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as servers do: TIME_WAIT is no obstacle
        try:
            probe.bind((host, port))
        except OSError:
            return False
        return True


def free_port() -> int:
    """A port on 127.0.0.1 that nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def holder_of(port: int) -> str | None:
    """The program that listens on a port, as "name (process 123)"; None where the system does not tell us."""
    with suppress(psutil.Error, OSError):
        for connection in psutil.net_connections("tcp"):
            listens = connection.status == psutil.CONN_LISTEN and connection.laddr and connection.laddr[1] == port
            if listens and connection.pid:
                return f"{psutil.Process(connection.pid).name()} (process {connection.pid})"
    return None
