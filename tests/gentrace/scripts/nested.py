"""An experiment that runs inside a span of the user's own: local cases without ids, twice, in threads, an
eval within an eval, work that goes on when its case is over, and a case that its schema refuses."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import gentrace
from gentrace import TestInput, eval, eval_dataset, experiment, interaction
from opentelemetry import trace
from pydantic import BaseModel

tracer = trace.get_tracer("some.library")


class Shape(BaseModel):
    number: int


def call(tokens: int) -> None:
    with tracer.start_as_current_span("chat") as span:
        span.set_attributes(
            {
                "gen_ai.operation.name": "chat",
                "gen_ai.provider.name": "openai",
                "gen_ai.request.model": "gpt-4o-mini",
                "gen_ai.usage.input_tokens": tokens,
                "gen_ai.usage.output_tokens": 1,
            }
        )


@interaction(name="double")
def double(number: int) -> int:
    call(number)
    return number * 2


async def later() -> None:
    await asyncio.sleep(0.2)
    call(5000)


async def main() -> None:
    gentrace.init()
    tasks: list[asyncio.Task[None]] = []
    data: list[Any] = [TestInput(name="n", inputs={"number": number}) for number in (10, 20, 20)]
    data += [TestInput(inputs={"number": "none"}), TestInput(id="mine", inputs={"number": 30})]

    @eval(name="inner")
    async def inner() -> bool:
        call(7)
        return True

    @eval(name="outer")
    async def outer() -> str:
        call(9)
        await inner()
        tasks.append(asyncio.create_task(later()))
        return "done"

    @experiment()
    async def run() -> None:
        await eval_dataset(data=data, schema=Shape, interaction=lambda case: double(case.inputs["number"]))
        await outer()

    with tracer.start_as_current_span("nightly"):
        call(100000)
        result = await run()
        await asyncio.gather(*tasks)
    print(json.dumps({"experiment": result.id, "pipeline": result.pipeline_id}))


asyncio.run(main())
