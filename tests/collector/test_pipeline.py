"""SDK -> Collector -> service -> store: what arrives is what arrives without a Collector."""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any, cast

import grpc
import pytest
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter as GrpcExporter
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter as HttpExporter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter

from support.collector import Collector
from support.command import environment
from support.process import wait_until
from support.service import ServiceProcess

Rows = dict[str, list[dict[str, Any]]]
"""View -> its rows."""

PROMPT_BYTES = 5 * 2**20
SCRIPT = f"""
import json
import evalspan
from evalspan import EvaluatorResult

large = "pé\\n" * ({PROMPT_BYTES} // 4)
dataset = evalspan.Dataset(name="large", records=[
    {{"input": {{"question": "short", "n": 1}}, "expected_output": "t", "tags": ["size:small"]}},
    {{"input": {{"question": large, "n": 2}}, "expected_output": large[-1], "metadata": {{"size": 5}}}},
])

def task(input_data, config):
    with evalspan.span("step") as step:
        step.set_attribute("prompt", input_data["question"])
        step.set_attribute("sizes", [1, 2])
    return input_data["question"][-1]

def exact_match(output_data, expected_output):
    return output_data == expected_output

def judge(input_data, output_data):
    return EvaluatorResult("fair", reasoning="It ends so: " + output_data, assessment="pass")

experiment = evalspan.experiment(name="large", task=task, dataset=dataset,
                                 evaluators=[exact_match, judge], metadata={{"commit": "abc"}})
result = experiment.run(jobs=2)
print(json.dumps({{"id": result.experiment_id, "complete": result.delivery.complete}}))
"""
# What names one run of the script, or the moment of it.
OWN = re.compile(
    r"(trace|span|experiment|run|instance|test\.suite\.run)[._]id$|experiment_name$|_at$|time|duration"
)


def run(folder: Path, **variables: str) -> dict[str, Any]:
    script = folder / "script.py"
    script.write_text(SCRIPT, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, str(script)],
        cwd=folder,
        env=environment(**variables),
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    return json.loads(done.stdout.strip().rpartition("\n")[2])


def rows_of(service: ServiceProcess, experiment_id: str) -> Rows:
    """Every row of an experiment, in full, less what names the run."""

    def rows(view: str, order: str) -> list[dict[str, Any]]:
        found = service.sql(
            f"SELECT * FROM {view} WHERE experiment_id = {{id:String}} ORDER BY {order}", id=experiment_id
        )
        return [without_names(row) for row in found]

    return {
        "results": rows("experiment_results", "run_iteration, record_id"),
        "spans": rows("spans", "run_iteration, name, record_id"),
        "evaluations": rows("evaluations", "run_iteration, name, record_id"),
    }


def without_names(row: dict[str, Any]) -> dict[str, Any]:
    """The row less what names the run, and with large values as their digests, to be readable."""
    kept: dict[str, Any] = {}
    for key, value in row.items():
        if isinstance(value, dict):
            kept[key] = without_names(cast("dict[str, Any]", value))
        elif not OWN.search(key):
            text = json.dumps(value)
            kept[key] = value if len(text) < 500 else (len(text), hashlib.sha256(text.encode()).hexdigest())
    return kept


@pytest.fixture(scope="module")
def direct(
    service: ServiceProcess, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, list[dict[str, Any]]]:
    """The rows of the experiment when it was sent to the service without a Collector."""
    told = run(tmp_path_factory.mktemp("direct"), EVALSPAN_ENDPOINT=service.endpoint)
    return rows_of(service, told["id"])


@pytest.mark.parametrize("protocol", ["http/protobuf", "grpc"])
def test_an_experiment_with_large_prompts_is_the_same_through_the_collector(
    service: ServiceProcess,
    collector: Collector,
    direct: Rows,
    tmp_path: Path,
    protocol: str,
) -> None:
    told = run(
        tmp_path,
        EVALSPAN_ENDPOINT=service.endpoint,
        OTEL_EXPORTER_OTLP_ENDPOINT=collector.grpc if protocol == "grpc" else collector.http,
        OTEL_EXPORTER_OTLP_PROTOCOL=protocol,
        OTEL_EXPORTER_OTLP_COMPRESSION="gzip",
    )
    assert told["complete"]
    wait_until(lambda: collector.queued() == 0)
    found = rows_of(service, told["id"])
    assert [len(rows) for rows in found.values()] == [len(rows) for rows in direct.values()]
    pairs = [pair for kind in found for pair in zip(found[kind], direct[kind], strict=True)]
    differing = [(key, one[key], other[key]) for one, other in pairs for key in one if one[key] != other[key]]
    assert differing == []
    assert found["results"][0]["scores"] == {"exact_match": 1}


@pytest.mark.parametrize("transport", ["http", "grpc"])
@pytest.mark.parametrize("compression", ["gzip", "none"])
def test_large_spans_of_a_stock_sdk_arrive_whole(
    service: ServiceProcess, collector: Collector, transport: str, compression: str
) -> None:
    name = f"stock.{transport}.{compression}"
    provider = TracerProvider()
    provider.add_span_processor(BatchSpanProcessor(stock(collector, transport, compression)))
    tracer = provider.get_tracer(name)
    texts = [f"{number}" + "é" * (PROMPT_BYTES // 2) for number in range(3)]
    for text in texts:
        with tracer.start_as_current_span("large", attributes={"text": text}):
            pass
    assert provider.force_flush()
    provider.shutdown()
    wait_until(lambda: collector.queued() == 0)
    query = "SELECT attributes['text'] AS text FROM spans WHERE scope_name = {name:String} ORDER BY text"
    assert [row["text"] for row in service.sql(query, name=name)] == texts


def stock(collector: Collector, transport: str, compression: str) -> SpanExporter:
    if transport == "http":
        return HttpExporter(f"{collector.http}/v1/traces", compression=Compression(compression), timeout=60)
    way = grpc.Compression.Gzip if compression == "gzip" else grpc.Compression.NoCompression
    return GrpcExporter(collector.grpc, insecure=True, compression=way, timeout=60)
