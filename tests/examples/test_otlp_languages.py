"""One experiment from Go, Node, Java and Python by their own SDKs gives the rows that evalspan's gives."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from evalspan.api.server import Service
from evalspan.sdk.client import Client
from evalspan.settings import Settings
from support import languages
from support.markdown import ROOT

pytestmark = pytest.mark.slow

EXAMPLES = ROOT / "examples" / "otlp"
# language -> (tools it needs, its command, whether it speaks gRPC)
PROGRAMS: dict[str, tuple[tuple[str, ...], list[str], bool]] = {
    "go": (("go",), ["go", "run", "."], True),
    "java": (("java", "mvn"), ["mvn", "--quiet", "--batch-mode", "compile", "exec:java"], True),
    "node": (("node", "npm"), ["node", "experiment.js"], False),
    "python": ((), [sys.executable, "experiment.py"], False),
    "sdk": ((), [sys.executable, "experiment.py"], False),
}
STOCK = ("go", "java", "node", "python")

# Of a case without output, the SDK says null and the programs say nothing.
RESULTS = """
SELECT * EXCEPT (experiment_id, experiment_name, dataset_id, dataset_version, run_id, trace_id, span_id,
    started_at, duration_ms) REPLACE (if(output = 'null', '', output) AS output)
FROM experiment_results WHERE experiment_id = {id:String} ORDER BY record_id, run_iteration"""
SCORES = """
SELECT record_id, run_iteration, name, source, type, score_value, label_value, json_value, explanation,
    assessment, error, error_type, evaluator_type, metadata, tags
FROM evaluations WHERE experiment_id = {id:String} ORDER BY record_id, run_iteration, name"""
SPANS = """
SELECT s.record_id, s.run_iteration, s.name AS name, p.name AS parent, s.kind, s.span_type, s.status,
    s.status_message, s.error_type, s.provider, s.request_model, s.response_model, s.finish_reasons,
    s.input_tokens, s.output_tokens, s.total_tokens, s.cost_usd, s.cost_source, s.input,
    if(s.output = 'null', '', s.output) AS output
FROM spans AS s LEFT ANY JOIN spans AS p ON p.trace_id = s.trace_id AND p.span_id = s.parent_span_id
WHERE s.experiment_id = {id:String} AND s.span_type != 'EVALUATOR'
ORDER BY s.record_id, s.run_iteration, name"""
ATTRIBUTES = """
SELECT name, mapFilter((k, v) -> k != 'evalspan.experiment.id', attributes) AS said, attribute_types
FROM spans WHERE experiment_id = {id:String} ORDER BY record_id, run_iteration, name"""

Rows = list[dict[str, Any]]
Ask = Callable[[str, str], Rows]


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    store = f"chdb://{tmp_path_factory.mktemp('store')}"
    with Service(Settings(store=store, http_port=0, grpc_port=0)) as running:
        yield running


@pytest.fixture(scope="module")
def experiment(service: Service) -> Callable[[str], str]:
    """`experiment("go")`: the id of the experiment that this program recorded; it runs once."""
    known: dict[str, str] = {}

    def recorded(language: str) -> str:
        if language not in known:
            known[language] = program(language, service)
        return known[language]

    return recorded


def program(language: str, service: Service) -> str:
    """Run one program; the experiment's id, which it prints."""
    tools, command, grpc = PROGRAMS[language]
    endpoint = f"http://{service.grpc_endpoint}" if grpc else service.endpoint
    variables = {"OTEL_EXPORTER_OTLP_ENDPOINT": endpoint, "OTEL_SERVICE_NAME": f"capitals-{language}"}
    if language == "sdk":
        variables = {"EVALSPAN_ENDPOINT": service.endpoint, "OTEL_SERVICE_NAME": "capitals-sdk"}
    with languages.prepared(f"otlp/{language}", *tools) as folder:
        done = languages.run(folder, *command, **variables)
    assert done.returncode == 0, done.stderr[-4000:]
    return re.sub(r"\x1b\[\d*m", "", done.stdout).strip()  # Maven resets colours also where it prints none


@pytest.fixture
def ask(service: Service, experiment: Callable[[str], str]) -> Ask:
    """`ask(query, "go")`: rows of a query about the experiment of one program."""
    client = Client(service.endpoint, "", patience=5)
    return lambda query, language: list(client.sql(query, id=experiment(language)))


@pytest.mark.parametrize("language", STOCK)
def test_the_results_scores_and_spans_are_those_of_the_sdk(ask: Ask, language: str) -> None:
    results, ours = ask(RESULTS, language), ask(RESULTS, "sdk")
    assert [(row["record_id"], row["status"]) for row in results] == [
        (record, "error" if record == "atlantis" else "ok")
        for record in ("atlantis", "france", "japan", "peru")
        for _ in (1, 2)
    ]
    assert results == ours
    assert ask(SCORES, language) == ask(SCORES, "sdk")
    assert ask(SPANS, language) == ask(SPANS, "sdk")


@pytest.mark.parametrize("language", ["go", "java", "node"])
def test_every_attribute_has_the_value_and_type_that_python_gives_it(ask: Ask, language: str) -> None:
    rows = ask(ATTRIBUTES, language)
    assert len(rows) == 8 * 4
    assert rows == ask(ATTRIBUTES, "python")


def test_scores_travel_both_as_log_records_and_as_span_events(ask: Ask) -> None:
    query = """
    SELECT countIf(has(events.2, 'gen_ai.evaluation.result')) AS found
    FROM spans WHERE experiment_id = {id:String}"""
    found = {language: ask(query, language)[0]["found"] for language in STOCK}
    assert found == {"go": 6, "java": 0, "node": 0, "python": 6}


@pytest.mark.parametrize("language", STOCK)
def test_a_program_whose_service_is_away_says_so(language: str) -> None:
    tools, command, _ = PROGRAMS[language]
    variables = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9", "OTEL_SERVICE_NAME": "capitals"}
    timeout = "0.3" if language == "python" else "300"
    with languages.prepared(f"otlp/{language}", *tools) as folder:
        done = languages.run(folder, *command, **variables, OTEL_EXPORTER_OTLP_TIMEOUT=timeout)
    assert done.returncode == 1
    assert "not delivered" in done.stderr or "not everything was delivered" in done.stderr


def test_lock_files_name_no_registry() -> None:
    locks = sorted((ROOT / "examples").glob("**/package-lock.json"))
    assert locks
    for lock in locks:
        assert "://" not in re.sub(r'"url": "[^"]*"', "", lock.read_text(encoding="utf-8")), lock


def test_the_python_example_pins_what_the_tests_run_it_with() -> None:
    pins = (EXAMPLES / "python" / "requirements.txt").read_text(encoding="utf-8").split()
    assert set(pins) <= set((ROOT / "requirements.lock").read_text(encoding="utf-8").split())
