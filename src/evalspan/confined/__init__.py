"""What strangers wrote is run here, in processes that can do nothing but compute: templates, patterns,
schemas, and the code of evaluators.

A process has no file, no network, no variables of ours, bounded memory and processor time, and on Linux
a filter over its system calls. The kernel ends what goes beyond; the caller gets an error that says so.
"""

from __future__ import annotations

import math
from typing import Any, Final

from evalspan.confined.pool import Pool
from evalspan.confined.process import Limits, Process, Trouble

_SHARED: Final = Limits(seconds=2.0, memory=256 * 1024 * 1024)
_pool: Final = Pool(_SHARED, size=2)


def compute(job: str, **given: Any) -> Any:
    """One of the jobs of `jobs.py`, in a process that is kept for the next.

    Raises:
        Trouble: it failed, or used too much.
    """
    return _pool.run({"job": job, **given})


def run_code(source: str, argument: Any, limits: Limits) -> Any:
    """`main(argument)` of a Python source, in a process of its own.

    Raises:
        Trouble: it failed, used too much, or this machine cannot confine it.
    """
    cpu = math.ceil(limits.seconds)
    with Process("code", Limits(float(cpu), limits.memory, answer=1 << 20)) as process:
        return process.ask({"source": source, "argument": argument})


__all__ = ["Limits", "Trouble", "compute", "run_code"]
