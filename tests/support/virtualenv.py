"""Environments of their own for clients in other versions: made in `.cache` on first use, and used again.

pip is this environment's, and nothing is compiled ahead: most of what a client brings is never imported,
and compiling litellm with all it needs took longer than its tests.
"""

from __future__ import annotations

import fcntl
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
CACHE = ROOT / ".cache"


def interpreter(name: str, *requirements: str) -> Path:
    """The Python of the environment `.cache/NAME`, which has these requirements and nothing else.

    Raises:
        subprocess.CalledProcessError: pip could not make it; `stderr` says why.
    """
    folder = CACHE / name
    python, done, wanted = folder / "bin" / "python", folder / "done", "\n".join(requirements)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with open(folder.with_name(f"{folder.name}.lock"), "w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # one process at a time finds out
        if not done.exists() or done.read_text(encoding="utf-8") != wanted:
            _make(folder, python, requirements)
            done.write_text(wanted, encoding="utf-8")
    return python


def _make(folder: Path, python: Path, requirements: tuple[str, ...]) -> None:
    for command in (
        ["venv", "--clear", "--without-pip", str(folder)],
        ["pip", "--python", str(python), "install", "--quiet", "--no-compile", *requirements],
    ):
        subprocess.run(
            [sys.executable, "-m", *command], check=True, capture_output=True, text=True, timeout=600
        )
