"""opik.evaluate as its documentation shows it: a tracked task with a call of a model, two metrics, trials."""

import json
import os

import opik
from opik.evaluation.metrics import Contains, Equals, base_metric, score_result

project = os.environ["PROJECT"]
trials, threads = int(os.environ.get("TRIALS", "1")), int(os.environ.get("THREADS", "4"))
records = int(os.environ.get("RECORDS", "4"))
fails = os.environ.get("FAILS", "")

client = opik.Opik(project_name=project)
dataset = client.create_dataset("questions", project_name=project)
dataset.insert([{"question": f"{n}+{n}", "expected_output": str(2 * n)} for n in range(records)])


@opik.track(type="llm", name="model")
def model(question):
    opik.opik_context.update_current_span(
        model="gpt-4o-mini",
        provider="openai",
        usage={"prompt_tokens": 10, "completion_tokens": 3, "total_tokens": 13},
    )
    return str(2 * int(question.partition("+")[0]))


@opik.track(type="llm", name="judge")
def judge():
    opik.opik_context.update_current_span(
        model="gpt-4o-mini",
        provider="openai",
        usage={"prompt_tokens": 1000, "completion_tokens": 1, "total_tokens": 1001},
    )


def task(item):
    if fails == "task" and item["question"] == "1+1":
        raise ValueError("no idea")
    return {"output": model(item["question"]), "reference": item["expected_output"]}


class Judged(base_metric.BaseMetric):
    def score(self, output, **ignored):
        judge()
        if fails == "metric" and output == "2":
            raise RuntimeError("cannot tell")
        return score_result.ScoreResult(name=self.name, value=0.5, reason="a hunch")


try:
    result = opik.evaluate(
        dataset=dataset,
        task=task,
        scoring_metrics=[Equals(), Contains(), Judged(name="judged")],
        experiment_name="sums",
        project_name=project,
        experiment_config={"prompt": "add"},
        trial_count=trials,
        task_threads=threads,
        verbose=0,
    )
    identity, error = result.experiment_id, ""
except ValueError as raised:
    identity, error = "", str(raised)
client.end()
print(json.dumps({"experiment_id": identity, "error": error}))
