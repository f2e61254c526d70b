"""The example programs in other languages, run as their READMEs say, in a copy of their folder.

The copies live in `.cache/languages` and are used again, so that what a program needs is installed
and compiled once; whatever the language's own tools download stays in their caches.
"""

from __future__ import annotations

import fcntl
import hashlib
import shutil
import subprocess
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from support.absent import absent
from support.command import environment
from support.markdown import ROOT

_CACHE = ROOT / ".cache" / "languages"
_LEFT_OUT = shutil.ignore_patterns("node_modules", "target", "__pycache__")


@contextmanager
def prepared(example: str, *tools: str) -> Generator[Path, None, None]:
    """A copy of `examples/<example>`, its packages installed, that nobody else uses meanwhile."""
    for tool in tools:
        if shutil.which(tool) is None:
            absent(f"{tool} is not installed, which examples/{example} needs")
    folder = _CACHE / example.replace("/", "-")
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder.with_suffix(".lock"), "w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        shutil.copytree(ROOT / "examples" / example, folder, ignore=_LEFT_OUT, dirs_exist_ok=True)
        if (folder / "package-lock.json").exists():
            _install(folder)
        yield folder


def run(folder: Path, *command: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """A command in a prepared folder; it may have to download and compile first."""
    return subprocess.run(
        command,
        cwd=folder,
        env=environment(**variables),
        capture_output=True,
        text=True,
        timeout=500,
        check=False,
    )


def _install(folder: Path) -> None:
    stamp = folder / "node_modules" / ".installed"
    wanted = hashlib.sha256((folder / "package-lock.json").read_bytes()).hexdigest()
    if stamp.exists() and stamp.read_text(encoding="utf-8") == wanted:
        return
    done = run(folder, "npm", "ci", "--no-audit", "--no-fund")
    assert done.returncode == 0, done.stderr[-4000:]
    stamp.write_text(wanted, encoding="utf-8")
