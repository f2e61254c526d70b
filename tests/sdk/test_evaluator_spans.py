"""What an evaluator does is told apart from what it judges."""

from __future__ import annotations

import uuid

from opentelemetry.sdk.trace import TracerProvider

import evalspan
from evalspan import attributes
from evalspan.sdk.lifecycle import Runtime


def call(provider: TracerProvider, model: str) -> None:
    values = {attributes.OPERATION_NAME: "chat", attributes.REQUEST_MODEL: model}
    values[attributes.RESPONSE_ID] = uuid.uuid4().hex
    usage = {attributes.USAGE_INPUT_TOKENS: 10, attributes.USAGE_OUTPUT_TOKENS: 1}
    with provider.get_tracer("app").start_as_current_span(f"chat {model}", attributes={**values, **usage}):
        pass


def test_a_judges_calls_carry_its_name_and_are_not_the_cases_use(runtime: Runtime) -> None:
    def task(input_data: int) -> int:
        call(runtime.provider, "task-model")
        return input_data

    def judge(output_data: int) -> bool:
        call(runtime.provider, "judge-model")
        return output_data > 0

    result = evalspan.experiment(
        name=f"judged-{uuid.uuid4().hex}", task=task, dataset=[{"input": 1}], evaluators=[judge]
    ).run()
    calls = runtime.client.sql(
        "SELECT evaluator, request_model FROM spans WHERE experiment_id = {id:String} AND span_type = 'LLM' "
        "ORDER BY evaluator",
        id=result.experiment_id,
    )
    assert [tuple(row.values()) for row in calls] == [("", "task-model"), ("judge", "judge-model")]
    [used] = runtime.client.sql(
        "SELECT llm_calls, total_tokens FROM experiment_results WHERE experiment_id = {id:String}",
        id=result.experiment_id,
    )
    assert {name: int(value) for name, value in used.items()} == {"llm_calls": 1, "total_tokens": 11}
