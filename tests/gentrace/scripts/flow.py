"""A script of Gentrace's client: a stored dataset, `eval_dataset` over it twice, and `eval`s beside it.

Prints what the client was given.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
from typing import Any

import gentrace
from gentrace import eval, eval_dataset, experiment, interaction, traced
from opentelemetry import trace

PIPELINE = sys.argv[1]
QUESTIONS = {"China": "Beijing", "France": "Paris", "Peru": "Lima", "Chad": "N'Djamena"}


@traced(name="look up", attributes={"table": "capitals", "rows": 4})
def look_up(country: str) -> str:
    with trace.get_tracer("some.library").start_as_current_span("chat") as span:
        span.set_attributes(
            {
                "gen_ai.operation.name": "chat",
                "gen_ai.provider.name": "openai",
                "gen_ai.request.model": "gpt-4o-mini",
                "gen_ai.usage.input_tokens": 1000,
                "gen_ai.usage.output_tokens": 100,
            }
        )
    return "Beijing" if country == "China" else QUESTIONS[country].upper()


@interaction(pipeline_id=PIPELINE, name="answer")
async def answer(country: str, style: str = "short") -> dict[str, Any]:
    if country == "Chad":
        raise ValueError("no such country")
    return {"answer": look_up(country), "style": style}


async def run_case(case: Any) -> dict[str, Any]:
    result = await answer(case.inputs["country"])
    exact = result["answer"] == case.expected_outputs["answer"]
    span = trace.get_current_span()
    span.set_attribute("score.exact_match", float(exact))
    span.set_attribute("score.upper", result["answer"].isupper())
    return {**result, "score.exact_match": float(exact), "score.length": len(result["answer"])}


async def main() -> None:
    gentrace.init()
    dataset = gentrace.datasets.create(name="capitals", description=None, pipeline_id=PIPELINE)
    for country, capital in QUESTIONS.items():
        gentrace.test_cases.create(
            dataset_id=dataset.id,
            name=f"capital of {country}",
            inputs={"country": country},
            expected_outputs={"answer": capital},
        )
    cases = (await gentrace.test_cases_async.list(dataset_id=dataset.id)).data

    @experiment(pipeline_id=PIPELINE, options={"name": "capitals", "metadata": {"commit": "abc123", "n": 1}})
    async def capitals() -> None:
        await eval_dataset(data=cases, interaction=run_case)
        await eval_dataset(data=cases, interaction=run_case, max_concurrency=2)

        @eval(name="judged", metadata={"grader": "strict", "limits": {"max": 3}})
        async def judged(text: str, *, size: int) -> float:
            return len(text) / size

        @eval(name="broken")
        def broken() -> None:
            raise KeyError("absent")

        for _ in range(2):
            await judged("abc", size=6)
        with contextlib.suppress(KeyError):
            await broken()

    result = await capitals()
    given = {"experiment": result.id, "url": result.url, "dataset": dataset.id}
    print(json.dumps({**given, "cases": [case.id for case in cases]}))


asyncio.run(main())
