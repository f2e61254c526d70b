"""The experiment with evalspan's own SDK."""

import asyncio

import capitals

import evalspan
from evalspan import eval_dataset, experiment


def ask(case):
    output, usage = capitals.answer(case.inputs["country"])
    with evalspan.span("ask", span_type="LLM") as call:
        call.set_attribute("gen_ai.provider.name", capitals.PROVIDER)
        call.set_attribute("gen_ai.request.model", capitals.MODEL)
        call.set_attribute("gen_ai.usage.input_tokens", usage["input"])
        call.set_attribute("gen_ai.usage.output_tokens", usage["output"])
    return output


def exact_match(output_data, expected_output):
    return capitals.exact_match(output_data, expected_output)


@experiment(name="capitals", project="evalspan")
async def run():
    data = [{"input": given, "expected_output": expected} for given, expected in capitals.RECORDS]
    dataset = evalspan.Dataset(data, name="capitals")
    for _ in range(capitals.RUNS):
        await eval_dataset(data=dataset, interaction=ask, evaluators=[exact_match])


asyncio.run(run())
