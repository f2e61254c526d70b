"""What a user does with datasets; the last line is what the client saw."""

import json

import opik

client = opik.Opik(project_name="shelf")
dataset = client.get_or_create_dataset("capitals", description="of the world")
dataset.insert(
    [
        {"input": {"q": "China?"}, "expected_output": "Beijing", "level": 1},
        {"input": {"q": "Kenya?"}, "expected_output": None, "level": 2},
        {"question": "Peru?", "nested": {"a": [1, 2.5, None, "ü"]}},
    ]
)
dataset.insert([{"question": "Peru?", "nested": {"a": [1, 2.5, None, "ü"]}}])
first = dataset.get_version_info()
items = dataset.get_items()
easy = next(each for each in items if each.get("level") == 1)
dataset.update([{**easy, "input": {"q": "The capital of China?"}}])
dataset.delete([each["id"] for each in items if each.get("question")])

again = client.get_dataset("capitals")
view = again.get_version_view("v1")
print(
    json.dumps(
        {
            "first": [first.version_name, first.items_total, first.items_added],
            "kept": sorted(json.dumps({**each, "id": 0}, sort_keys=True) for each in items),
            "now": [
                sorted(each["input"]["q"] for each in again.get_items()),
                again.get_version_info().version_name,
            ],
            "then": sorted(json.dumps({**each, "id": 0}, sort_keys=True) for each in view.get_items()),
            "filtered": [each["level"] for each in again.get_items(filter_string='data.level = "2"')],
            "streamed": len(list(again.__internal_api__stream_items_as_dataclasses__())),
            "listed": [each.name for each in client.get_datasets(project_name="shelf")],
        }
    )
)
