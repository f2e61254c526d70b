"""The experiment with Datadog's client."""

import capitals
from ddtrace.llmobs import LLMObs

LLMObs.enable(project_name="ddtrace")


def ask(input_data, config=None):
    output, usage = capitals.answer(input_data["country"])
    with LLMObs.llm(model_name=capitals.MODEL, model_provider=capitals.PROVIDER, name="ask") as span:
        LLMObs.annotate(
            span,
            input_data=input_data["country"],
            output_data=output["city"],
            metrics={"input_tokens": usage["input"], "output_tokens": usage["output"]},
        )
    return output


def exact_match(input_data, output_data, expected_output):
    if output_data is None:
        raise ValueError("nothing to judge")
    return capitals.exact_match(output_data, expected_output)


dataset = LLMObs.create_dataset(
    dataset_name="capitals",
    project_name="ddtrace",
    records=[{"input_data": given, "expected_output": expected} for given, expected in capitals.RECORDS],
)
LLMObs.experiment(
    name="capitals", task=ask, dataset=dataset, evaluators=[exact_match], runs=capitals.RUNS
).run()
