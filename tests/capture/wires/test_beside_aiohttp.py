"""litellm, which wants an older openai, and google-genai beside aiohttp: in an environment of their own.

It is made on first use in `.cache/capture` and used again. Without a package index the test is
skipped, except in CI.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
FOLDER = ROOT / ".cache" / "capture" / "litellm"
PAGE = ROOT / "docs" / "capture.md"
PACKAGES = ("litellm>=1.106", "google-genai>=3.4", "aiohttp>=3.14")
SWITCH = "DISABLE_AIOHTTP_TRANSPORT"


@pytest.fixture(scope="module")
def python() -> str:
    """The interpreter of an environment with these packages and with evalspan as it stands here."""
    interpreter, done = FOLDER / "bin" / "python", FOLDER / "done"
    if not done.exists():
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(FOLDER)], check=True)
        install = [str(interpreter), "-m", "pip", "install", "--quiet", *PACKAGES, "--editable", str(ROOT)]
        result = subprocess.run(install, capture_output=True, text=True, check=False, timeout=600)
        if result.returncode and not os.environ.get("CI"):
            pytest.skip(f"pip cannot install {PACKAGES}: {result.stderr}")
        result.check_returncode()
        done.touch()
    return str(interpreter)


def recorded(python: str, **switches: str) -> dict[str, dict[str, bool]]:
    clean = {name: value for name, value in os.environ.items() if name != SWITCH}
    here = {"PYTHONPATH": str(ROOT / "tests"), "LITELLM_LOCAL_MODEL_COST_MAP": "True"}
    done = subprocess.run(
        [python, str(Path(__file__).with_name("beside_aiohttp.py"))],
        env={**clean, **here, **switches},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.slow
def test_what_aiohttp_carries_is_not_seen_and_the_switch_helps(python: str) -> None:
    found, kept = recorded(python), recorded(python, **{SWITCH: "True"})
    word = {True: "yes", False: "no"}
    heads = ["client", "sync", "async", "async, kept on httpx"]
    rows = [
        [name, word[ways["sync"]], word[ways["async"]], word[kept[name]["async"]]]
        for name, ways in found.items()
    ]
    table = "\n".join(f"| {' | '.join(row)} |" for row in [heads, ["---"] * len(heads), *rows])
    assert all(ways["sync"] and ways["async"] for ways in kept.values())
    assert table in PAGE.read_text(encoding="utf-8")
