"""The records, tasks and evaluators that the tests of experiments share."""

from __future__ import annotations

from typing import Any

from evalspan import EvaluatorResult
from evalspan.sdk.lifecycle import Runtime

CAPITALS = [
    {
        "id": "china",
        "input_data": {"question": "What is the capital of China?"},
        "expected_output": "Beijing",
        "metadata": {"difficulty": "easy", "weight": 2},
        "tags": ["difficulty:easy"],
    },
    {
        "id": "korea",
        "input_data": {"question": "Which city serves as the capital of South Korea?"},
        "expected_output": "Seoul",
        "metadata": {"difficulty": "medium"},
        "tags": ["difficulty:hard", "env:prod"],
    },
]


def capital(input_data: dict[str, Any]) -> str:
    return "Beijing" if "China" in input_data["question"] else "Unknown"


def exact_match(input_data: Any, output_data: str, expected_output: str) -> bool:
    return output_data == expected_output


def overlap(input_data: Any, output_data: str, expected_output: str) -> float:
    return len(set(output_data) & set(expected_output)) / len(set(output_data) | set(expected_output))


def judge(input_data: Any, output_data: str, expected_output: str) -> EvaluatorResult:
    return EvaluatorResult(
        "excellent" if output_data != "Unknown" else "poor",
        reasoning="it explains itself",
        assessment="pass",
        tags={"task": "judge"},
    )


def num_exact_matches(
    inputs: Any, outputs: Any, expected_outputs: Any, evaluators_results: dict[str, list[Any]]
) -> int:
    return evaluators_results["exact_match"].count(True)


def rows(runtime: Runtime, query: str, **parameters: str | int) -> list[dict[str, Any]]:
    return list(runtime.client.sql(query, **parameters))


def numbers(count: int) -> list[dict[str, Any]]:
    return [{"id": f"r{number}", "input": number, "expected_output": number} for number in range(count)]
