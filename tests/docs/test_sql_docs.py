"""docs/sql.md is true: every column as it is, every statement as it ships, and every one runs."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from evalspan.store import Store, questions
from support.markdown import ROOT, blocks
from support.rows import add, case, experiment, rows, score

PAGE = "docs/sql.md"
VIEWS = (
    "projects", "datasets", "dataset_records", "experiments", "spans", "evaluations", "experiment_results",
    "experiment_records", "experiment_summary", "logs", "metric_points",
)  # fmt: skip


def documented() -> dict[str, list[tuple[str, str]]]:
    """View -> (column, type), in the order of the page."""
    text = Path(ROOT / PAGE).read_text(encoding="utf-8").split("## The views")[1].split("\n## ")[0]
    sections = re.split(r"^### (\w+)$", text, flags=re.MULTILINE)[1:]
    return {
        view: re.findall(r"^\| `(\w+)` \| `([^`]+)` \| \S.* \|$", table, flags=re.MULTILINE)
        for view, table in zip(sections[::2], sections[1::2], strict=True)
    }


def test_the_page_has_the_views_of_the_contract() -> None:
    assert sorted(documented()) == sorted(VIEWS)


@pytest.mark.parametrize("view", VIEWS)
def test_every_column_is_documented_as_it_is_and_no_other(store: Store, view: str) -> None:
    described = rows(store.read(f"DESCRIBE {view}"))
    found = [(row["name"], re.sub(r"\(\s+", "(", re.sub(r"\s+", " ", row["type"]))) for row in described]
    assert documented()[view] == found


def test_the_questions_stand_on_the_page_as_they_ship() -> None:
    shown = [block.strip() for block in blocks(PAGE, "sql")]
    assert shown[-len(questions()) :] == [statement for _, statement in questions().values()]
    text = Path(ROOT / PAGE).read_text(encoding="utf-8")
    for name, (title, statement) in questions().items():
        parameters = dict.fromkeys(re.findall(r"\{(\w+):", statement))
        command = " ".join(
            [f"evalspan query --question {name}", *(f"--param {key}=..." for key in parameters)]
        )
        assert f"### {title}\n\n`{command}`\n" in text


def test_the_examples_of_the_page_run(store: Store) -> None:
    add(store, experiment("e1", experiment="my-pipeline", metadata={"commit": "abc123"}))
    add(store, case("r1"), case("r1", 2), score("exact_match", 1, "r1"), score("exact_match", 0, "r1", 2))
    first, second = blocks(PAGE, "sql")[:2]
    assert [tuple(row.values()) for row in rows(store.read(first + "ORDER BY run_iteration"))] == [
        (1, 1, 1.0),
        (2, 1, 0.0),
    ]
    assert [row["record_id"] for row in rows(store.read(second))] == ["r1", "r1"]


def test_questions_read_the_views_of_the_contract_only() -> None:
    for name, (_, statement) in questions().items():
        sources = re.findall(r"(?:FROM|JOIN) (\w+)", statement)
        named = set(re.findall(r"(\w+) AS \(", statement))
        assert set(sources) - named <= set(VIEWS), name
