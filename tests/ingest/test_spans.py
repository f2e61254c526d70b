"""Spans on their way from OTLP to rows."""

from __future__ import annotations

import math
from typing import Any

import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from evalspan.ingest import Signal, evaluations, logs, metrics, spans, values
from evalspan.store import columns
from ingest.build import START, Service, event, pairs, span, trace_id, traces, value


@pytest.mark.parametrize(
    ("table", "names"),
    [
        (spans.TABLE, spans.COLUMNS),
        (evaluations.TABLE, evaluations.COLUMNS),
        (logs.TABLE, logs.COLUMNS),
        (metrics.TABLE, metrics.COLUMNS),
    ],
)
def test_every_column_of_a_table_is_written(table: str, names: tuple[str, ...]) -> None:
    assert {*names, "received_at"} == set(columns(table))
    assert len(set(names)) == len(names)


async def test_a_span_keeps_all_that_otlp_says(service: Service) -> None:
    link = Span.Link(
        trace_id=b"\1" * 16, span_id=b"\2" * 8, trace_state="a=b", flags=1, attributes=pairs({"n": 1})
    )
    one = span(
        {"text": "x", "n": 2**63 - 1, "rate": 0.5},
        parent_span_id=b"\3" * 8,
        trace_state="vendor=1",
        flags=0x101,
        kind=Span.SPAN_KIND_SERVER,
        status=Status(code=Status.STATUS_CODE_ERROR, message="out of milk"),
        events=[event("exception", {"exception.type": "ValueError", "depth": 3})],
        links=[link],
        dropped_attributes_count=1,
        dropped_events_count=2,
        dropped_links_count=3,
    )
    await service.ingest.export(Signal.TRACES, traces(one))
    row = service.span_row(one)
    assert values.decode_all(row["attributes"], row["attribute_types"]) == list(one.attributes)
    assert (row["kind"], row["status"], row["status_message"], row["error_type"]) == (
        "SERVER", "error", "out of milk", "ValueError",
    )  # fmt: skip
    assert (row["parent_span_id"], row["trace_state"], row["flags"]) == ("03" * 8, "vendor=1", 0x101)
    assert row["duration_ns"] == 5_000_000
    assert [row[f"dropped_{what}"] for what in ("attributes", "events", "links")] == [1, 2, 3]
    assert row["events"][0]["attributes"] == {"exception.type": "ValueError", "depth": "3"}
    assert row["events"][0]["attribute_types"] == {"depth": "int"}
    assert (row["links"][0]["trace_id"], row["links"][0]["flags"]) == ("01" * 16, 1)


async def test_nested_values_of_every_type_come_back_from_the_store(service: Service) -> None:
    nested = {"a": [{"b": {"c": [{"d": [1, 1.0, None, "x", True]}]}}]}
    given = {
        "nested": nested,
        "raw": b"\0\xff",
        "nan": math.nan,
        "mixed": [b"\1", 2],
        "empty": {},
        "none": None,
    }
    one = span(given)
    await service.ingest.export(Signal.TRACES, traces(one))
    row = service.span_row(one)
    back = {item.key: item.value for item in values.decode_all(row["attributes"], row["attribute_types"])}
    assert {key: str(item) for key, item in back.items()} == {
        key: str(value(item)) for key, item in given.items()
    }


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"trace_id": bytes(16)}, "trace_id"),
        ({"trace_id": b"\1" * 8}, "trace_id"),
        ({"trace_id": b""}, "trace_id"),
        ({"span_id": bytes(8)}, "span_id"),
        ({"span_id": b"\1" * 4}, "span_id"),
        ({"start_time_unix_nano": 0}, "start_time_unix_nano is 0"),
        ({"start_time_unix_nano": 2**63}, "2262"),
        ({"start_time_unix_nano": 2**64 - 1, "end_time_unix_nano": 2**64 - 1}, "2262"),
    ],
)
async def test_a_span_that_could_not_be_found_again_is_rejected_and_its_neighbour_kept(
    service: Service, fields: dict[str, Any], reason: str
) -> None:
    good, bad = span(), span(name="odd one", **fields)
    receipt = await service.ingest.export(Signal.TRACES, traces(bad, good))
    assert (receipt.accepted, receipt.rejected) == (1, 1)
    assert reason in receipt.message
    assert "odd one" in receipt.message
    assert service.span_row(good)["name"] == "work"


async def test_an_end_before_the_start_is_kept_as_it_came(service: Service) -> None:
    one = span(end_time_unix_nano=START - 1)
    receipt = await service.ingest.export(Signal.TRACES, traces(one))
    row = service.span_row(one)
    assert (receipt.accepted, receipt.rejected) == (1, 0)
    assert "before the start" in receipt.message
    assert (row["duration_ns"], row["attributes"]["evalspan.end_time_unix_nano"]) == (0, str(START - 1))


async def test_a_span_that_is_sent_twice_is_there_once(service: Service) -> None:
    one = span({"evalspan.experiment.id": "e"})
    for _ in range(2):
        await service.ingest.export(Signal.TRACES, traces(one))
    assert service.span_row(one)["experiment_id"] == "e"


@pytest.mark.parametrize("stated", [0, -1, "two", 1.5])
async def test_an_iteration_that_is_none_is_taken_as_the_first_with_a_warning(
    service: Service, stated: object
) -> None:
    one = span({"evalspan.experiment.name": "e", "evalspan.run_iteration": stated})
    receipt = await service.ingest.export(Signal.TRACES, traces(one))
    assert (receipt.accepted, receipt.rejected) == (1, 0)
    assert "evalspan.run_iteration must be a whole number from 1" in receipt.message
    assert service.span_row(one)["run_iteration"] == 1


async def test_a_service_that_an_evaluator_called_knows_it_by_the_trace_state(service: Service) -> None:
    called = span(trace_state="vendor=1,evalspan=treu%20%26%20klar")
    others = [span(trace_state="evalspanish=x"), span(trace_state="vendor=evalspan"), span()]
    await service.ingest.export(Signal.TRACES, traces(called, *others))
    assert service.span_row(called)["evaluator"] == "treu & klar"
    assert [service.span_row(other)["evaluator"] for other in others] == ["", "", ""]


async def test_a_case_fills_the_columns_of_its_experiment(service: Service) -> None:
    one = span(
        {
            "evalspan.span.type": "CASE",
            "evalspan.project.name": "shop",
            "evalspan.experiment.id": "exp-1",
            "evalspan.experiment.name": "baseline",
            "evalspan.run.id": "run-1",
            "evalspan.run_iteration": 2,
            "evalspan.record.id": "rec-1",
            "evalspan.dataset.name": "questions",
            "evalspan.dataset.version": 3,
            "evalspan.input": '{"q":1}',
            "evalspan.output": "four",
            "evalspan.expected_output": "4",
            "evalspan.metadata.difficulty": "hard",
            "evalspan.metadata.n": 3,
            "evalspan.experiment.metadata.commit": "abc",
            "evalspan.tags": ["a", "b"],
        }
    )
    await service.ingest.export(Signal.TRACES, traces(one))
    row = service.span_row(one)
    expected = {
        "span_type": "CASE", "project": "shop", "experiment_id": "exp-1", "experiment": "baseline",
        "run_id": "run-1", "run_iteration": 2, "record_id": "rec-1", "dataset": "questions",
        "dataset_version": 3, "input": '{"q":1}', "output": "four", "expected_output": "4",
        "metadata": {"difficulty": "hard", "n": "3"}, "experiment_metadata": {"commit": "abc"},
        "tags": ["a", "b"],
    }  # fmt: skip
    assert {name: row[name] for name in expected} == expected


async def test_what_moved_to_a_column_is_not_stored_twice_and_can_be_put_back(service: Service) -> None:
    one = span({"evalspan.experiment.id": "e", "evalspan.record.id": "r", "evalspan.input": "long", "n": 1})
    await service.ingest.export(Signal.TRACES, traces(one))
    row = service.span_row(one)
    assert "evalspan.input" not in row["attributes"]
    assert row["attribute_types"]["evalspan.input"] == "string@input"
    back = {
        item.key: item.value for item in values.decode_all(row["attributes"], row["attribute_types"], row)
    }
    assert back == {item.key: item.value for item in one.attributes}


async def test_three_attributes_make_an_experiment_out_of_a_span_of_any_sdk(service: Service) -> None:
    given = {
        "evalspan.project.name": "shop",
        "evalspan.experiment.name": "from go",
        "evalspan.run_iteration": 1,
    }
    one, again = span(given), span(given)
    await service.ingest.export(Signal.TRACES, traces(one, again))
    row = service.span_row(one)
    assert (row["span_type"], row["record_id"], row["run_iteration"]) == ("CASE", one.trace_id.hex(), 1)
    assert row["experiment_id"] == service.span_row(again)["experiment_id"] != ""
    results = service.store.query(
        "SELECT record_id FROM experiment_results WHERE experiment = 'from go' ORDER BY record_id"
    )
    assert [found["record_id"] for found in results] == sorted([one.trace_id.hex(), again.trace_id.hex()])


@pytest.mark.parametrize(
    ("attributes", "expected"),
    [
        ({"evalspan.experiment.id": "e", "evalspan.record.id": "r", "evalspan.output": "o"}, "CASE"),
        ({"test.suite.run.id": "e", "test.suite.name": "n", "test.case.id": "r"}, "CASE"),
        ({"evalspan.experiment.id": "e", "evalspan.record.id": "r"}, "OTHER"),
        (
            {"evalspan.experiment.id": "e", "evalspan.experiment.name": "n", "gen_ai.operation.name": "chat"},
            "LLM",
        ),
        (
            {"evalspan.experiment.id": "e", "evalspan.span.type": "EVALUATOR", "evalspan.input": "i"},
            "EVALUATOR",
        ),
        ({"evalspan.span.type": "TASK"}, "TASK"),
        ({"http.request.method": "POST"}, "HTTP"),
        ({"http.method": "GET"}, "HTTP"),
        ({}, "OTHER"),
    ],
)
async def test_a_span_is_what_it_says_it_is(
    service: Service, attributes: dict[str, object], expected: str
) -> None:
    one = span(attributes)
    await service.ingest.export(Signal.TRACES, traces(one))
    assert service.span_row(one)["span_type"] == expected


async def test_the_twins_of_our_attributes_stand_in_for_them(service: Service) -> None:
    one = span({"test.suite.run.id": "e9", "test.case.id": "r9", "test.case.run.attempt": 4})
    await service.ingest.export(Signal.TRACES, traces(one))
    row = service.span_row(one)
    assert (row["experiment_id"], row["record_id"], row["run_iteration"]) == ("e9", "r9", 4)


async def test_an_experiment_that_nobody_announced_gets_a_row_that_the_api_can_replace(
    service: Service,
) -> None:
    case = {
        "evalspan.experiment.id": "unannounced",
        "evalspan.experiment.name": "n",
        "evalspan.record.id": "r",
    }
    shared = {"evalspan.experiment.metadata.commit": "abc", "evalspan.project.name": "p"}
    one, earlier = span({**case, **shared}), span({**case, **shared}, start_time_unix_nano=START - 10**9)
    await service.ingest.export(Signal.TRACES, traces(one, earlier))
    row = service.store.query("SELECT * FROM experiments_data WHERE experiment_id = 'unannounced'")
    assert len(row) == 1
    assert (row[0]["revision"], row[0]["project"], row[0]["experiment_name"]) == (0, "p", "n")
    assert row[0]["metadata_map"] == {"commit": "abc"}
    assert row[0]["created_at"].timestamp() * 1e9 == START - 10**9


async def test_an_experiment_that_has_a_row_is_left_alone(service: Service) -> None:
    service.store.insert(
        "experiments_data", {"experiment_id": ["announced"], "experiment": ["api"], "revision": [5]}
    )
    one = span({"evalspan.experiment.id": "announced", "evalspan.experiment.name": "spans"})
    await service.ingest.export(Signal.TRACES, traces(one))
    rows = service.store.query("SELECT experiment FROM experiments_data WHERE experiment_id = 'announced'")
    assert [row["experiment"] for row in rows] == ["api"]


async def test_spans_of_other_services_join_the_experiment_of_their_trace(service: Service) -> None:
    trace = trace_id()
    case = span(
        {"evalspan.experiment.id": "joined", "evalspan.experiment.name": "j", "evalspan.record.id": "r"},
        trace_id=trace,
    )
    other = span({"http.request.method": "GET"}, trace_id=trace, parent_span_id=case.span_id)
    await service.ingest.export(Signal.TRACES, traces(other, resource={"service.name": "stock"}))
    await service.ingest.export(Signal.TRACES, traces(case))
    rows = service.store.query(
        "SELECT service_name FROM spans WHERE experiment_id = 'joined' ORDER BY service_name"
    )
    assert [row["service_name"] for row in rows] == ["checkout", "stock"]


@pytest.mark.parametrize(
    ("attributes", "cost", "source"),
    [
        ({"gen_ai.usage.cost": 0.25}, "0.25", "reported"),
        ({"gen_ai.usage.cost": 0.0}, "0", "reported"),
        ({"gen_ai.provider.name": "openai", "gen_ai.request.model": "gpt-4o"}, "0.0035", "genai-prices@"),
        ({"gen_ai.provider.name": "openai", "gen_ai.request.model": "made-up"}, None, ""),
        ({"gen_ai.provider.name": "x_ai", "gen_ai.request.model": "grok-4"}, "0.0045", "genai-prices@"),
    ],
)
async def test_a_cost_is_reported_or_looked_up_or_unknown(
    service: Service, attributes: dict[str, object], cost: str | None, source: str
) -> None:
    usage = {
        "gen_ai.operation.name": "chat",
        "gen_ai.usage.input_tokens": 1000,
        "gen_ai.usage.output_tokens": 100,
    }
    one = span({**usage, **attributes})
    await service.ingest.export(Signal.TRACES, traces(one))
    row = service.span_row(one)
    assert (None if row["cost_usd"] is None else f"{row['cost_usd'].normalize():f}") == cost
    assert row["cost_source"].startswith(source) if source else row["cost_source"] == ""


async def test_an_llm_span_whose_tokens_nobody_can_read_has_none_and_is_counted(service: Service) -> None:
    before = service.ingest.stats().llm_spans_without_tokens
    one = span({"gen_ai.operation.name": "chat", "gen_ai.usage.input_tokens": "many"})
    await service.ingest.export(Signal.TRACES, traces(one))
    row = service.span_row(one)
    assert (row["input_tokens"], row["total_tokens"], row["cost_usd"]) == (None, None, None)
    assert service.ingest.stats().llm_spans_without_tokens == before + 1
