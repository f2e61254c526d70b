"""Datasets from Python, files and the service."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import evalspan
from evalspan import Dataset, UsageError
from evalspan.errors import NotFoundError
from evalspan.sdk.lifecycle import Runtime


def test_ids_are_made_from_the_input_and_told_apart_when_it_repeats() -> None:
    first = Dataset([{"input": {"a": 1, "b": 2}}, {"input": "x"}, {"input": "x"}])
    again = Dataset([{"input": "x", "expected_output": "corrected"}, {"input": {"b": 2, "a": 1}}])
    ids = [record.id for record in first]
    assert len(set(ids)) == 3
    assert ids[2] == f"{ids[1]}-2"
    assert [record.id for record in again] == [ids[1], ids[0]]


@pytest.mark.parametrize(
    ("record", "message"),
    [
        ({"question": "x"}, r"record 0: unknown key 'question'"),
        ({"expected_output": "x"}, r"record 0: exactly one of 'input' and 'input_data'"),
        ({"input": 1, "input_data": 2}, r"exactly one of"),
        ({"input": 1, "metadata": [1]}, r"metadata must be an object, not \[1\]"),
        ({"input": 1, "tags": "a:b"}, r"tags must be a list of strings, not 'a:b'"),
        ({"input": 1, "id": "no spaces"}, r"id 'no spaces' must be"),
        ("text", r"a record is a mapping with 'input', not 'text'"),
    ],
)
def test_a_record_that_is_none_is_refused_by_its_index(record: Any, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        Dataset([record], name="wrong")


def test_an_id_given_twice_is_refused() -> None:
    with pytest.raises(UsageError, match="'a' stands 2 times"):
        Dataset([{"id": "a", "input": 1}, {"id": "a", "input": 2}])


def test_jsonl_takes_the_columns_that_it_is_told(tmp_path: Path) -> None:
    path = tmp_path / "questions.jsonl"
    path.write_text(
        '{"question": "2+2?", "answer": "4", "level": 1}\n\n{"question": "3?", "answer": "3", "level": 2}\n'
    )
    dataset = Dataset.from_jsonl(path, input=["question"], expected_output="answer", metadata=["level"])
    assert dataset.name == "questions"
    assert [(r.input, r.expected_output, r.metadata) for r in dataset] == [
        ({"question": "2+2?"}, "4", {"level": 1}),
        ({"question": "3?"}, "3", {"level": 2}),
    ]


def test_jsonl_without_columns_has_records_as_they_are(tmp_path: Path) -> None:
    path = tmp_path / "records.jsonl"
    path.write_text(
        '{"input_data": {"q": 1}, "expected_output": 2, "tags": ["a:b"], "id": "one", "other": 3}\n'
    )
    (record,) = Dataset.from_jsonl(path)
    assert (record.id, record.input, record.expected_output, record.tags) == ("one", {"q": 1}, 2, ["a:b"])


def test_csv_keeps_cells_as_text_and_line_breaks_in_them(tmp_path: Path) -> None:
    path = tmp_path / "cells.csv"
    path.write_text('input,expected_output,tags\n"two\nlines",4,"a:b, c:d"\nplain,5,\n')
    first, second = Dataset.from_csv(path)
    assert (first.input, first.expected_output, first.tags) == ("two\nlines", "4", ["a:b", "c:d"])
    assert (second.input, second.tags) == ("plain", [])


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.jsonl", b'{"input": 1}\n{"input": \n', r"a\.jsonl:2: not JSON"),
        ("b.jsonl", b'{"input": 1}\n[1]\n', r"b\.jsonl:2: a line must be a JSON object, not \[1\]"),
        ("c.jsonl", b'{"input": 1}\n{"output": 1}\n', r"c\.jsonl:2: exactly one of 'input'"),
        ("d.jsonl", b'{"input": 1}\n\xff\n', r"d\.jsonl:2: not UTF-8"),
        ("e.csv", b'input\n"a\nb"\nc,d\n', r"e\.csv:4: 2 cells under 1 columns"),
        ("f.csv", b"", r"f\.csv:1: an empty file"),
    ],
)
def test_errors_in_files_name_the_file_and_the_line(
    tmp_path: Path, name: str, content: bytes, message: str
) -> None:
    (tmp_path / name).write_bytes(content)
    read = Dataset.from_csv if name.endswith(".csv") else Dataset.from_jsonl
    with pytest.raises(UsageError, match=message):
        read(tmp_path / name)


def test_a_column_that_is_not_there_is_named_with_those_that_are(tmp_path: Path) -> None:
    (tmp_path / "g.csv").write_text("question,answer\na,b\n")
    with pytest.raises(UsageError, match=r"g\.csv:2: no column 'prompt'; there are 'question', 'answer'"):
        Dataset.from_csv(tmp_path / "g.csv", input="prompt")


def test_a_pushed_dataset_comes_back_the_same_and_by_version(runtime: Runtime) -> None:
    pushed = Dataset(
        [{"id": "a", "input": {"q": 1}, "expected_output": [1], "metadata": {"k": None}}], name="same"
    ).push()
    assert pushed.version is not None
    second = Dataset([{"id": "a", "input": {"q": 2}}, {"id": "b", "input": {"q": 2}}], name="same").push()
    assert second.version == pushed.version + 1
    assert list(Dataset.pull("same", version=pushed.version)) == list(pushed)
    assert list(Dataset.pull("same")) == list(second)


def test_pushing_what_is_there_makes_no_version(runtime: Runtime) -> None:
    records = [{"input": number} for number in range(5)] + [{"input": 0}]
    first = Dataset(records, name="unchanged").push()
    assert Dataset(records, name="unchanged").push().version == first.version
    assert len(Dataset.pull("unchanged")) == 6


def test_many_records_travel_in_several_requests_and_make_one_version(runtime: Runtime) -> None:
    dataset = Dataset([{"id": f"r{n}", "input": n} for n in range(2500)], name="many").push()
    pulled = Dataset.pull("many")
    assert [record.id for record in pulled] == [record.id for record in dataset]
    assert pulled.version == dataset.version == 1


def test_a_subset_by_tags_holds_the_records_that_have_them_all(runtime: Runtime) -> None:
    Dataset(
        [
            {"id": "a", "input": 1, "tags": ["env:prod", "difficulty:hard"]},
            {"id": "b", "input": 2, "tags": ["env:prod"]},
        ],
        name="tagged",
    ).push()
    subset = Dataset.pull("tagged", tags=["env:prod", "difficulty:hard"])
    assert [record.id for record in subset] == ["a"]
    result = evalspan.experiment(name="subset", task=lambda: 1, dataset=subset).run()
    config = runtime.client.find_experiments(id=result.experiment_id)[0].attributes["config"]
    assert config == {"filtered_record_tags": ["env:prod", "difficulty:hard"]}


def test_pulling_what_is_not_there_says_so(runtime: Runtime) -> None:
    with pytest.raises(NotFoundError, match="no dataset 'nowhere' in project 'default-project'"):
        Dataset.pull("nowhere")
