"""respan-api 0.1.10: the tutorial's dialect, with a prompt workflow and a custom one."""

import json
import os
import time

from respan import RespanClient

client = RespanClient(base_url=os.environ["BASE_URL"])
key = {"authorization": "Bearer any"}


def over(experiment_id):
    for _ in range(600):
        found = client.experiments.retrieve_experiment(experiment_id, **key)
        if found["status"] in ("completed", "failed"):
            return found
        time.sleep(0.1)
    raise SystemExit(f"{experiment_id} has no end")


dataset = client.datasets.create_dataset(name="older", is_empty=True, **key)
for name in ("Ada", "Bob"):
    client.datasets.create_dataset_log(dataset.id, input={"name": name}, **key)
rows = client.datasets.list_dataset_logs(dataset.id, **key)

prompt = client.prompts.create_prompt(name="older", **key)
messages = [{"role": "user", "content": "Hello {{name}}"}]
for _ in range(2):
    client.prompts.create_prompt_version(
        prompt.id, messages=messages, model="gpt-4o-mini", variables={"name": "string"}, **key
    )
client.prompts.update_prompt_version(prompt.id, 1, deploy=True, **key)

evaluator = client.evaluators.create_evaluator(
    name="Older", type="llm", score_value_type="boolean",
    configurations={"evaluator_definition": "Judge {{llm_output}}", "llm_engine": "gpt-4o-mini"}, **key,
)  # fmt: skip
slug = evaluator.evaluator_slug

filled = client.experiments.create_experiment(
    name="older prompt", dataset_id=dataset.id, evaluator_slugs=[slug],
    workflows=[{"type": "prompt", "config": {"prompt_id": prompt.id}}], **key,
)  # fmt: skip
ended = over(filled.id)
logs = client.experiments.list_experiment_spans(filled.id, **key)["results"]
detail = client.experiments.retrieve_experiment_span(filled.id, logs[0]["id"], **key)

custom = client.experiments.create_experiment(
    name="older custom", dataset_id=dataset.id, evaluator_slugs=[slug],
    workflows=[{"type": "custom", "allow_submission": True, "timeout_hours": 1}], **key,
)  # fmt: skip
pending = client.experiments.list_experiment_spans(custom.id, **key)["results"]
for log in pending:
    client.experiments.update_experiment_span(custom.id, log["id"], request={"output": "mine"}, **key)
over(custom.id)
judged = client.experiments.list_experiment_spans(custom.id, **key)["results"]
listed = client.experiments.list_experiments(**key)
client.experiments.delete_experiment(custom.id, **key)

print(json.dumps({
    "rows": rows.count,
    "status": ended["status"],
    "outputs": sorted(log["output"] for log in logs),
    "names": [span["span_name"] for span in detail["span_tree"][0]["children"]],
    "slug": slug,
    "pending": [log["status"] for log in pending],
    "judged": [log["scores"][slug]["boolean_value"] for log in judged],
    "listed": listed["count"] >= 2,
    "experiment_id": filled.id,
}))  # fmt: skip
