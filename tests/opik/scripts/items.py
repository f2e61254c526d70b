"""Experiment items read back and written in bulk; an experiment that is taken up again after a failure."""

import json
import time
from datetime import UTC, datetime, timedelta

import opik
from opik.api_objects.experiment import bulk_item
from opik.evaluation.metrics import Equals

START = datetime(2026, 1, 1, tzinfo=UTC)
client = opik.Opik(project_name="again")
dataset = client.create_dataset("letters", project_name="again")
dataset.insert([{"letter": letter, "reference": letter.upper()} for letter in "abc"])
broken = ["b"]


def task(item):
    if item["letter"] in broken:
        raise ValueError("not yet")
    return {"output": item["letter"].upper()}


first = ""
try:
    opik.evaluate(
        dataset=dataset, task=task, scoring_metrics=[Equals()], experiment_name="capitals", trial_count=2,
        project_name="again", task_threads=1, verbose=0,
    )  # fmt: skip
except ValueError as error:
    first = str(error)
experiment = client.get_experiments_by_name("capitals", project_name="again")[0]
before = []
for _ in range(300):  # a task that raises leaves evaluate before its own client has sent all
    before = [[item.evaluation_task_output, len(item.feedback_scores)] for item in experiment.get_items()]
    if [None, 0] in before:
        break
    time.sleep(0.1)
broken.clear()
opik.evaluate_resume(experiment.id, task=task, scoring_metrics=[Equals()], verbose=0, task_threads=2)
client.flush()
after = [
    [
        item.dataset_item_data["letter"],
        item.evaluation_task_output,
        [s["value"] for s in item.feedback_scores],
    ]
    for item in client.get_experiment_by_id(experiment.id).get_items()
]

uploaded = client.create_experiment(dataset_name="letters", name="uploaded", project_name="again")
records = []
for number, item in enumerate(dataset.get_items()):
    span = bulk_item.ExperimentItemBulkSpan(
        start_time=START, end_time=START + timedelta(seconds=1), name="call", type="llm", model="gpt-4o-mini",
        provider="openai", usage={"prompt_tokens": 5, "completion_tokens": 1, "total_tokens": 6},
    )  # fmt: skip
    trace = bulk_item.ExperimentItemBulkTrace(
        start_time=START, end_time=START + timedelta(seconds=2), name="run", output={"output": number}
    )
    score = {"name": "size", "value": float(number)}
    if number:
        record = bulk_item.ExperimentItemBulkRecord(
            item["id"], trace=trace, spans=[span], feedback_scores=[score]
        )
    else:
        record = bulk_item.ExperimentItemBulkRecord(item["id"], evaluate_task_result={"output": "bare"})
    records.append(record)
uploaded.batch_upload_items(records)
bulk = [
    [item.evaluation_task_output, [[s["name"], s["value"]] for s in item.feedback_scores]]
    for item in uploaded.get_items()
]
client.end()
print(
    json.dumps(
        {
            "first": first,
            "before": before,
            "after": after,
            "bulk": bulk,
            "experiment": experiment.id,
            "uploaded": uploaded.id,
        }
    )
)
