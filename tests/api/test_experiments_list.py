"""GET /experiments: filters, pages, and the containment of metadata against a naive statement of it."""

from __future__ import annotations

import itertools
import json
from typing import Any, cast

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

V2 = "/api/v2/llm-obs/v1"
Json = Any
_numbers = itertools.count(1)


class Api:
    """The calls of these tests, in one project."""

    def __init__(self, client: httpx.Client) -> None:
        self.client = client
        self.project_id = self.post("projects", name=f"p{next(_numbers)}")["id"]

    def post(self, kind: str, **attributes: Json) -> Json:
        body = {"data": {"type": kind, "attributes": attributes}}
        response = self.client.post(f"{V2}/{kind}", json=body)
        assert response.status_code == 200, response.text
        return response.json()["data"]

    def create(self, name: str, **attributes: Json) -> str:
        return self.post("experiments", project_id=self.project_id, name=name, **attributes)["id"]

    def get(self, **query: Json) -> httpx.Response:
        """`filter_name="x"` is filter[name]=x."""
        named = {key.replace("_", "[", 1) + "]": value for key, value in query.items()}
        return self.client.get(f"{V2}/experiments", params={"filter[project_id]": self.project_id, **named})

    def names(self, **query: Json) -> list[str]:
        response = self.get(**query)
        assert response.status_code == 200, response.text
        return [item["attributes"]["name"] for item in response.json()["data"]]


@pytest.fixture
def api(client: httpx.Client) -> Api:
    return Api(client)


def test_the_three_calls_of_the_ci_page_work_as_they_are_written(api: Api) -> None:
    api.create("my-pipeline-8123456789", metadata={"commit": "abc123", "branch": "feat/foo"})
    api.create("my-pipeline-8123456790", metadata={"commit": "def456", "branch": "main"})
    api.create("other-8123456791", metadata={"commit": "def456", "branch": "main"})
    on_main = api.names(filter_experiment="my-pipeline", filter_metadata='{"branch":"main"}')
    assert on_main == ["my-pipeline-8123456790"]
    of_commit = api.names(filter_experiment="my-pipeline", filter_metadata='{"commit":"abc123"}')
    assert of_commit == ["my-pipeline-8123456789"]
    assert api.names(filter_metadata='{"branch":"main"}') == ["other-8123456791", "my-pipeline-8123456790"]


RUN_IDS = [
    "42", "8123456789-2", "2026-08-06", "run-7", "run7", "abc1234", "01J9ZK3V7QX4",
    "8f14e45f-ceea-467f-a0e6-1d1c2f0b9a55",
]  # fmt: skip
NO_RUN_IDS = ["v2", "nightly", "mini-2", "x", "", "a_b1234", "1.5"]


def test_a_logical_name_finds_the_runs_that_append_an_id_to_it_and_no_other_name(api: Api) -> None:
    for suffix in [*RUN_IDS, *NO_RUN_IDS]:
        api.create(f"my-pipeline-{suffix}")
    api.create("my-pipeline")
    api.create("not-my-pipeline-42")
    found = api.names(filter_experiment="my-pipeline")
    assert sorted(found) == sorted(["my-pipeline", *(f"my-pipeline-{suffix}" for suffix in RUN_IDS)])


def test_a_stated_logical_name_is_what_runs_are_found_by(api: Api) -> None:
    api.create("Nightly of Tuesday", experiment="nightly")
    api.create("nightly")
    api.create("nightly")
    first, second, third = (
        item["attributes"] for item in api.get(filter_experiment="nightly").json()["data"]
    )
    assert {item["experiment"] for item in (first, second, third)} == {"nightly"}
    assert third["name"] == "Nightly of Tuesday"
    assert first["name"] != second["name"] == "nightly"
    assert api.names(filter_experiment="Nightly of Tuesday") == []


def test_every_filter_narrows_and_ids_and_parents_may_be_repeated(api: Api) -> None:
    one, two, three = (api.create(name) for name in ("one", "two", "three"))
    child = api.create("child", parent_experiment_id=one)
    api.create("niece", parent_experiment_id=two)
    assert api.names(filter_id=[one, three]) == ["three", "one"]
    assert api.names(filter_name="two") == ["two"]
    assert api.names(filter_parent_experiment_id=[one]) == ["child"]
    assert api.names(filter_parent_experiment_id=[one, two]) == ["niece", "child"]
    assert api.names(filter_parent_experiment_id=[one], filter_id=[child, one]) == ["child"]
    assert api.names(filter_dataset_id="none such") == []
    assert api.names(filter_is_deleted="true") == []
    assert len(api.names(filter_is_deleted="False")) == 5


def test_the_real_client_may_list_without_any_filter(api: Api) -> None:
    api.create("e")
    response = api.client.get(f"{V2}/experiments?page[limit]=5000")
    assert [item["attributes"]["name"] for item in response.json()["data"]] == ["e"]


def test_pages_follow_each_other_and_a_filtered_list_is_one_page(api: Api) -> None:
    for number in range(5):
        api.create("e", metadata={"n": number})
    first = api.get(page_limit=3).json()
    rest = api.get(page_limit=3, page_cursor=first["meta"]["after"]).json()
    assert [len(page["data"]) for page in (first, rest)] == [3, 2]
    assert rest["meta"]["after"] == ""
    cut = api.get(page_limit=3, filter_experiment="e").json()
    assert (len(cut["data"]), cut["meta"]) == (3, {"after": "", "truncated": True})
    assert api.get(page_limit=5, filter_experiment="e").json()["meta"] == {"after": "", "truncated": False}
    assert [item["attributes"]["metadata"]["n"] for item in cut["data"]] == [4, 3, 2]
    for taboo in ({"filter_experiment": "e"}, {"filter_metadata": "{}"}):
        refused = api.get(page_cursor=first["meta"]["after"], **taboo)
        assert refused.status_code == 400
        assert "page[cursor]" in refused.json()["errors"][0]["detail"]


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ({"filter_metadata": "branch:main"}, "not JSON"),
        ({"filter_metadata": "[1]"}, "not a JSON object"),
        ({"filter_metadata": '"main"'}, "not a JSON object"),
        ({"filter_metadata": '{"a": NaN}'}, "NaN"),
        ({"filter_metadata": '{"a":' * 1500 + "1" + "}" * 1500}, "filter[metadata]"),
        ({"filter_is_deleted": "perhaps"}, "filter[is_deleted]='perhaps'"),
        ({"page_limit": "5001"}, "5000"),
    ],
    ids=lambda value: str(value)[:30],
)
def test_a_query_that_cannot_be_read_is_refused_with_what_was_wrong(
    api: Api, query: dict[str, str], said: str
) -> None:
    response = api.get(**query)
    assert response.status_code == 400
    assert said in response.json()["errors"][0]["detail"]


def test_each_experiment_comes_with_its_aggregate_data_unless_it_is_declined(api: Api) -> None:
    one, two = api.create("one", expected_records=3), api.create("two")
    listed = {item["id"]: item["attributes"] for item in api.get(filter_id=[one, two]).json()["data"]}
    assert listed[one]["aggregate_data"]["cases"]["missing"] == 3
    assert listed[two]["aggregate_data"]["cases"]["missing"] is None
    [bare] = api.get(filter_id=one, include_aggregate_data="false").json()["data"]
    assert "aggregate_data" not in bare["attributes"]


# From PostgreSQL's page on jsonb containment, as metadata of one key.
CONTAINMENT: list[tuple[Json, Json, bool]] = [
    ({"a": [1, 2, 3]}, {"a": [1, 3]}, True),
    ({"a": [1, 2, 3]}, {"a": [3, 1]}, True),
    ({"a": [1, 2, 3]}, {"a": [1, 2, 2]}, True),
    ({"a": [1, 2, [1, 3]]}, {"a": [1, 3]}, False),
    ({"a": [1, 2, [1, 3]]}, {"a": [[1, 3]]}, True),
    ({"a": {"foo": {"bar": "baz", "x": 1}}}, {"a": {"foo": {"bar": "baz"}}}, True),
    ({"foo": {"bar": "baz"}}, {"bar": "baz"}, False),
    ({"a": ["x"]}, {"a": "x"}, False),
    ({"a": "x"}, {"a": ["x"]}, False),
    ({"a": 1}, {"a": 1.0}, True),
    ({"a": 1}, {"a": True}, False),
    ({"a": True}, {"a": True}, True),
    ({"a": "1"}, {"a": 1}, False),
    ({"a": 1}, {"a": "1"}, False),
    ({"a": None}, {"a": None}, True),
    ({"b": 1}, {"a": None}, False),
    ({"a": ""}, {"a": ""}, True),
    ({"b": 1}, {"a": ""}, False),
    ({"a": 2**60 + 1}, {"a": 2**60}, False),
    ({"a": {}}, {"a": {}}, True),
    ({"a": []}, {"a": []}, True),
    ({"a": "ü\t\"'\\\n{x:String}"}, {"a": "ü\t\"'\\\n{x:String}"}, True),
    ({"ü'\\ key": 1}, {"ü'\\ key": 1}, True),
    ({"tags": ["branch:main", "env:ci"]}, {"tags": ["branch:main"]}, True),
    ({"tags": ["branch:main"]}, {"tags": ["branch:main", "env:ci"]}, False),
]


def test_metadata_is_contained_as_in_postgresql(api: Api) -> None:
    wrong: list[Json] = []
    for number, (document, wanted, expected) in enumerate(CONTAINMENT):
        name = f"case {number}"
        api.create(name, metadata=document)
        found = api.names(filter_name=name, filter_metadata=json.dumps(wanted))
        if found != [name] * expected:
            wrong.append((document, wanted, found))
    assert wrong == []


def test_metadata_nested_deeply_is_found(api: Api) -> None:
    nested: Json = "x"
    for _ in range(50):
        nested = {"a": [nested]}
    api.create("deep", metadata={"a": nested})
    assert api.names(filter_metadata=json.dumps({"a": nested})) == ["deep"]


def facts(document: Json, path: str = "") -> set[str]:
    """The statements that a document without arrays makes; one contains another if it makes them all."""
    if isinstance(document, dict):
        members = cast("dict[str, Json]", document).items()
        return {f"{path} object"}.union(*(facts(value, path + json.dumps(key)) for key, value in members))
    return {f"{path} = {json.dumps(document)}"}


KEYS = st.sampled_from(["a", "b", "ключ", "it's", 'q"\\'])
SCALARS = (
    st.none() | st.booleans() | st.integers(-3, 3) | st.text(max_size=3) | st.sampled_from(["main", "1"])
)
OBJECTS: st.SearchStrategy[dict[str, Json]] = st.dictionaries(
    KEYS,
    st.recursive(SCALARS, lambda inner: st.dictionaries(KEYS, inner, max_size=3), max_leaves=4),
    max_size=3,
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(documents=st.lists(OBJECTS, min_size=1, max_size=4), wanted=OBJECTS)
def test_the_list_has_exactly_the_experiments_whose_metadata_says_what_is_wanted(
    client: httpx.Client, documents: list[Json], wanted: Json
) -> None:
    api = Api(client)
    for number, document in enumerate(documents):
        api.create(str(number), metadata=document)
    for sought in (wanted, documents[0]):
        found = api.names(filter_metadata=json.dumps(sought), include_aggregate_data="false")
        expected = [str(n) for n, each in enumerate(documents) if facts(sought) <= facts(each)]
        assert sorted(found) == expected


def test_a_rare_match_is_found_however_far_back_it_is(api: Api) -> None:
    api.create("the one", metadata={"runner": {"attempt": 3}})
    for _ in range(30):
        api.create("other", metadata={"runner": {"attempt": 1}})
    wanted = '{"runner": {"attempt": 3}}'
    assert api.names(filter_metadata=wanted, page_limit=1) == ["the one"]
