"""Packages in other versions than this environment's: each lot in a folder of its own under `.cache`.

The folders are made on first use and used again.
"""

from __future__ import annotations

import fcntl
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from support import virtualenv
from support.absent import absent
from support.virtualenv import CACHE, ROOT

_CACHE = CACHE / "capture"


def shadowing(name: str, *packages: str) -> Path:
    """A folder of these packages alone: first on the path, they stand before this environment's."""
    folder = _CACHE / name
    with _made_once(folder, packages) as missing:
        if missing:
            _install(sys.executable, "--no-deps", "--upgrade", "--target", str(folder), *packages)
    return folder


def apart(name: str, *packages: str) -> Path:
    """The interpreter of an environment that has these packages, and evalspan as it stands here."""
    try:
        return virtualenv.interpreter(f"capture/{name}", *packages, "--editable", str(ROOT))
    except subprocess.CalledProcessError as failure:
        absent(f"pip cannot install {packages}: {failure.stderr}")


@contextmanager
def _made_once(folder: Path, packages: tuple[str, ...]) -> Generator[bool]:
    """Whether the folder is still to be made; one process at a time finds out."""
    _CACHE.mkdir(parents=True, exist_ok=True)
    done, wanted = _CACHE / f"{folder.name}.done", "\n".join(packages)
    with open(_CACHE / f"{folder.name}.lock", "w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield not done.exists() or done.read_text(encoding="utf-8") != wanted
        done.write_text(wanted, encoding="utf-8")


def _install(python: str, *arguments: str) -> None:
    command = [python, "-m", "pip", "install", "--quiet", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=600)
    if done.returncode:
        absent(f"pip cannot install {arguments}: {done.stderr}")
