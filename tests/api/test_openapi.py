"""The served OpenAPI document: it names every path, and requests made from it meet no failure."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.routing import BaseRoute, Mount, Route

from evalspan.api import experiments, openapi
from evalspan.api.datadog import intake
from evalspan.api.server import Service
from support.effort import EFFORT, examples

BASE = "/api/v2/llm-obs/v1"
CHECKS = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance"


def test_the_document_names_every_operation_that_is_served(client: httpx.Client) -> None:
    document = client.get("/openapi.json").json()
    described = {(method.upper(), path) for path, methods in document["paths"].items() for method in methods}
    unsupported = {route.path for route in intake.UNSUPPORTED if isinstance(route, Route)}
    served = {
        (method, path)
        for route in experiments.routes()
        for method, path in paths(route)
        if path.startswith((BASE, "/api/intake", "/api/v2/llmobs"))
        and path.removeprefix(BASE) not in unsupported
    }
    assert served <= described
    assert {("POST", "/sql"), ("GET", "/healthz"), ("POST", "/v1/traces")} <= described
    identities = [op["operationId"] for methods in document["paths"].values() for op in methods.values()]
    assert len(identities) == len(set(identities))


def test_every_reference_in_the_document_leads_somewhere() -> None:
    document = openapi.document()
    for name in re.findall(r"#/components/schemas/([^'\"]+)", str(document)):
        assert name in document["components"]["schemas"]


@pytest.mark.slow
def test_requests_made_from_the_document_never_meet_a_failure(
    service: Service, client: httpx.Client, tmp_path: Path
) -> None:
    """Requests that break each constraint in turn, random requests, and chains of them, on things that
    exist. With more effort also the requests that keep to every constraint, one value after the other:
    they cost half of the whole, and the random ones are of their kind."""
    tool = Path(sys.executable).with_name("st")
    assert tool.exists() or shutil.which("st"), "schemathesis is not installed"
    (tmp_path / "schemathesis.toml").write_text(parameters(client), encoding="utf-8")
    for phases, mode in (("coverage", "negative" if EFFORT == 1 else "all"), ("fuzzing,stateful", "all")):
        done = subprocess.run(
            [
                str(tool), "--config-file", "schemathesis.toml", "run", f"{service.endpoint}/openapi.json",
                "--checks", CHECKS, "--phases", phases, "--mode", mode, "--max-examples", str(examples(6)),
                "--continue-on-failure", "--no-color", "--seed", "1",
            ],
            cwd=tmp_path, capture_output=True, text=True, timeout=400 * EFFORT, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout[-6000:]
    assert client.get("/readyz").status_code == 200


def parameters(client: httpx.Client) -> str:
    """Real ids for the paths, so that more than 404 is tried."""

    def made(path: str, **attributes: Any) -> str:
        answer = client.post(BASE + path, json={"data": {"attributes": attributes}})
        assert answer.status_code == 200, answer.text
        return str(answer.json()["data"]["id"])

    project = made("/projects", name="p")
    dataset = made(f"/{project}/datasets", name="d")
    experiment = made("/experiments", project_id=project, dataset_id=dataset, name="e")
    return f"""
[parameters]
project_id = "{project}"
dataset_id = "{dataset}"
experiment_id = "{experiment}"
a = "{experiment}"
b = "{experiment}"
"query.filter[project_name]" = "p"
"query.filter[experiment_name]" = "e"
"""


def paths(route: BaseRoute, prefix: str = "") -> list[tuple[str, str]]:
    if isinstance(route, Mount):
        return [found for inner in route.routes for found in paths(inner, prefix + route.path)]
    assert isinstance(route, Route)
    return [(method, prefix + route.path) for method in route.methods or () if method != "HEAD"]
