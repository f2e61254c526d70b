"""The real gentrace-py, in an environment of its own.

The environment is made on first use in `.cache/gentrace` and used again.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

from support import virtualenv

Run = Callable[..., Any]
"""Runs a script with arguments; the JSON on its last line."""
Sql = Callable[..., list[dict[str, Any]]]
"""The rows of a query; keyword arguments are its parameters."""

NEWEST = "gentrace-py==1.6.1"
# Its exporter gives a span up after ten seconds, which on a busy machine says nothing about the service.
_PATIENT = {"OTEL_EXPORTER_OTLP_TIMEOUT": "90"}
# In CI, and below pytest, the client leaves out what it does elsewhere.
_UNSET = ("CI", "GITHUB_ACTIONS", "PYTEST_CURRENT_TEST", "TEST_API_BASE_URL")


@cache
def interpreter() -> Path:
    """The Python of an environment that has the client.

    Raises:
        subprocess.CalledProcessError: pip could not make it.
    """
    return virtualenv.interpreter(f"gentrace/{NEWEST.replace('==', '-')}", NEWEST)


def start(
    endpoint: str, script: Path, folder: Path, *arguments: str, key: str = "any"
) -> subprocess.Popen[str]:
    """Start a script as a user would who changed only the address and the key."""
    clean = {
        name: value
        for name, value in os.environ.items()
        if name not in _UNSET and not name.startswith(("GENTRACE_", "OTEL_", "PYTHON"))
    }
    return subprocess.Popen(
        [str(interpreter()), str(script), *arguments],
        cwd=folder,
        env={**clean, **_PATIENT, "GENTRACE_BASE_URL": f"{endpoint}/gentrace/api", "GENTRACE_API_KEY": key},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def finish(process: subprocess.Popen[str]) -> Any:
    """Wait for a script to end well; the JSON on its last line, or None."""
    out, errors = process.communicate(timeout=180)
    assert process.returncode == 0, (out + errors)[-4000:]
    last = out.strip().rpartition("\n")[2]
    return json.loads(last) if last.startswith(("{", "[")) else None
