"""Where a process spends its CPU time: samples by function, written as JSON when the work is done.

A timer on the process's CPU time (ITIMER_PROF) interrupts it at each tick of the kernel's clock (most often 4 ms), and
the Python function that runs then gets the sample; C code counts for the function that called it.
"""

import json
import signal
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

EVERY = 0.001  # seconds of CPU time; kernels round it up to their tick


@contextmanager
def sampled(target: Path | None) -> Iterator[None]:
    """Sample what runs in this block; without a target, do not."""
    if target is None:
        yield
        return
    samples: Counter[tuple[str, str, int]] = Counter()

    def take(_signal: int, frame: FrameType | None) -> None:
        if frame is not None:
            code = frame.f_code
            samples[code.co_filename, code.co_qualname, code.co_firstlineno] += 1

    before = signal.signal(signal.SIGPROF, take)
    signal.setitimer(signal.ITIMER_PROF, EVERY, EVERY)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)
        target.write_text(json.dumps([[*place, count] for place, count in samples.most_common()]))
