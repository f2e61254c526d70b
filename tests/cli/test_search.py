"""`evalspan search`, and the same from Python."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from analysis.samples import fill
from cli.serving import serving
from evalspan.store import Store
from support.command import Evalspan
from support.rows import add, case, experiment, score


def filled(store: Store) -> None:
    """Two runs of the pipeline `nightly` beside the sample."""
    fill(store)
    for number, name in ((1, "nightly"), (2, "nightly-0002")):
        created, ident = f"2026-01-0{number} 00:00:00", f"n{number}"
        add(store, experiment(ident, experiment="nightly", experiment_name=name, created_at=created))
        add(store, case("r1", experiment=ident), score("exact", number / 2, "r1", experiment=ident))


@pytest.fixture(scope="module")
def endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with serving(tmp_path_factory.mktemp("search"), filled) as url:
        yield url


@pytest.fixture
def ask(evalspan: Evalspan, endpoint: str) -> Evalspan:
    """The command, with that service."""
    return partial(evalspan, EVALSPAN_ENDPOINT=endpoint)


def test_runs_are_found_and_shown_in_every_format(ask: Evalspan) -> None:
    query = "run_iteration:1 @evaluations.custom.exact:1"
    done = ask("search", "e1", query, "--format", "json")
    rows = json.loads(done.stdout)
    assert [(row["record_id"], row["scores"]["exact"]) for row in rows] == [("r0", 1.0), ("r3", 1.0)]
    assert len(ask("search", "e1", query, "--format", "jsonl").stdout.splitlines()) == 2
    header, *lines = ask("search", "e1", query).stdout.splitlines()
    assert "scores.exact" in header
    assert len(lines) == 2
    table = ask("search", "e1", query, "--format", "table").stdout.splitlines()
    assert table[0].startswith("record_id  run_iteration  status")
    markdown = ask("search", "e1", query, "--format", "markdown").stdout.splitlines()
    assert markdown[1].startswith("| --- |")


def test_records_are_found_over_their_runs(ask: Evalspan) -> None:
    query = "@multi_run_avg.@trace.total_tokens:>60"
    done = ask("search", "unique name of e1", query, "--format", "jsonl")
    assert [json.loads(line)["record_id"] for line in done.stdout.splitlines()] == ["r5"]


def test_a_limit_and_texts_are_taken(ask: Evalspan) -> None:
    done = ask("search", "e1", "--limit", "2", "--texts", "--format", "jsonl")
    assert [json.loads(line)["output"] for line in done.stdout.splitlines()] == ['"Answer 1"', '"Answer 2"']


def test_a_pipeline_is_named_with_the_run_that_is_meant(ask: Evalspan) -> None:
    for name, value in (("nightly@latest", 1.0), ("nightly@previous", 0.5), ("nightly-0002", 1.0)):
        (line,) = ask("search", name, "--format", "jsonl").stdout.splitlines()
        assert json.loads(line)["scores"] == {"exact": value}
    several = ask("search", "nightly")
    assert several.returncode == 2
    assert "2 experiments are called 'nightly': n2 (nightly-0002), n1 (nightly)" in several.stderr


def test_nothing_found_is_said_and_is_no_failure(ask: Evalspan) -> None:
    done = ask("search", "e1", "run_iteration:9")
    assert (done.returncode, done.stdout) == (0, "")
    assert "Nothing in this experiment meets the query." in done.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["e1", "status:error AND"], "the query ends"),
        (["e1", "@evaluations.custom.nope:1"], "there are 'exact', 'judge'"),
        (["nothing"], "no experiment 'nothing'"),
        (["nightly@previous@latest"], "no experiment"),
        ([""], "no experiment ''"),
        (["e1", "", "--limit", "0"], "limit"),
    ],
)
def test_wrong_use_ends_with_2_and_says_what_is_wrong(ask: Evalspan, arguments: list[str], said: str) -> None:
    done = ask("search", *arguments)
    assert done.returncode == 2
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_the_caret_stands_below_the_place_in_the_terminal_too(ask: Evalspan) -> None:
    lines = ask("search", "e1", "record_id:r1 status: ok").stderr.splitlines()
    place = next(n for n, line in enumerate(lines) if line.strip() == "^")
    assert lines[place - 1][lines[place].index("^")] == ":"


def test_without_a_service_one_is_started_for_the_search(evalspan: Evalspan, tmp_path: Path) -> None:
    with Store(f"chdb://{tmp_path / '.evalspan'}") as store:
        filled(store)
    done = evalspan("search", "nightly@latest", "--format", "jsonl")
    assert json.loads(done.stdout)["record_id"] == "r1"
    nowhere = evalspan("search", "e1", "--store", f"chdb://{tmp_path / 'none'}")
    assert (nowhere.returncode, "There is no store in" in nowhere.stderr) == (2, True)


def test_python_finds_the_same(ask: Evalspan, tmp_path: Path) -> None:
    (tmp_path / "script.py").write_text(
        "import evalspan\n"
        "rows = evalspan.search('e1', 'status:error', texts=True)\n"
        "print([(row['record_id'], row['run_iteration'], row['error']) for row in rows])\n"
    )
    done = ask("run", "script.py")
    assert done.stdout == "[('r2', 1, 'Timeout: 30% done')]\n", done.stderr
