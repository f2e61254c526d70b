"""What `evalspan demo` shows: two models answer questions, three times each, over real HTTP and OTLP.

It is also the shortest complete example: a task with a tool step and a model call, evaluators of
every kind, a summary, and the SQL that reads the results.
"""

from __future__ import annotations

from collections.abc import Callable
from difflib import SequenceMatcher
from typing import Any

import httpx
from opentelemetry import trace

import evalspan
from evalspan import attributes as a
from evalspan.demo.llm import ReplayServer
from evalspan.demo.questions import LARGE, RECORDS, SMALL, Models

__all__ = ["SQL", "demo_experiment", "run"]

_SUFFIX = "Answer on the last line, with nothing but the answer."
_tracer = trace.get_tracer("evalspan.demo")


def run(endpoint: str) -> list[evalspan.ExperimentResult]:
    """Runs both experiments against the service at `endpoint`."""
    evalspan.init(endpoint=endpoint)
    with ReplayServer(Models().answer, latency=0.02) as llm, httpx.Client(base_url=llm.base_url) as client:
        return [demo_experiment(model, client).run(jobs=4) for model in (SMALL, LARGE)]


def demo_experiment(model: str, client: httpx.Client) -> evalspan.Experiment:
    """Three runs of one model over the questions; `client` speaks to an OpenAI-compatible server."""
    return evalspan.experiment(
        name=model,
        task=_task(client),
        dataset=evalspan.Dataset(RECORDS, name="demo-questions"),
        evaluators=[exact_match, similarity, tone],
        summary_evaluators=[weakest_topic],
        runs=3,
        config={"model": model, "temperature": 0.0},
        project="demo",
    )


def _task(client: httpx.Client) -> Callable[..., str]:
    def answer_question(input_data: dict[str, str], config: dict[str, Any]) -> str:
        messages = [{"role": "system", "content": instructions(input_data["question"])}]
        messages.append({"role": "user", "content": input_data["question"]})
        response = client.post("/chat/completions", json={**config, "messages": messages})
        response.raise_for_status()
        return response.json()["choices"][0]["message"]["content"]

    return answer_question


def instructions(question: str) -> str:
    """The tool step: chooses the instructions for a question."""
    with _tracer.start_as_current_span("execute_tool instructions") as span:
        kind = "Calculate carefully." if any(map(str.isdigit, question)) else "Name the city."
        span.set_attributes({a.SPAN_TYPE: a.TOOL, a.TOOL_CALL_ARGUMENTS: question, a.TOOL_CALL_RESULT: kind})
        return f"{kind} {_SUFFIX}"


def exact_match(output_data: str, expected_output: str) -> bool:
    return _last_line(output_data) == expected_output


def similarity(output_data: str, expected_output: str) -> float:
    return round(SequenceMatcher(None, _last_line(output_data), expected_output).ratio(), 3)


def tone(output_data: str) -> evalspan.EvaluatorResult:
    opening = output_data.split("\n")[0]
    label = "hesitant" if "think" in opening else "eager" if "!" in opening else "plain"
    return evalspan.EvaluatorResult(label, reasoning=f"It opens with {opening!r}.")


def weakest_topic(
    inputs: list[dict[str, str]], outputs: list[str], expected_outputs: list[str]
) -> evalspan.EvaluatorResult:
    """A summary, once per run: where most answers were wrong."""
    missed = {"arithmetic": 0, "capitals": 0}
    for given, output, expected in zip(inputs, outputs, expected_outputs, strict=True):
        missed["capitals" if "capital" in given["question"] else "arithmetic"] += not exact_match(
            output, expected
        )
    return evalspan.EvaluatorResult(
        max(missed, key=missed.__getitem__), reasoning=f"Wrong answers: {missed}."
    )


def _last_line(text: str) -> str:
    return text.rsplit("\n", 1)[-1].strip()


SQL: list[tuple[str, str]] = [
    (
        "How right is each model, in each run?",
        """SELECT experiment_name, run_iteration, count() AS answers,
    round(avg(scores['exact_match']), 3) AS accuracy
FROM experiment_results
WHERE project = 'demo'
GROUP BY ALL ORDER BY ALL""",
    ),
    (
        "Which questions did only the small model get right?",
        """SELECT record_id, any(input) AS question,
    avgIf(scores['exact_match'], experiment = 'pretend-small') AS small,
    avgIf(scores['exact_match'], experiment = 'pretend-large') AS large
FROM experiment_results
WHERE project = 'demo'
GROUP BY record_id HAVING small > 0 AND large = 0 ORDER BY record_id""",
    ),
    (
        "What did the model calls take?",
        """SELECT request_model, count() AS calls, sum(input_tokens) AS input_tokens,
    sum(output_tokens) AS output_tokens, round(quantile(0.95)(duration_ns) / 1e6, 1) AS p95_ms
FROM spans
WHERE span_type = 'LLM' AND request_model LIKE 'pretend-%'
GROUP BY ALL ORDER BY ALL""",
    ),
]
"""Titles and statements that `evalspan demo` prints with their results."""
