"""The Apache Kafka of a test run: a node of its own, started and stopped through deploy/kafka."""

import os
import subprocess
from pathlib import Path

SCRIPT = Path(__file__).parents[1] / "deploy/kafka/kafka.sh"


class KafkaNode:
    """One node with data of its own; the jars are shared with every other node of this checkout."""

    def __init__(self, name: str) -> None:
        self._environment = {**os.environ, "MAINSTAY_KAFKA_NODE": name}

    def start(self) -> str:
        """Start it if it does not run; answers its kafka:// address, the same one until `wipe`."""
        return self._run("start")

    def kill(self) -> None:
        """Stop it like a power cut."""
        self._run("kill")

    def stop(self) -> None:
        """Stop it cleanly."""
        self._run("stop")

    def wipe(self) -> None:
        """Stop it and delete its data."""
        self._run("wipe")

    def _run(self, command: str) -> str:
        done = subprocess.run(
            [SCRIPT, command],
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        )
        return done.stdout.strip()
