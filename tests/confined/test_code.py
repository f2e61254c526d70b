"""What a stranger's code can do in its process: compute, and nothing else."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from evalspan import confined
from evalspan.confined import Limits, Trouble
from support.absent import absent

LIMITS = Limits(seconds=1, memory=64 * 1024 * 1024)


@pytest.fixture(autouse=True)
def linux() -> None:
    if sys.platform != "linux":
        absent("code is confined on Linux only")


def run(body: str, argument: object = None, limits: Limits = LIMITS) -> object:
    lines = body.replace("; ", "\n").split("\n")
    return confined.run_code("def main(e):\n" + "\n".join(f"    {line}" for line in lines), argument, limits)


def test_what_code_writes_takes_no_memory_of_the_service() -> None:
    flood = "import posix\nwhile True: posix.write(1, b'x' * 65536)"
    with pytest.raises(Trouble, match="more than 1 MiB"):
        run(flood)
    with pytest.raises(Trouble, match="more than 1 MiB"):
        run("return 'x' * (2 << 20)")


def test_code_gets_its_argument_and_gives_any_json() -> None:
    body = "import math, re, statistics, datetime; return [e['a'], math.sqrt(4), {'ä': None}]"
    assert run(body, {"a": [1, "ü"]}) == [[1, "ü"], 2.0, {"ä": None}]


@pytest.mark.parametrize(
    "body",
    [
        "return open('{file}').read()",
        "import os; return os.listdir('{folder}')",
        "import os; os.unlink('{file}')",
        "import os; os.rename('{file}', '{file}2')",
        "import os; os.fork()",
        "import os; os.kill(os.getppid(), 9)",
        "import os; os.execv('/bin/true', ['true'])",
        "import socket; socket.create_connection(('127.0.0.1', 9))",
        "import subprocess; subprocess.run(['true'])",
        "import threading; threading.Thread(target=print).start()",
        "import ctypes; libc = ctypes.CDLL(None); assert libc.socket(2, 1, 0) >= 0",
        "import ctypes; libc = ctypes.CDLL(None); assert libc.open(b'{file}', 0) >= 0",
    ],
    ids=lambda body: body.partition("; ")[2][:30] or body[:30],
)
def test_code_reaches_no_file_process_or_network(body: str, tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("there")
    with pytest.raises(Trouble):
        run(body.format(file=file, folder=tmp_path))
    assert file.read_text() == "there"


def test_code_sees_nothing_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOME_API_KEY", "secret")
    seen = run("import os; return dict(os.environ)")
    assert isinstance(seen, dict)
    assert "SOME_API_KEY" not in seen
    assert os.environ["SOME_API_KEY"] == "secret"


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ("import signal; signal.signal(24, signal.SIG_IGN)\nwhile True: pass", "TimeoutError"),
        ("return 'x' * (1 << 30)", "MemoryError"),
        ("return main(e)", "RecursionError"),
        ("import os; os._exit(3)", "ProcessEnded"),
        ("import sys; sys.exit(3)", "SystemExit"),
        ("import ctypes; ctypes.string_at(0)", "ProcessEnded"),
        ("return float('nan')", "ValueError"),
        ("return {1}", "TypeError"),
    ],
    ids=lambda each: each[:24],
)
def test_code_that_uses_too_much_or_ends_badly_is_told(body: str, kind: str) -> None:
    with pytest.raises(Trouble) as told:
        run(body)
    assert told.value.kind == kind


def test_an_error_names_the_line_of_the_code() -> None:
    with pytest.raises(Trouble, match=r"division by zero \(line 3\)"):
        confined.run_code("def main(e):\n    a = 0\n    return 1 / a\n", None, LIMITS)
    with pytest.raises(Trouble, match=r"no function main\(eval_inputs\)"):
        confined.run_code("x = 1", None, LIMITS)
