"""`python -m standalone.child <parent> <command …>`: becomes the command, and makes sure that it ends with its parent.

On Linux the kernel sends the command SIGTERM when the supervisor dies, however it dies. Elsewhere the next start ends
what was left over (see `children`).
"""

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1  # linux/prctl.h


def main() -> None:
    """Replace this process by the command; the kernel keeps the arrangement over exec."""
    parent, *command = sys.argv[1:]
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != int(parent):  # it died before we could ask the kernel
        raise SystemExit(1)
    os.execvp(command[0], command)  # noqa: S606 - the supervisor's own command, without a shell


if __name__ == "__main__":
    main()
