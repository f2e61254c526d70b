"""docs/search.md and docs/compare.md are true: every query runs, every field and option is there."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator

import pytest
from click.testing import CliRunner

from evalspan.analysis.comparison import ScoreComparison, Verdict
from evalspan.analysis.fields import COLUMNS, OVER_RUNS
from evalspan.analysis.gate import parse_gate
from evalspan.analysis.search import search
from evalspan.analysis.syntax import MAX_DEPTH, MAX_LENGTH, QueryError, parse
from evalspan.cli.compare import compare as compare_command
from evalspan.cli.search import search as search_command
from evalspan.store import Store
from support.markdown import ROOT, blocks
from support.rows import add, case, experiment, llm, score

PAGE = "docs/search.md"
TEXT = (ROOT / PAGE).read_text(encoding="utf-8")
COMPARE = (ROOT / "docs/compare.md").read_text(encoding="utf-8")


def lines(language: str) -> list[str]:
    return [line for block in blocks(PAGE, language) for line in block.splitlines()]


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """An experiment that has what the page speaks of."""
    with Store(f"chdb://{tmp_path_factory.mktemp('pages') / 'store'}") as opened:
        add(opened, experiment("e1", metadata={"commit": "abc123"}))
        metadata = {"topic": "geography", "level": "3"}
        add(opened, case("r1", tags=["difficulty:hard"], metadata=metadata), llm("r1", tokens=(900, 200)))
        add(opened, score("exact_match", 1.0, "r1"), score("judge", "positive", "r1"))
        yield opened


@pytest.mark.parametrize("query", lines("query"))
def test_every_query_of_the_page_runs(store: Store, query: str) -> None:
    _, page = search(store, "e1", query)
    assert {row["record_id"] for row in page.items} <= {"r1"}


def test_the_queries_of_the_documentation_find_what_they_say(store: Store) -> None:
    for query in lines("query")[:3]:
        assert [row["record_id"] for row in search(store, "e1", query)[1].items] == ["r1"], query


@pytest.mark.parametrize("query", lines("refused"))
def test_every_query_that_the_page_says_is_refused_is(store: Store, query: str) -> None:
    with pytest.raises(QueryError):
        search(store, "e1", query)


def test_every_form_of_the_table_is_a_query() -> None:
    table = TEXT.split("## The language on one page")[1].split("`AND`")[0]
    forms = [
        form
        for row in re.findall(r"^\| (`.*?) \|", table, re.MULTILINE)
        for form in re.findall("`(.*?)`", row)
    ]
    assert len(forms) > 15
    for form in forms:
        parse(form.replace("( )", "(a)"))


def test_the_limits_are_those_that_hold() -> None:
    assert f"at most {MAX_LENGTH} characters and {MAX_DEPTH} levels" in " ".join(TEXT.split())


def test_every_field_is_in_the_table_as_it_is() -> None:
    table = TEXT.split("## Fields")[1].split('"Averaged"')[0]
    of = {
        name: "a run, averaged" if name in OVER_RUNS
        else "both" if column.run and column.record
        else "a run" if column.run
        else "all runs"
        for name, column in COLUMNS.items()
    }  # fmt: skip
    assert [line for line in table.splitlines() if line.startswith("| `")] == [
        f"| `{name}` | {of[name]} | {column.kind.value} | {column.meaning} |"
        for name, column in COLUMNS.items()
    ]
    # A field of both views is written the same for both, since the view is known at the end only.
    assert all(column.run == column.record for name, column in COLUMNS.items() if of[name] == "both")


@pytest.mark.parametrize("page", [PAGE, "docs/compare.md"])
def test_the_commands_of_the_pages_have_the_options_they_use(page: str) -> None:
    commands = {"search": search_command, "compare": compare_command}
    shown = [shlex.split(line) for block in blocks(page, "sh") for line in block.splitlines()]
    assert shown
    for program, name, *arguments in shown:
        assert program == "evalspan"
        context = commands[name].make_context(name, list(arguments))
        assert context.params


def test_the_conditions_of_the_page_are_conditions() -> None:
    table = COMPARE.split("## The gate")[1].split("The operators")[0]
    conditions = re.findall(r"^\| `(.*?)` \|", table, re.MULTILINE)
    assert [parse_gate(text).quantity for text in conditions] == [
        "difference", "difference", "high", "low", "agreement",
    ]  # fmt: skip


def test_every_value_and_verdict_of_a_comparison_is_explained() -> None:
    explained = set(re.findall(r"`(\w+)`", COMPARE))
    assert set(ScoreComparison.model_fields) - {"name", "lower_is_better"} <= explained
    verdicts = {str(verdict) for verdict in Verdict.__args__}
    assert verdicts <= explained


def test_every_option_of_compare_is_on_its_page() -> None:
    shown = CliRunner().invoke(compare_command, ["--help"]).output
    options = set(re.findall(r"^  (--[a-z-]+)", shown, re.MULTILINE)) - {"--help", "--store"}
    assert len(options) > 6
    assert {option for option in options if option not in COMPARE} == set()
