"""The real ddtrace, each version in an environment of its own.

The environments are made on first use in `.cache/ddtrace` and used again.
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

Run = Callable[[str], Any]
"""Runs a script; the JSON on its last line, or None."""
Sql = Callable[[str], list[dict[str, Any]]]

NEWEST, OLD = "ddtrace>=4.16,<4.17", "ddtrace>=4.1,<4.6"
# All that a user sets, beside the address.
_REDIRECT = {
    "DD_LLMOBS_AGENTLESS_ENABLED": "1",
    "DD_API_KEY": "anything",
    "DD_APP_KEY": "anything",
    "DD_APM_TRACING_ENABLED": "false",
    "DD_INSTRUMENTATION_TELEMETRY_ENABLED": "false",
    "DD_REMOTE_CONFIGURATION_ENABLED": "false",
}


@cache
def interpreter(requirement: str) -> Path:
    """The Python of an environment that has this requirement.

    Raises:
        subprocess.CalledProcessError: pip could not make it.
    """
    name = requirement.replace(">=", "-").replace("<", "").replace(",", "-")
    return virtualenv.interpreter(f"ddtrace/{name}", requirement)


def run_script(python: Path, endpoint: str, folder: Path, text: str) -> Any:
    """Run a script as a user would who set only the redirecting variables."""
    file = folder / "script.py"
    file.write_text(text, encoding="utf-8")
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("DD_", "PYTHON"))}
    done = subprocess.run(
        [str(python), str(file)],
        cwd=folder,
        env={**clean, **_REDIRECT, "DD_LLMOBS_OVERRIDE_ORIGIN": endpoint},
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-4000:]
    last = done.stdout.strip().rpartition("\n")[2]
    return json.loads(last) if last.startswith(("{", "[")) else None
