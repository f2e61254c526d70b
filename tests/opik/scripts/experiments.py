"""What a user does with experiments beside running them; the last line is what the client saw."""

import json

import opik

client = opik.Opik(project_name="travel")
client.get_or_create_dataset("cities")
made = client.create_experiment(
    dataset_name="cities", name="named", experiment_config={"k": {"deep": [1]}}, tags=["a"]
)
nameless = client.create_experiment(dataset_name="cities").name
client.get_experiment_by_id(made.id)
by_id = made.get_experiment_data()
by_name = [each.name for each in client.get_experiments_by_name("named", project_name="travel")]
client.update_experiment(made.id, name="renamed", experiment_config={"k": 2})
after = made.get_experiment_data()
listed = client.get_dataset_experiments("cities", project_name="travel")
print(
    json.dumps(
        {
            "by_id": {
                "name": by_id.name,
                "tags": by_id.tags,
                "config": by_id.metadata,
                "dataset": by_id.dataset_name,
            },
            "by_name": by_name,
            "renamed": [after.name, after.metadata],
            "of_dataset": [each.name for each in listed if each.name != nameless],
            "nameless": nameless,
        }
    )
)
