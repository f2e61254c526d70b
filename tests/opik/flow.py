"""Everything that a client writes of a small experiment, as single requests that can be put in any order."""

from __future__ import annotations

import itertools
import json
import uuid
from collections.abc import Iterable
from typing import Any, Final

import httpx

Write = tuple[str, str, dict[str, Any]]
"""(method, path, body)."""

_numbers = itertools.count(1)
_START: Final = 1_767_225_600_000  # milliseconds: 2026-01-01
_INTERNAL: Final = "__opik_eval_internal__"
PRIVATE: Final = "/v1/private"
ITEMS: Final = {name: str(uuid.UUID(int=(_START << 80) | (7 << 76) | (2 << 62) | number))
                for number, name in enumerate(("first", "second"), 1)}  # fmt: skip


def identity(offset: int = 0) -> str:
    """A new UUID of version 7, of some milliseconds after the start."""
    return str(uuid.UUID(int=((_START + offset) << 80) | (7 << 76) | (2 << 62) | next(_numbers)))


def moment(offset: int) -> str:
    return f"2026-01-01T00:00:{offset:02d}.000000Z"


def prepare(opik: httpx.Client) -> None:
    """The dataset."""
    body = {"name": "questions", "project_name": "flow"}
    send(opik, [("POST", f"{PRIVATE}/datasets", body)])
    items = [
        {"id": found, "source": "sdk", "data": {"input": {"q": name}, "expected_output": name.upper()}}
        for name, found in ITEMS.items()
    ]
    given = {"dataset_name": "questions", "project_name": "flow", "items": items}
    send(opik, [("PUT", f"{PRIVATE}/datasets/items", given)])


def begin(opik: httpx.Client) -> str:
    """A new experiment."""
    made = identity()
    body = {"id": made, "name": "flow", "dataset_name": "questions", "project_name": "flow"}
    send(opik, [("POST", f"{PRIVATE}/experiments", body)])
    return made


def writes(experiment: str) -> list[Write]:
    """Of two executions of one item, the later of which failed."""
    return [
        *_execution(experiment, "first", 1, {"output": {"a": "FIRST"}}),
        *_execution(
            experiment, "first", 11,
            {"error_info": {"exception_type": "ValueError", "message": "no", "traceback": "at line 1"}},
        ),
    ]  # fmt: skip


def _execution(experiment: str, item: str, at: int, outcome: dict[str, Any]) -> list[Write]:
    trace = identity(at)
    task, metrics, judge, call = (identity(at) for _ in range(4))
    spans = [
        _span(trace, task, "task", at, type="general", output={"done": True}),
        _span(trace, metrics, "metrics_calculation", at + 3, tags=[_INTERNAL]),
        _span(trace, judge, "judge", at + 3, parent_span_id=metrics),
        _span(trace, call, "model", at + 3, parent_span_id=judge, **_usage(100)),
        _span(trace, identity(at), "model", at + 1, parent_span_id=task, **_usage(10)),
    ]
    opened = {"id": trace, "project_name": "flow", "name": "evaluation_task", "start_time": moment(at),
              "input": {"q": item}, "last_updated_at": moment(at)}  # fmt: skip
    ended = {**opened, **outcome, "end_time": moment(at + 4), "last_updated_at": moment(at + 4)}
    update = {"project_name": "flow", "tags": ["late"], "metadata": {"n": at}}
    half = {"trace_id": trace, "project_name": "flow", "end_time": moment(at + 2), "output": {"half": 1}}
    return [
        ("POST", f"{PRIVATE}/traces/batch", {"traces": [opened]}),
        ("POST", f"{PRIVATE}/traces/batch", {"traces": [ended]}),
        ("PATCH", f"{PRIVATE}/traces/{trace}", update),
        ("POST", f"{PRIVATE}/spans/batch", {"spans": spans[:2]}),
        ("POST", f"{PRIVATE}/spans/batch", {"spans": spans[2:]}),
        ("PATCH", f"{PRIVATE}/spans/{task}", half),
        ("PUT", f"{PRIVATE}/traces/feedback-scores",
         {"scores": [{"id": trace, "name": "right", "value": at / 10, "reason": item, "source": "sdk"}]}),
        ("PUT", f"{PRIVATE}/spans/feedback-scores",
         {"scores": [{"id": call, "name": "terse", "value": 1, "source": "sdk"}]}),
        ("POST", f"{PRIVATE}/experiments/items",
         {"experiment_items": [{"id": identity(at), "experiment_id": experiment, "trace_id": trace,
                                "dataset_item_id": ITEMS[item], "project_name": "flow"}]}),
    ]  # fmt: skip


def _span(trace: str, span: str, name: str, at: int, **more: Any) -> dict[str, Any]:
    return {"id": span, "trace_id": trace, "project_name": "flow", "name": name, "start_time": moment(at),
            "end_time": moment(at + 1), "last_updated_at": moment(at + 1), **more}  # fmt: skip


def _usage(tokens: int) -> dict[str, Any]:
    used = {"prompt_tokens": tokens, "completion_tokens": 1, "total_tokens": tokens + 1}
    return {"type": "llm", "model": "gpt-4o-mini", "provider": "openai", "usage": used}


def send(opik: httpx.Client, requests: Iterable[Write]) -> None:
    for method, path, body in requests:
        answer = opik.request(method, path, json=body)
        assert answer.is_success, f"{method} {path}: {answer.status_code} {answer.text}"


RESULTS = """
SELECT record_id, run_iteration, project, input, output, expected_output, status, error, error_type,
    llm_calls, total_tokens, cost_usd, duration_ms, toString(started_at) AS started_at, scores, metadata, tags
FROM experiment_results WHERE experiment_id = {experiment:String} ORDER BY record_id, run_iteration
"""
SPANS = """
SELECT s.run_iteration AS run_iteration, s.record_id AS record_id, s.name AS name, s.span_type AS type,
    s.evaluator AS evaluator, p.name AS parent, s.total_tokens AS tokens, s.input AS input,
    s.output AS output, s.status AS status, toString(s.start_time) AS start, s.duration_ns AS duration,
    s.attributes['evalspan.project.name'] AS project
FROM spans AS s LEFT JOIN spans AS p ON p.trace_id = s.trace_id AND p.span_id = s.parent_span_id
WHERE s.experiment_id = {experiment:String} ORDER BY ALL
"""
SCORES = """
SELECT record_id, run_iteration, name, score_value, explanation
FROM evaluations WHERE experiment_id = {experiment:String} ORDER BY ALL
"""


def state(endpoint: str, experiment: str) -> str:
    """What the views say of an experiment, without the ids that differ from one to the next."""
    found: list[list[Any]] = []
    for question in (RESULTS, SPANS, SCORES):
        given = {"param_experiment": experiment}
        answer = httpx.post(f"{endpoint}/sql", content=question, params=given, timeout=60)
        found.append([json.loads(line) for line in answer.raise_for_status().text.splitlines()])
    return json.dumps(found, indent=1, sort_keys=True)
