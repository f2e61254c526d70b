"""Codings that httpx reads only where their packages are, which this environment has not."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from capture.wires.environments import ROOT, shadowing
from evalspan.capture.body import MAX_BODY


@pytest.mark.slow
def test_a_little_brotli_or_zstd_that_holds_much_is_not_unpacked() -> None:
    packages = shadowing("codings", "brotli>=1.2", "zstandard>=0.25")
    path = os.pathsep.join([str(packages), str(ROOT / "tests")])
    done = subprocess.run(
        [sys.executable, "-m", "capture.bombs"],
        env={**os.environ, "PYTHONPATH": path}, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    for coding, told in json.loads(done.stdout.splitlines()[-1]).items():
        assert told["sent"] < 20_000, coding
        assert told["passed"], coding
        assert told["grown"] < 4 * MAX_BODY, coding
        # The bomb is not read; an answer of the usual size in the same coding is.
        assert told["tokens"] == [None, 9], coding
        assert told["troubles"] == {"unreadable answer": 1 if coding == "br" else 2}
