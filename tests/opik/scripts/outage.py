"""An experiment whose service dies and comes back; the client lives on until all of it has arrived."""

import json
import pathlib
import time

import opik
from opik.evaluation.metrics import Equals

RECORDS = 20
client = opik.Opik(project_name="outage")
dataset = client.create_dataset("numbers", project_name="outage")
dataset.insert([{"q": number, "reference": str(number)} for number in range(RECORDS)])
begun = pathlib.Path("begun")
ready = pathlib.Path("back")


def task(item):
    if item["q"] == RECORDS // 2:
        begun.touch()
        while not ready.exists():
            time.sleep(0.05)
    return {"output": str(item["q"])}


result = opik.evaluate(
    dataset=dataset,
    task=task,
    scoring_metrics=[Equals()],
    experiment_name="through",
    task_threads=2,
    verbose=0,
)
deadline = time.monotonic() + 150
while time.monotonic() < deadline:
    client.flush()
    items = client.get_experiment_by_id(result.experiment_id).get_items()
    if len(items) == RECORDS and all(item.feedback_scores for item in items):
        break
    time.sleep(0.5)
client.end()
print(json.dumps({"experiment_id": result.experiment_id}))
