"""The code of docs/runner.md runs, and its file of providers is one."""

from __future__ import annotations

from pathlib import Path

import pytest

from evalspan.jobs.providers import Providers
from support.command import Evalspan
from support.llm_wire import LLMWire
from support.markdown import blocks

PAGE = "docs/runner.md"


@pytest.mark.parametrize("number", range(len(blocks(PAGE, "python"))))
def test_every_example_of_the_page_runs(evalspan: Evalspan, tmp_path: Path, number: int) -> None:
    (tmp_path / "script.py").write_text(blocks(PAGE, "python")[number])
    with LLMWire() as llm:
        done = evalspan("run", "script.py", **llm.variables())
    assert done.returncode == 0, done.stderr


def test_the_file_of_providers_serves_the_models_that_it_names(tmp_path: Path) -> None:
    file = tmp_path / "providers.toml"
    file.write_text(blocks(PAGE, "toml")[0])
    providers = Providers(str(file), {})
    assert providers.of("qwen-7b")[0].base_url == "http://127.0.0.1:8000/v1"
    assert providers.of("proxy/claude-sonnet-4-5")[0].max_tokens == 8192
    assert providers.of("gpt-4o")[0].requests_per_minute == 500
