"""The experiment with Opik's client, which raises the error of a task when it is through."""

import capitals
import opik
from opik.evaluation.metrics import base_metric, score_result

client = opik.Opik(project_name="opik")
dataset = client.create_dataset("capitals", project_name="opik")
dataset.insert([{"input": given, "expected_output": expected} for given, expected in capitals.RECORDS])


@opik.track(type="llm", name="ask")
def call(country, output, usage):
    opik.opik_context.update_current_span(
        model=capitals.MODEL,
        provider=capitals.PROVIDER,
        usage={
            "prompt_tokens": usage["input"],
            "completion_tokens": usage["output"],
            "total_tokens": usage["input"] + usage["output"],
        },
    )
    return output


def ask(item):
    country = item["input"]["country"]
    return call(country, *capitals.answer(country))


class ExactMatch(base_metric.BaseMetric):
    def __init__(self):
        super().__init__(name="exact_match")

    def score(self, city, expected_output, **_):
        return score_result.ScoreResult(
            name=self.name, value=capitals.exact_match({"city": city}, expected_output)
        )


try:
    opik.evaluate(
        dataset=dataset,
        task=ask,
        scoring_metrics=[ExactMatch()],
        experiment_name="capitals",
        project_name="opik",
        trial_count=capitals.RUNS,
        verbose=0,
    )
except LookupError as error:
    print(error)
client.end()
