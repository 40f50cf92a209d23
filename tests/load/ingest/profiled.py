"""python -m tests.load.ingest.profiled FILE serve: ingest, and where its process spends its CPU time.

A timer on the process's CPU time (ITIMER_PROF) interrupts it at each tick of the kernel's clock (most often 4 ms), and
the Python function that runs then gets the sample; C code counts for the function that called it, or, between two
callbacks of the event loop, for the next one. SIGUSR1 begins anew, the end writes the counts to FILE.
"""

import atexit
import json
import runpy
import signal
import sys
from collections import Counter
from pathlib import Path
from types import FrameType

EVERY = 0.001  # seconds of CPU time; kernels round it up to their tick

_samples: Counter[tuple[str, str, int]] = Counter()


def _take(_signal: int, frame: FrameType | None) -> None:
    if frame is not None:
        code = frame.f_code
        _samples[code.co_filename, code.co_qualname, code.co_firstlineno] += 1


def _begin_anew(_signal: int, _frame: FrameType | None) -> None:
    _samples.clear()


def _write(target: Path) -> None:
    signal.setitimer(signal.ITIMER_PROF, 0)
    target.write_text(json.dumps([[*place, count] for place, count in _samples.most_common()]))


def main() -> None:
    target, sys.argv = Path(sys.argv[1]), ["ingest", *sys.argv[2:]]
    atexit.register(_write, target)
    signal.signal(signal.SIGPROF, _take)
    signal.signal(signal.SIGUSR1, _begin_anew)
    signal.setitimer(signal.ITIMER_PROF, EVERY, EVERY)
    runpy.run_module("ingest", run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
