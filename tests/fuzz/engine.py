"""Where atheris is: installed into `.cache/atheris` on first use, as its wheels fit few Pythons.

https://github.com/google/atheris
"""

from __future__ import annotations

import fcntl
import subprocess
import sys
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
REQUIREMENT: Final = "atheris>=3.0,<4"
_CACHE: Final = ROOT / ".cache"


class NoWheel(Exception):
    """There is no atheris for this Python or machine."""


def folder() -> Path:
    """The folder to import atheris from.

    Raises:
        NoWheel: this Python or machine has none.
        RuntimeError: pip failed for another reason.
    """
    found = _CACHE / f"atheris-{sys.version_info.major}.{sys.version_info.minor}"
    done = found / "done"
    _CACHE.mkdir(exist_ok=True)
    with open(_CACHE / f"{found.name}.lock", "w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not done.exists():
            _install(found)
            done.touch()
    return found


def _install(target: Path) -> None:
    pip = [
        sys.executable,
        "-m",
        "pip",
        "install",
        "--quiet",
        "--upgrade",
        "--only-binary",
        ":all:",
        "--no-deps",
    ]
    made = subprocess.run(
        [*pip, "--target", str(target), REQUIREMENT],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    if made.returncode:
        kind = (
            NoWheel
            if "from versions: " in made.stderr and "(from versions: none)" not in made.stderr
            else RuntimeError
        )
        raise kind(made.stderr.strip()[-500:])
