"""docs/any-language.md is true: its names are ours, its calls run, its code stands in the examples."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent, indent

import httpx
import pytest

from evalspan import attributes
from evalspan.api.server import Service
from evalspan.sdk.client import Client
from evalspan.settings import Settings
from support.command import environment
from support.markdown import ROOT, blocks

PAGE = "docs/any-language.md"


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    settings = Settings(store=f"chdb://{tmp_path / 'store'}", http_port=0, grpc_port=0)
    with Service(settings) as running:
        yield running


def test_every_attribute_in_the_tables_is_one_that_is_read() -> None:
    text = (ROOT / PAGE).read_text(encoding="utf-8")
    cells = re.findall(r"^\| (`(?:evalspan|gen_ai|error)\..*?) \| ", text, flags=re.MULTILINE)
    named = {name for cell in cells for name in re.findall(r"`([a-z_]+\.[a-z_.]+)(?:<key>)?`", cell)}
    known = {value for value in vars(attributes).values() if isinstance(value, str)}
    assert len(named) > 20
    assert named <= known


def test_the_calls_of_the_page_make_the_row_that_its_query_finds(service: Service, tmp_path: Path) -> None:
    for command in blocks(PAGE, "sh"):
        done = subprocess.run(
            ["sh", "-c", command],
            cwd=tmp_path,
            env=environment(EVALSPAN_ENDPOINT=service.endpoint),
            capture_output=True,
            text=True,
            check=False,
        )
        assert (done.returncode, done.stdout) == (0, "{}"), done.stderr
    client = Client(service.endpoint, "", patience=5)
    first, second, _ = blocks(PAGE, "sql")
    [row] = client.sql(first)
    assert (row["experiment"], row["record_id"], row["output"]) == ("by hand", "france", '"Paris"')
    assert (row["run_iteration"], row["exact_match"], row["duration_ms"]) == (1, 1, 1500)
    [counted] = client.sql(second)
    assert counted == {"run_iteration": 1, "cases": 1, "failed": 0, "numeric_scores": 1}


def test_a_score_without_a_name_is_refused_as_the_page_shows(service: Service) -> None:
    _, log = blocks(PAGE, "sh")
    body = log.partition("--data '")[2].rstrip().rstrip("'").replace("gen_ai.evaluation.name", "name")
    headers = {"Content-Type": "application/json"}
    answer = httpx.post(f"{service.endpoint}/v1/logs", content=body, headers=headers)
    [shown] = blocks(PAGE, "json")
    assert answer.json() == json.loads(shown)


@pytest.mark.parametrize("language", ["python", "js"])
def test_the_code_of_the_page_stands_in_an_example(language: str) -> None:
    suffix = {"python": "py", "js": "js"}[language]
    sources = [path.read_text(encoding="utf-8") for path in ROOT.glob(f"examples/otlp/*/*.{suffix}")]
    for block in blocks(PAGE, language):
        wanted = dedent(block)
        assert any(indent(wanted, " " * depth) in source for source in sources for depth in range(0, 9, 2))


def test_the_query_of_the_page_is_the_one_of_the_example() -> None:
    shipped = (ROOT / "examples" / "services" / "by_service.sql").read_text(encoding="utf-8")
    assert shipped == blocks(PAGE, "sql")[2]
