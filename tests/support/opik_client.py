"""The real opik, in an environment of its own that is made on first use in `.cache/opik` and used again.

The switches below stop what it sends elsewhere: analytics, error reports, and litellm's price list.
"""

from __future__ import annotations

import fcntl
import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

Run = Callable[..., Any]
"""Runs `scripts/NAME.py`, with further environment variables; the JSON on its last line, or None."""
Sql = Callable[..., list[dict[str, Any]]]

ROOT = Path(__file__).parents[2]
REQUIREMENT = "opik==2.2.122"
_OTEL = ("opentelemetry-sdk", "opentelemetry-exporter-otlp-proto-http")  # for apps that use both
BASE = "/opik/api"
_CACHE = ROOT / ".cache" / "opik"
QUIET = {
    "OPIK_ANALYTICS_ENABLE": "false",
    "OPIK_SENTRY_ENABLE": "false",
    "LITELLM_LOCAL_MODEL_COST_MAP": "True",
}


@cache
def interpreter() -> Path:
    """The Python of the environment.

    Raises:
        subprocess.CalledProcessError: pip could not make it.
    """
    folder = _CACHE / f"{REQUIREMENT.replace('==', '-')}-otel"
    python, done = folder / "bin" / "python", folder / "done"
    _CACHE.mkdir(parents=True, exist_ok=True)
    with open(_CACHE / f"{folder.name}.lock", "w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not done.exists():
            subprocess.run([sys.executable, "-m", "venv", "--clear", str(folder)], check=True)
            subprocess.run(
                [str(python), "-m", "pip", "install", "--quiet", REQUIREMENT, *_OTEL],
                check=True,
                capture_output=True,
                text=True,
                timeout=600,
            )
            done.touch()
    return python


def run_script(
    python: Path, endpoint: str, folder: Path, script: Path, variables: Mapping[str, str] | None = None
) -> Any:
    """Run a script as a user would who set only the address and the switches."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("OPIK_", "PYTHON"))}
    redirect = {"OPIK_URL_OVERRIDE": endpoint + BASE}
    done = subprocess.run(
        [str(python), str(script)],
        cwd=folder,
        env={**clean, **QUIET, **redirect, "HOME": str(folder), **(variables or {})},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, (done.stdout + done.stderr)[-6000:]
    last = done.stdout.strip().rpartition("\n")[2]
    return json.loads(last) if last.startswith(("{", "[")) else None
