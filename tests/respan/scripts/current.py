"""respan-api 0.1.47: a completion and a submitted experiment, from the dataset to the histogram."""

import json
import os
import time

from respan import RespanClient
from respan.experiments import CreateExperimentRequestWorkflowItem as Step
from respan.types import DatasetLogCreateRequest as Row

client = RespanClient(base_url=os.environ["BASE_URL"], authorization="Bearer any")


def over(experiment_id):
    for _ in range(600):
        found = client.experiments.retrieve_experiment(experiment_id)
        if found.status in ("completed", "failed"):
            return found
        time.sleep(0.1)
    raise SystemExit(f"{experiment_id} has no end")


dataset = client.datasets.create_dataset(name="current", description="d", is_empty=True)
row = client.datasets.create_dataset_log(dataset.id, input="say one", expected_output="one")
bulk = client.datasets.bulk_create_dataset_logs(
    dataset.id, logs=[Row(input="say two", expected_output="two"), Row(input="say three")]
)
patched = client.datasets.update_dataset_log(dataset.id, row.unique_id, metadata={"first": True})
client.datasets.retrieve_dataset_log(dataset.id, row.unique_id)
rows = client.datasets.list_dataset_logs(dataset.id, page_size=2, sort_by="created_at")
client.datasets.update_dataset(dataset.id, description="changed", tags=["t"])

evaluator = client.evaluators.create_evaluator(
    name="Says", type="llm", score_value_type="boolean",
    llm_config={"model": "gpt-4o-mini", "evaluator_definition": "Judge {{output}}"},
)  # fmt: skip
committed = client.evaluators.create_evaluator_version(evaluator.id)
trial = client.evaluators.run_evaluator(evaluator.id, inputs={"input": "say one", "output": "one"})

made = client.experiments.create_experiment(
    dataset_id=dataset.id,
    workflow=[Step(type="completion", config={"model": "gpt-4o-mini", "max_tokens": 20})],
    evaluator_ids=[evaluator.id],
    name="current completion",
)
ended = over(made.id)
listed = list(
    client.experiments.list_experiments(filters={"name": {"operator": "contains", "value": ["CURRENT"]}})
)
logs = list(client.experiments.list_experiment_spans(made.id, page_size=2, preview_length=6))
detail = client.experiments.retrieve_experiment_span(made.id, logs[0].id)
summary = client.experiments.filter_experiment_spans_summary(made.id)
scored = summary.scores[committed.evaluator_slug]
histogram = client.experiments.filter_experiment_score_histogram(made.id, evaluator_id=evaluator.id, bins=4)
renamed = client.experiments.update_experiment(made.id, name="renamed")

waits = client.experiments.create_experiment(
    dataset_id=dataset.id, workflow=[Step(type="wait", config={})], evaluator_slugs=[evaluator.id]
)
pending = list(client.experiments.list_experiment_spans(waits.id))
for log in pending:
    said = {"said": log.input}
    metrics = {"cost": 0.01, "latency": 0.5}
    client.experiments.update_experiment_span(
        waits.id, log.id, input=log.input, output=said, metrics=metrics, metadata={}
    )
submitted = over(waits.id)
score = client.scores.create_span_score(
    logs[0].id, evaluator_id=client.evaluators.create_evaluator(
        name="Person", type="human", score_value_type="text").id, string_value="good",
)  # fmt: skip
report = client.datasets.run_eval_on_dataset(dataset.id, evaluator_ids=[evaluator.id])
reports = client.datasets.list_dataset_eval_runs(dataset.id)
removed = client.experiments.delete_experiment(waits.id)

print(json.dumps({
    "rows": [bulk.success_count, rows.count, len(rows.results), patched.metadata],
    "trial": trial.boolean_value,
    "experiment": [made.status, ended.status, ended.progress, listed[0].id == made.id, renamed.name],
    "logs": [len(logs), max(len(log.output) for log in logs), len(detail.output) > 6, len(detail.span_tree)],
    "slug": committed.evaluator_slug,
    "scores": [log.scores[committed.evaluator_slug].boolean_value for log in logs],
    "summary": [summary.number_of_requests, summary.total_tokens > 0, scored.true_count],
    "histogram": [each.count for each in histogram.bins],
    "pending": [log.status for log in pending],
    "submitted": submitted.status,
    "score": score.string_value,
    "reports": [len(report.created_tasks), reports.count],
    "experiment_id": made.id,
}))  # fmt: skip
