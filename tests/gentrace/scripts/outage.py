"""The same case again for every line that is read, in one experiment; says when it is done with one."""

from __future__ import annotations

import asyncio
import json
import sys

import gentrace
from gentrace import TestInput, eval_dataset, experiment, interaction

DATA = [TestInput(name="again", inputs={"n": 1})]


@interaction(name="work")
def work(n: int) -> dict[str, float]:
    return {"score.half": n / 2}


async def main() -> None:
    gentrace.init()

    @experiment(options={"name": "outage"})
    async def run() -> None:
        print("ready", flush=True)
        for _ in sys.stdin:
            await eval_dataset(data=DATA, interaction=lambda case: work(case.inputs["n"]))
            print("done", flush=True)

    print(json.dumps({"experiment": (await run()).id}))


asyncio.run(main())
