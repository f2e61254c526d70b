"""`evalspan prompts` and `evalspan evaluators`, against a running service."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from cli.serving import serving
from evalspan.store import Store
from support.command import Evalspan

PROMPT: dict[str, Any] = {
    "messages": [{"role": "user", "content": "Hi {{ name }}"}],
    "model": "m",
    "temperature": 0,
    "variables": {"name": "string"},
}
RULE: dict[str, Any] = {
    "name": "Right answer",
    "type": "rule",
    "score_value_type": "boolean",
    "rule_config": {"rule": "numeric", "extract": "#### (.*)"},
}


def nothing(_store: Store) -> None:
    """The store is as it is made."""


@pytest.fixture(scope="module")
def endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with serving(tmp_path_factory.mktemp("registry"), nothing) as url:
        yield url


@pytest.fixture
def ask(evalspan: Evalspan, endpoint: str) -> Evalspan:
    """The command, with that service."""
    return partial(evalspan, EVALSPAN_ENDPOINT=endpoint)


def test_a_prompt_is_made_committed_and_deployed(ask: Evalspan, tmp_path: Path) -> None:
    (tmp_path / "prompt.json").write_text(json.dumps(PROMPT))
    assert ask("prompts", "create", "Greet people").stdout == "greet-people\n"
    assert ask("prompts", "push", "greet-people", "prompt.json").stdout == "greet-people version 1: draft\n"
    early = ask("prompts", "deploy", "greet-people", "1")
    assert (early.returncode, "is a draft" in early.stderr) == (2, True)
    assert ask("prompts", "commit", "greet-people", "-m", "first").stdout.endswith("version 1: read-only\n")
    assert ask("prompts", "deploy", "greet-people", "1").stdout == "greet-people version 1: live\n"
    lines = ask("prompts", "show", "greet-people", "--format", "jsonl").stdout.splitlines()
    assert [json.loads(line)["state"] for line in lines] == ["draft", "live"]
    shown = json.loads(ask("prompts", "show", "greet-people", "1").stdout)
    assert {key: shown[key] for key in PROMPT} == PROMPT


def test_an_evaluator_is_made_tried_and_committed(ask: Evalspan, tmp_path: Path) -> None:
    (tmp_path / "rule.json").write_text(json.dumps(RULE))
    assert ask("evaluators", "create", "rule.json", "--slug", "right").stdout == "right\n"
    good = ask("evaluators", "run", "right", "--output", "so #### 42", "--expected", "42")
    assert (good.returncode, json.loads(good.stdout)["value"]) == (0, True)
    bad = ask("evaluators", "run", "right", "--output", "so #### 43", "--expected", "42")
    assert (bad.returncode, json.loads(bad.stdout)["passed"]) == (1, False)
    assert ask("evaluators", "commit", "right", "-m", "first").stdout == "right version 1: draft\n"
    assert json.loads(ask("evaluators", "show", "right:0").stdout)["version_description"] == "first"
    wrong = ask("evaluators", "create", "nowhere.json")
    assert (wrong.returncode, "'nowhere.json' cannot be read" in wrong.stderr) == (2, True)
