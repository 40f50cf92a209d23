"""Who runs PostgreSQL: oneself, or, because it refuses root, an unprivileged user that is given a folder of its own."""

import os
import pwd
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self, TypedDict


class ProcessUser(TypedDict, total=False):
    """The arguments of `subprocess` that change the user of a child."""

    user: int
    group: int
    extra_groups: Sequence[int]


@dataclass(frozen=True, slots=True)
class RunAs:
    """A user of this machine that child processes run as."""

    uid: int
    gid: int

    @classmethod
    def unprivileged(cls) -> Self:
        """Oneself; for root, `nobody` (initdb wants a user that has a name, and no account is made on the machine)."""
        if os.geteuid() != 0:
            return cls(os.geteuid(), os.getegid())
        nobody = pwd.getpwnam("nobody")
        return cls(nobody.pw_uid, nobody.pw_gid)

    @classmethod
    def owner_of(cls, folder: Path) -> Self:
        """The owner of a folder that exists; for root's own folders, see `unprivileged`."""
        found = folder.stat()
        if os.geteuid() != 0 or found.st_uid == 0:
            return cls.unprivileged()
        return cls(found.st_uid, found.st_gid)

    @property
    def is_oneself(self) -> bool:
        """True when no change of user is needed."""
        return self.uid == os.geteuid()

    def process_user(self) -> ProcessUser:
        """The arguments for `subprocess` that make a child run as this user, without any group of ours."""
        return {} if self.is_oneself else {"user": self.uid, "group": self.gid, "extra_groups": ()}

    def own(self, path: Path) -> None:
        """Give a file or folder that we have just made to this user."""
        if not self.is_oneself:
            os.chown(path, self.uid, self.gid, follow_symlinks=False)

    def can_enter(self, folder: Path) -> bool:
        """Whether this user may pass through a folder that exists, and through all folders above it."""
        if self.is_oneself:
            return os.access(folder, os.X_OK)
        # Asking the system itself covers access lists and mounts, which mode bits do not show.
        command = ["/bin/sh", "-c", 'cd "$1"', "sh", str(folder)]
        return subprocess.run(command, check=False, cwd="/", capture_output=True, **self.process_user()).returncode == 0
