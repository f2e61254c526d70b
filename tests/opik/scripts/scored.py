"""An experiment on one version of a dataset, filtered, with a prompt, tags and scores of the whole; then
what the client reads of it."""

import json

import opik
from opik.evaluation.metrics import Equals, score_result

client = opik.Opik(project_name="scored")
dataset = client.get_or_create_dataset("letters")
dataset.insert([{"input": letter, "reference": letter.upper(), "kind": "old"} for letter in "abcd"])
dataset.insert([{"input": letter, "reference": letter.upper(), "kind": "new"} for letter in "ef"])
prompt = client.create_prompt("upper", "Upper case of {{letter}}")


@opik.track(type="llm")
def model(letter):
    opik.opik_context.update_current_span(
        model="gpt-4o-mini",
        provider="openai",
        usage={"prompt_tokens": 10, "completion_tokens": 3, "total_tokens": 13},
    )
    return "A" if letter == "b" else letter.upper()


def share(results):
    values = [each.score_results[0].value for each in results]
    return [score_result.ScoreResult(name="share", value=sum(values) / len(values))]


result = opik.evaluate(
    dataset=dataset.get_version_view("v1"),
    task=lambda item: {"output": model(item["input"])},
    scoring_metrics=[Equals()],
    experiment_config={"temperature": 0.5},
    experiment_tags=["nightly"],
    experiment_scoring_functions=[share],
    dataset_filter_string='data.input != "d"',
    prompts=[prompt],
    task_threads=1,
    verbose=0,
)
client.flush()
found = client.get_experiment_by_id(result.experiment_id).get_experiment_data()
client.end()
print(
    json.dumps(
        {
            "id": found.id,
            "named": found.name == result.experiment_name,
            "url": result.experiment_url,
            "tags": found.tags,
            "temperature": found.metadata["temperature"],
            "traces": found.trace_count,
            "quantiles": found.duration.p50 <= found.duration.p90 <= found.duration.p99,
            "cost": found.total_estimated_cost,
            "usage": found.usage,
            "feedback": [[each.name, each.value] for each in found.feedback_scores],
            "scores": [[each.name, each.value] for each in found.experiment_scores],
            "prompts": [each.prompt_version_id for each in found.prompt_versions] == [prompt.version_id],
            "version": found.dataset_version_summary.version_name,
            "status": found.status,
        }
    )
)
