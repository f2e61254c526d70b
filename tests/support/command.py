"""The installed command, run as a user runs it: a process of its own in a folder of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

Evalspan = Callable[..., subprocess.CompletedProcess[str]]


def environment(**extra: str) -> dict[str, str]:
    """The test's environment without any setting of evalspan or OpenTelemetry."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("EVALSPAN_", "OTEL_"))}
    return clean | extra


@pytest.fixture
def evalspan(tmp_path: Path) -> Evalspan:
    """`evalspan("query", "SELECT 1")` in the test's folder; returns the finished process."""

    def run(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "evalspan", *arguments],
            cwd=tmp_path,
            env=environment(**variables),
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    return run


@pytest.fixture
def served(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """`evalspan serve` on free ports, ready to answer."""
    process = subprocess.Popen(
        [sys.executable, "-m", "evalspan", "serve", "--http-port", "0", "--grpc-port", "0"],
        cwd=tmp_path,
        env=environment(),
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    greeting = process.stderr.readline()
    assert "answers at http://127.0.0.1:" in greeting
    yield process
    process.kill()
    process.wait()
    process.stderr.close()
