"""The inside of a confined process: take the work in, give up every right, then work."""

from __future__ import annotations

import importlib
import json
import os
import signal
import sys
from contextlib import suppress
from typing import IO, Any, Final

from evalspan.confined import system_calls

# What code may import: nothing can be loaded once the rights are gone.
_MODULES: Final = (
    "bisect", "collections", "collections.abc", "copy", "dataclasses", "datetime", "decimal", "difflib",
    "enum", "fractions", "functools", "hashlib", "heapq", "html", "itertools", "json", "math", "operator",
    "random", "re", "statistics", "string", "textwrap", "typing", "unicodedata", "zlib", "_strptime",
)  # fmt: skip


def main(kind: str, seconds: float, memory: int) -> None:
    """Work off what comes in; the end of the input is the end."""
    requests, answers = sys.stdin.buffer, sys.stdout.buffer
    sys.stdout = None  # what a template or code prints is nobody's
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches us too; the service decides
    if kind == "code":
        for name in _MODULES:
            importlib.import_module(name)
        _one(requests, answers, seconds, memory)
        return
    from evalspan.confined import jobs

    jobs.warm_up()
    _give_up(memory)
    system_calls.install()  # without it there is still Jinja's own sandbox
    for line in requests:
        signal.setitimer(signal.ITIMER_PROF, seconds)
        answer = _answer(jobs.do, json.loads(line))
        signal.setitimer(signal.ITIMER_PROF, 0)
        answers.write(answer)
        answers.flush()


def _one(requests: IO[bytes], answers: IO[bytes], seconds: float, memory: int) -> None:
    given = json.loads(requests.readline())
    _give_up(memory)
    _bound_cpu(seconds)
    if system_calls.install():
        answer = _answer(_run, given)
    else:
        refusal = "This machine cannot confine code: that takes Linux with seccomp, on x86-64 or arm64."
        answer = _line({"kind": "NotConfined", "error": refusal})
    answers.write(answer)
    answers.flush()


def _run(given: dict[str, Any]) -> Any:
    names: dict[str, Any] = {"__name__": "evaluator"}
    exec(compile(given["source"], "evaluator", "exec"), names)
    if not callable(names.get("main")):
        raise TypeError("The code defines no function main(eval_inputs).")
    return names["main"](given["argument"])


def _answer(work: Any, given: dict[str, Any]) -> bytes:
    try:
        return _line({"result": work(given)})
    except MemoryError:
        return _line({"kind": "MemoryError", "error": "It took more memory than it may."})
    except RecursionError:
        return _line({"kind": "RecursionError", "error": "It is nested, or calls itself, too deeply."})
    except BaseException as error:  # sys.exit() of a stranger's code too
        return _line({"kind": type(error).__name__, "error": _told(error)})


def _told(error: BaseException) -> str:
    trace, line = error.__traceback__, 0
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == "evaluator":
            line = trace.tb_lineno
        trace = trace.tb_next
    text = str(error)[:2000] or type(error).__name__
    return f"{text} (line {line})" if line else text


def _line(answer: dict[str, Any]) -> bytes:
    return json.dumps(answer, allow_nan=False).encode() + b"\n"


def _give_up(memory: int) -> None:
    """No new file or socket, no output but the answer, no more memory than this."""
    with suppress(ImportError):
        import resource

        limits = {resource.RLIMIT_NOFILE: 0, resource.RLIMIT_FSIZE: 0, resource.RLIMIT_CORE: 0}
        with suppress(OSError):  # /proc is Linux's
            with open("/proc/self/statm") as file:
                now = int(file.read().split()[0]) * os.sysconf("SC_PAGE_SIZE")
            limits[resource.RLIMIT_AS] = now + memory
        for name, most in limits.items():
            resource.setrlimit(name, (most, most))


def _bound_cpu(seconds: float) -> None:
    """By a limit that code cannot lift, unlike a timer; it counts whole seconds from the start."""
    with suppress(ImportError):
        import resource

        most = int(seconds) + 1
        resource.setrlimit(resource.RLIMIT_CPU, (most, most))
