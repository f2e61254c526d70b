"""`gen_ai.evaluation.result` on its way to the evaluations."""

from __future__ import annotations

import os
from typing import Any

import pytest

from evalspan.ingest import Signal
from ingest.build import START, Service, event, log, logs, span, trace_id, traces

NAME = "gen_ai.evaluation.result"


async def store(service: Service, attributes: dict[str, Any], **fields: Any) -> dict[str, Any]:
    """Send one score as a log record; its row."""
    whole: dict[str, Any] = {"event_name": NAME, "trace_id": trace_id(), "span_id": os.urandom(8), **fields}
    record = log({"gen_ai.evaluation.name": "quality", **attributes}, **whole)
    await service.ingest.export(Signal.LOGS, logs(record))
    return service.one("evaluations_data", record.trace_id, record.span_id)


async def test_a_score_that_comes_as_a_log_record_is_an_evaluation_and_no_log(service: Service) -> None:
    row = await store(
        service,
        {
            "evalspan.experiment.id": "e", "evalspan.record.id": "r", "evalspan.run_iteration": 2,
            "gen_ai.evaluation.score.value": 0.75, "gen_ai.evaluation.score.label": "good",
            "gen_ai.evaluation.explanation": "because", "gen_ai.evaluation.evaluator.type": "llm_judge",
            "evalspan.evaluation.assessment": "pass", "evalspan.evaluation.metadata.k": "v",
            "evalspan.evaluation.tag.t": "u", "gen_ai.response.id": "resp-1",
        },
    )  # fmt: skip
    expected = {
        "experiment_id": "e", "record_id": "r", "run_iteration": 2, "name": "quality", "type": "score",
        "score_value": 0.75, "label_value": "good", "explanation": "because", "evaluator_type": "llm_judge",
        "assessment": "pass", "metadata": {"k": "v"}, "tags": {"t": "u"}, "response_id": "resp-1",
        "source": "record", "service_name": "checkout",
    }  # fmt: skip
    assert {name: row[name] for name in expected} == expected
    assert service.count("logs_data", [bytes.fromhex(row["trace_id"])]) == 0


@pytest.mark.parametrize(
    ("attributes", "expected"),
    [
        ({"gen_ai.evaluation.score.value": 1}, ("score", 1.0, None, None)),
        ({"gen_ai.evaluation.score.value": "0.5"}, ("score", 0.5, None, None)),
        ({"gen_ai.evaluation.score.value": True}, ("boolean", 1.0, None, None)),
        ({"gen_ai.evaluation.score.label": "red"}, ("categorical", None, "red", None)),
        ({"evalspan.evaluation.json": '{"a":1}'}, ("json", None, None, '{"a":1}')),
        (
            {"evalspan.evaluation.type": "boolean", "gen_ai.evaluation.score.value": 0.0,
             "gen_ai.evaluation.score.label": "false"},
            ("boolean", 0.0, "false", None),
        ),
    ],
)  # fmt: skip
async def test_the_type_of_a_score_is_what_it_says_else_what_it_has(
    service: Service, attributes: dict[str, Any], expected: tuple[object, ...]
) -> None:
    row = await store(service, attributes)
    assert (row["type"], row["score_value"], row["label_value"], row["json_value"]) == expected


async def test_a_failed_evaluation_keeps_its_error(service: Service) -> None:
    row = await store(service, {"error.type": "TimeoutError", "evalspan.evaluation.error": "after 5 s"})
    assert (row["error_type"], row["error"], row["score_value"]) == ("TimeoutError", "after 5 s", None)


async def test_the_older_way_to_name_a_log_event_counts_too(service: Service) -> None:
    row = await store(service, {"event.name": NAME, "gen_ai.evaluation.score.value": 1.0}, event_name="")
    assert row["score_value"] == 1.0


async def test_a_score_on_a_span_event_takes_the_ids_of_the_span(service: Service) -> None:
    score = event(NAME, {"gen_ai.evaluation.name": "exact", "gen_ai.evaluation.score.value": 1.0}, START + 7)
    one = span(
        {"evalspan.experiment.id": "e2", "evalspan.experiment.name": "n", "evalspan.record.id": "r2"},
        events=[score],
    )
    await service.ingest.export(Signal.TRACES, traces(one))
    row = service.one("evaluations_data", one.trace_id, one.span_id)
    assert (row["experiment_id"], row["record_id"], row["run_iteration"]) == ("e2", "r2", 1)
    assert service.span_row(one)["events"][0]["name"] == NAME


async def test_a_score_that_knows_only_its_trace_finds_its_case(service: Service) -> None:
    trace = trace_id()
    case = span({"evalspan.experiment.name": "by trace", "evalspan.run_iteration": 3}, trace_id=trace)
    score = {
        "gen_ai.evaluation.name": "exact",
        "gen_ai.evaluation.score.value": 0.5,
        "evalspan.experiment.name": "by trace",
    }
    await service.ingest.export(Signal.TRACES, traces(case))
    await service.ingest.export(Signal.LOGS, logs(log(score, event_name=NAME, trace_id=trace)))
    rows = service.store.query(
        "SELECT run_iteration, scores FROM experiment_results WHERE experiment = 'by trace'"
    )
    assert [(row["run_iteration"], row["scores"]) for row in rows] == [(3, {"exact": 0.5})]


async def test_a_score_of_a_whole_experiment_has_no_record(service: Service) -> None:
    stated = await store(
        service,
        {"evalspan.experiment.id": "e", "evalspan.record.id": "r", "evalspan.evaluation.source": "summary"},
    )
    assert (stated["source"], stated["record_id"]) == ("summary", "")
    await service.ingest.export(
        Signal.LOGS,
        logs(log({"gen_ai.evaluation.name": "f1", "evalspan.experiment.id": "whole"}, event_name=NAME)),
    )
    rows = service.store.query("SELECT source FROM evaluations_data WHERE experiment_id = 'whole'")
    assert [row["source"] for row in rows] == ["summary"]


async def test_a_score_without_a_name_is_rejected_with_the_reason(service: Service) -> None:
    nameless = log({"gen_ai.evaluation.score.value": 1.0}, event_name=NAME)
    receipt = await service.ingest.export(Signal.LOGS, logs(nameless, log(event_name="other")))
    assert (receipt.accepted, receipt.rejected) == (1, 1)
    assert "gen_ai.evaluation.name" in receipt.message


async def test_a_span_event_that_is_a_score_without_a_name_does_not_cost_its_span(service: Service) -> None:
    one = span(events=[event(NAME, {"gen_ai.evaluation.score.value": 1.0})])
    receipt = await service.ingest.export(Signal.TRACES, traces(one))
    assert (receipt.accepted, receipt.rejected) == (1, 0)
    assert "gen_ai.evaluation.name" in receipt.message
    assert service.span_row(one)["events"][0]["name"] == NAME


async def test_a_score_that_is_sent_twice_is_there_once(service: Service) -> None:
    record = log({"gen_ai.evaluation.name": "again"}, event_name=NAME, trace_id=trace_id(), span_id=b"\1" * 8)
    for _ in range(2):
        await service.ingest.export(Signal.LOGS, logs(record))
    assert service.one("evaluations_data", record.trace_id, record.span_id)["name"] == "again"
