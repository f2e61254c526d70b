"""Under `opentelemetry-instrument` with the real opentelemetry-distro, whose exporters are its own."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from capture.wires.environments import shadowing
from evalspan.api.server import Service
from evalspan.demo.llm import ReplayServer
from evalspan.sdk.client import Client
from evalspan.settings import load
from sdk.collector import Collector
from support.command import environment

COMMAND = Path(sys.executable).parent / "opentelemetry-instrument"
APP = """
import sys, httpx
body = {"model": "gpt-4o", "messages": [{"role": "user", "content": "one two"}]}
print(httpx.post(sys.argv[1] + "/chat/completions", json=body).status_code)
"""
# Left out: instrumentations that are here for other tests, and whose imports take seconds.
OTHERS = "openai,fastapi,asgi"


NAMES = ["POST", "chat gpt-4o"]


def run(folder: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """An app under the distro."""
    (folder / "app.py").write_text(APP, encoding="utf-8")
    known = {
        "PYTHONPATH": str(shadowing("distro", "opentelemetry-distro>=0.66b1")),
        "OTEL_PYTHON_DISABLED_INSTRUMENTATIONS": OTHERS,
        "OTEL_METRICS_EXPORTER": "none",
        "OTEL_LOGS_EXPORTER": "none",
        "OTEL_SERVICE_NAME": "shop",
    }
    with ReplayServer(lambda model, messages: "three") as model:
        return subprocess.run(
            [str(COMMAND), sys.executable, "app.py", model.base_url],
            cwd=folder, env=environment(**known, **variables), capture_output=True, text=True, timeout=60,
            check=False,
        )  # fmt: skip


def test_the_distros_exporter_and_evalspans_each_get_every_span_once(tmp_path: Path) -> None:
    with Collector() as collector:
        over_http = {"OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf", "EVALSPAN_ENDPOINT": collector.url}
        done = run(tmp_path, OTEL_TRACES_EXPORTER="console", **over_http)
    assert done.stderr == ""
    assert sorted(re.findall(r'^    "name": "(.*)"', done.stdout, re.MULTILINE)) == NAMES
    assert sorted(collector.names()) == NAMES


def test_without_an_exporter_of_the_distro_a_collector_gets_every_span_once(tmp_path: Path) -> None:
    with Collector() as collector:
        to = {"OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf", "OTEL_EXPORTER_OTLP_ENDPOINT": collector.url}
        done = run(tmp_path, OTEL_TRACES_EXPORTER="none", **to)
    assert (done.stdout, done.stderr) == ("200\n", "")
    assert sorted(collector.names()) == NAMES


def test_both_exporters_sending_to_one_service_count_once(tmp_path: Path) -> None:
    settings = load({"store": f"chdb://{tmp_path / 'store'}", "http_port": 0, "grpc_port": 0})
    with Service(settings) as service:
        to = {"OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf", "OTEL_EXPORTER_OTLP_ENDPOINT": service.endpoint}
        done = run(tmp_path, EVALSPAN_ENDPOINT=service.endpoint, **to)
        client = Client(service.endpoint, "", patience=5)
        spans = list(client.sql("SELECT name FROM spans ORDER BY name"))
        [usage] = client.sql("SELECT llm_calls, input_tokens FROM trace_usage")
    assert (done.stdout, done.stderr) == ("200\n", "")
    assert [span["name"] for span in spans] == NAMES
    assert (int(usage["llm_calls"]), int(usage["input_tokens"])) == (1, 2)
