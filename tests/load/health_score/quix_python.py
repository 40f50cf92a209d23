"""The Python in which Quix Streams runs: an environment of its own, made once for each requirements/bench.txt.

So neither its packages nor its bounds on others' versions reach Mainstay's environment.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

PROJECT: Final = Path(__file__).parents[3]
REQUIREMENTS: Final = PROJECT / "requirements/bench.txt"
CONTENDER: Final = Path(__file__).parent / "contenders/quix.py"


def command() -> Sequence[str]:
    """What starts the contender; the first time its packages are brought."""
    return (str(_installed()), "-W", "ignore", str(CONTENDER))  # what its packages deprecate of each other


def _installed() -> Path:
    folder = Path(os.environ.get("MAINSTAY_HOME") or PROJECT / ".mainstay") / "quix-python"
    python, mark = folder / "bin/python", folder / "installed.txt"
    wanted = REQUIREMENTS.read_text()
    if not mark.exists() or mark.read_text() != wanted:
        shutil.rmtree(folder, ignore_errors=True)
        subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
        pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--require-hashes"]
        subprocess.run([*pip, "-r", str(REQUIREMENTS)], check=True)
        mark.write_text(wanted)
    return python
