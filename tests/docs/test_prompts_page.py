"""docs/prompts.md: its Python runs, its JSON is taken, its commands exist, its errors are the real ones."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from evalspan.cli import evalspan as command
from evalspan.errors import UsageError
from evalspan.experiments import evaluator_forms, templates
from evalspan.experiments.prompt_versions import PromptContent
from support.command import Evalspan
from support.markdown import ROOT, blocks

PAGE = "docs/prompts.md"


def test_the_python_of_the_page_runs(evalspan: Evalspan, tmp_path: Path) -> None:
    (tmp_path / "script.py").write_text("\n".join(blocks(PAGE, "python")))
    done = evalspan("run", "script.py")
    assert done.returncode == 0, done.stderr


def test_the_prompt_and_the_judge_of_the_page_can_be_used() -> None:
    prompt, judge = map(json.loads, blocks(PAGE, "json"))
    filled = templates.render(PromptContent.model_validate(prompt), {"name": "Ada", "issues": ["late"]})
    assert [each["content"] for each in filled] == ["You help Ada. Be brief.", "- late\n"]
    assert evaluator_forms.content(judge).llm_config is not None


def test_the_commands_of_the_page_are_there() -> None:
    lines = "".join(blocks(PAGE, "sh")).splitlines()
    named = [line.split()[1:3] for line in lines if line.startswith("evalspan ")]
    assert len(named) > 5
    for group, name in named:
        assert name in getattr(command.commands[group], "commands", {})


def test_the_errors_of_the_page_are_those_that_are_given() -> None:
    text = (ROOT / PAGE).read_text(encoding="utf-8")
    told = re.findall(r"^\| (?:lacks|has) .*? \| `(.*?)` \|$", text, flags=re.MULTILINE)
    declared = {"name": "string", "issue": "string", "order_id": "string"}
    given = {"name": "A", "issue": "I", "order_id": "7"}
    messages = [
        {"role": "system", "content": "{{ name }}"},
        {"role": "user", "content": "{{ issue }}{{ order_id }}"},
    ]
    cases = [
        (declared, {key: given[key] for key in ("name", "issue")}),
        (declared, {**given, "oder_id": "7"}),
        (declared, {**given, "order_id": 7}),
        ({"name": "string"}, {key: given[key] for key in ("name", "issue")}),
    ]
    for expected, (variables, values) in zip(told, cases, strict=True):
        version = PromptContent.model_validate({"messages": messages, "variables": variables})
        with pytest.raises(UsageError, match=re.escape(expected)):
            templates.render(version, values)
