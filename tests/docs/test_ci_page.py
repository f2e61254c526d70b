"""docs/ci.md is true: its calls run as they stand, and the fields are those of a real response."""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path
from typing import Any, cast

import httpx
import pytest

from evalspan.api.server import Service
from evalspan.settings import Settings
from evalspan.store import Store
from support.markdown import ROOT, blocks
from support.rows import add, case, experiment, llm, score, summary

PAGE = "docs/ci.md"
EXPERIMENTS = "/api/v2/llm-obs/v1/experiments"
OPEN = {"evaluators", "summary_evaluators"}  # objects whose keys are names
LEAVES = {"categories"}  # objects that the page describes as one field


def fields(data: dict[str, Any]) -> set[str]:
    """Every field as a path with dots."""
    found: set[str] = set()
    for key, value in data.items():
        if isinstance(value, dict) and key not in LEAVES:
            found |= {f"{key}.{inner}" for inner in fields(cast("dict[str, Any]", value))}
        else:
            found.add(key)
    return found


def documented() -> tuple[set[str], set[str]]:
    """(fields of aggregate_data, fields of an evaluator)"""
    text = (ROOT / PAGE).read_text(encoding="utf-8").split("## aggregate_data")[1]
    top, _, evaluator = text.partition("| field of an evaluator")
    return named(top), named(evaluator)


def named(table: str) -> set[str]:
    """The names in the first column; `.p50` goes on from the name before it."""
    found: set[str] = set()
    for cell in re.findall(r"^\| (`.*?) \| ", table, flags=re.MULTILINE):
        names = cast("list[str]", re.findall(r"`([^`]+)`", cell))
        parent = names[0].rpartition(".")[0]
        found |= {parent + name if name.startswith(".") else name for name in names}
    return found


@pytest.fixture
def response(tmp_path: Path) -> dict[str, Any]:
    """The `aggregate_data` of an experiment with numbers, labels, usage and summary scores."""
    settings = Settings(store=f"chdb://{tmp_path / 'store'}", http_port=0, grpc_port=0)
    with Store(settings.store) as store:
        add(store, experiment("e1", expected_records=1), case("r1"), llm("r1"))
        add(store, score("exact", 1.0, "r1"), score("judge", "good", "r1"), summary("total", 1.0))
    with Service(settings) as service:
        [found] = httpx.get(service.endpoint + EXPERIMENTS, params={"filter[id]": "e1"}).json()["data"]
        return found["attributes"]["aggregate_data"]


def test_every_field_of_a_real_response_is_documented_and_no_other(response: dict[str, Any]) -> None:
    top, evaluator = documented()
    usage = {f"cost_usd.{field}" for field in response["cost_usd"]}
    assert usage < top
    sections = {key: value for key, value in response.items() if key not in OPEN | {"tokens", "runs"}}
    assert fields(sections) | {f"tokens.{kind}" for kind in response["tokens"]} == {
        name for name in top if name not in {"cost_usd", "runs[]"} and "NAME" not in name
    }
    for each in (response["evaluators"]["exact"], response["evaluators"]["judge"]):
        each |= {name: {} for name in ("quantiles", "histogram") if each[name] is None}
    both = fields(response["evaluators"]["exact"]) | fields(response["evaluators"]["judge"])
    assert both - {"quantiles", "histogram"} == evaluator
    [run] = response["runs"]
    assert run.keys() - {"run_iteration"} == response.keys() - {"runs"}
    assert run["evaluators"]["exact"].keys() == response["evaluators"]["exact"].keys() - {"multi_run"}
    assert run["summary_evaluators"].keys() == {"total"}


def test_the_calls_of_the_page_run_as_they_stand(tmp_path: Path) -> None:
    settings = Settings(store=f"chdb://{tmp_path / 'store'}", http_port=0, grpc_port=0)
    with Service(settings) as service:
        body = {"data": {"type": "projects", "attributes": {"name": "p"}}}
        project = httpx.post(f"{service.endpoint}/api/v2/llm-obs/v1/projects", json=body).json()["data"]["id"]
        variables = {
            "EVALSPAN_ENDPOINT": service.endpoint,
            "PROJECT_ID": project,
            "GITHUB_RUN_ID": "8123456789",
        }

        def call(command: str) -> Any:
            done = subprocess.run(
                ["sh", "-c", command],
                env={**os.environ, **variables},
                capture_output=True,
                text=True,
                check=True,
            )
            return json.loads(done.stdout)["data"]

        create, *queries = blocks(PAGE, "sh")
        made = call(create)
        assert made["attributes"]["name"] == "my-pipeline-8123456789"
        assert len(queries) == 2
        for query in queries:
            [found] = call(query)
            assert found["id"] == made["id"]
            assert found["attributes"]["aggregate_data"]["cases"]["count"] == 0
