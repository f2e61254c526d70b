"""Clients that this environment has in another version or not at all, held to the same table."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from capture.wires.environments import ROOT, apart, shadowing

PAGE = ROOT / "docs" / "capture.md"


def rows(python: Path, *modules: str, before: tuple[Path, ...] = ()) -> list[str]:
    """The lines of the table for the clients that these modules name, of calls made there."""
    path = os.pathsep.join(map(str, (*before, ROOT / "tests")))
    switches = {"PYTHONPATH": path, "LITELLM_LOCAL_MODEL_COST_MAP": "True", "LITELLM_LOG": "CRITICAL"}
    done = subprocess.run(
        [str(python), "-m", "capture.wires.elsewhere", *modules],
        env={**os.environ, **switches}, capture_output=True, text=True, check=False, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.slow
def test_the_openai_package_of_major_version_1_is_recorded_as_the_newest_is() -> None:
    old = shadowing("openai-1", "openai>=1.109,<2", "sniffio", "tqdm")
    found = rows(Path(sys.executable), "openai_clients", before=(old,))
    assert found
    assert [row for row in found if not row.startswith("| `openai 1.x` |")] == []
    assert [row for row in found if row not in PAGE.read_text(encoding="utf-8")] == []


@pytest.mark.slow
def test_litellm_and_what_goes_over_aiohttp_is_recorded(tmp_path: Path) -> None:
    # litellm needs mcp for any call with tools.
    python = apart("litellm", "litellm>=1.106", "mcp", "google-genai>=3.4", "aiohttp>=3.14")
    found = rows(python, "litellm_clients", "google_clients")
    assert any("litellm" in row for row in found)
    assert any("with aiohttp" in row for row in found)
    assert [row for row in found if row not in PAGE.read_text(encoding="utf-8")] == []
