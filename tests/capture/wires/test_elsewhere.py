"""Clients that this environment has in another version or not at all, held to the same table."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from capture.wires.environments import ROOT, apart, shadowing

PAGE = ROOT / "docs" / "capture.md"


# litellm needs mcp for any call with tools.
LITELLM = ("litellm>=1.106", "mcp", "google-genai>=3.4", "aiohttp>=3.14")


def printed(python: Path, script: str, *arguments: str, before: tuple[Path, ...] = ()) -> Any:
    """What a script of this folder prints, run there."""
    path = os.pathsep.join(map(str, (*before, ROOT / "tests")))
    switches = {"PYTHONPATH": path, "LITELLM_LOCAL_MODEL_COST_MAP": "True", "LITELLM_LOG": "CRITICAL"}
    # What pip did not compile is compiled once, not by every process.
    inherited = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    done = subprocess.run(
        [str(python), "-m", f"capture.wires.{script}", *arguments],
        env={**inherited, **switches}, capture_output=True, text=True, check=False, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.slow
def test_the_openai_package_of_major_version_1_is_recorded_as_the_newest_is() -> None:
    old = shadowing("openai-1", "openai>=1.109,<2", "sniffio", "tqdm")
    rows = printed(Path(sys.executable), "elsewhere", "openai_clients", before=(old,))
    assert rows
    assert [row for row in rows if not row.startswith("| `openai 1.x` |")] == []
    assert [row for row in rows if row not in PAGE.read_text(encoding="utf-8")] == []


@pytest.mark.slow
def test_litellm_and_what_goes_over_aiohttp_is_recorded() -> None:
    rows = printed(apart("litellm", *LITELLM), "elsewhere", "litellm_clients", "google_clients")
    assert any("litellm" in row for row in rows)
    assert any("with aiohttp" in row for row in rows)
    assert [row for row in rows if row not in PAGE.read_text(encoding="utf-8")] == []


@pytest.mark.slow
def test_who_reads_over_aiohttp_reads_what_there_is_without_the_capture() -> None:
    found = printed(apart("litellm", *LITELLM), "aiohttp_app")
    cases = found.pop("cases")
    assert {name: case["captured"] for name, case in cases.items()} == {
        name: case["bare"] for name, case in cases.items()
    }
    assert {name: case["recorded"] for name, case in cases.items()} == {
        **{key: [[None, 2]] for key in ("at once", "in every way", "read on after a timeout")},
        **{key: [[None, None]] for key in ("unread", "left early")},
        **{key: [[None, 9]] for key in ("gzip", "gzip left to the caller")},
        **{key: [["429", None]] for key in ("refused", "refused and raised")},
        "cancelled": [["CancelledError", None]],
    }
    assert found == {
        "signature": True, "traceparent": True, "mine": "1", "asked": {"include_usage": True}
    }  # fmt: skip
