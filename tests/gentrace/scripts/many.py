"""As many concurrent cases as the first argument says, each of a stored test case, in one experiment."""

from __future__ import annotations

import asyncio
import json
import sys
import threading
from typing import Any

import gentrace
from gentrace import eval_dataset, experiment, interaction, traced
from opentelemetry import trace

COUNT, PIPELINE = int(sys.argv[1]), sys.argv[2]
lock = threading.Lock()


@traced(name="step")
def step(number: int) -> int:
    return number + 1


@interaction(pipeline_id=PIPELINE, name="work")
def work(number: int) -> dict[str, Any]:
    return {"number": step(number), "score.odd": bool(number % 2)}


def case(given: Any) -> dict[str, Any]:
    trace.get_current_span().set_attribute("score.number", given.inputs["number"])
    return work(given.inputs["number"])


async def main() -> None:
    gentrace.init()
    data = gentrace.datasets.create(name="many", description=None, pipeline_id=PIPELINE)
    for number in range(COUNT // 2):
        gentrace.test_cases.create(
            dataset_id=data.id, name=f"case {number}", inputs={"number": number},
            expected_outputs={"number": number + 1},
        )  # fmt: skip
    cases = gentrace.test_cases.list(dataset_id=data.id).data

    @experiment(pipeline_id=PIPELINE, options={"name": "many"})
    async def run() -> None:
        await eval_dataset(data=[*cases, *cases], interaction=case, max_concurrency=100)

    print(json.dumps({"experiment": (await run()).id}))


asyncio.run(main())
