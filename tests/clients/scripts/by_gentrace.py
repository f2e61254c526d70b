"""The experiment with Gentrace's client."""

import asyncio

import capitals
from gentrace import datasets, eval_dataset, experiment, init, pipelines, test_cases
from opentelemetry import trace

init()
tracer = trace.get_tracer("app")
pipeline = pipelines.create(slug="gentrace")
dataset = datasets.create(name="capitals", description=None, pipeline_id=pipeline.id)
for given, expected in capitals.RECORDS:
    test_cases.create(dataset_id=dataset.id, name=given["country"], inputs=given, expected_outputs=expected)


def ask(case):
    output, usage = capitals.answer(case.inputs["country"])
    with tracer.start_as_current_span("ask") as call:
        call.set_attribute("gen_ai.operation.name", "chat")
        call.set_attribute("gen_ai.provider.name", capitals.PROVIDER)
        call.set_attribute("gen_ai.request.model", capitals.MODEL)
        call.set_attribute("gen_ai.usage.input_tokens", usage["input"])
        call.set_attribute("gen_ai.usage.output_tokens", usage["output"])
    score = capitals.exact_match(output, case.expected_outputs)
    trace.get_current_span().set_attribute("score.exact_match", score)
    return output


@experiment(pipeline_id=pipeline.id, options={"name": "capitals"})
async def run():
    cases = test_cases.list(dataset_id=dataset.id).data
    for _ in range(capitals.RUNS):
        await eval_dataset(data=cases, interaction=ask, show_progress_bar=False)


asyncio.run(run())
