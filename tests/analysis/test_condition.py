"""The SQL of a query: pinned, values bound and never spliced."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.trees import TEXTS, nodes, number_tests, text_tests
from evalspan.analysis.condition import Condition, translate
from evalspan.analysis.fields import COLUMNS, Level, Names
from evalspan.analysis.syntax import QueryError, parse
from evalspan.analysis.tree import Node, Term

NAMES = Names(
    scores={"exact", "both"},
    labels={"judge", "both"},
    evaluators={"exact", "judge", "both", "broken"},
    metadata={"topic"},
    experiment_metadata={"commit"},
    tags={"difficulty"},
)


def condition(query: str) -> Condition:
    return translate(query, parse(query), NAMES)


@pytest.mark.parametrize(
    ("query", "sql", "values"),
    [
        ("", "1", []),
        ("*", "1", []),
        ("record_id:r1", "ifNull(record_id = {q0:String}, 0)", ["r1"]),
        ("record_id:r*_?", "ifNull(record_id LIKE {q0:String}, 0)", ["r%\\__"]),
        ("status:error", "ifNull(status = {q0:String}, 0)", ["error"]),
        ("run_iteration:1", "ifNull(run_iteration = {q0:Float64}, 0)", [1.0]),
        ("@trace.total_tokens:>1000", "ifNull(total_tokens > {q0:Float64}, 0)", [1000.0]),
        ("@trace.duration:<=1.5s", "ifNull(duration_ms <= {q0:Float64}, 0)", [1500.0]),
        (
            "@trace.estimated_total_cost:[0.1 TO 2}",
            "ifNull((isNotNull(toFloat64(cost_usd)) AND toFloat64(cost_usd) >= {q0:Float64}"
            " AND toFloat64(cost_usd) < {q1:Float64}), 0)",
            [0.1, 2.0],
        ),
        (
            "@evaluations.custom.exact:true",
            "ifNull(scores[{q0:String}] = {q1:Float64}, 0)",
            ["exact", 1.0],
        ),
        ("-@evaluations.custom.exact:*", "NOT (isNotNull(scores[{q0:String}]))", ["exact"]),
        (
            "@evaluations.custom.judge:po*",
            "ifNull(labels[{q0:String}] LIKE {q1:String}, 0)",
            ["judge", "po%"],
        ),
        ("@evaluations.custom.both:>1", "ifNull(scores[{q0:String}] > {q1:Float64}, 0)", ["both", 1.0]),
        ("@evaluations.custom.both:x", "ifNull(labels[{q0:String}] = {q1:String}, 0)", ["both", "x"]),
        (
            "@multi_run_avg.@evaluations.custom.exact:>0.5",
            "ifNull(scores[{q0:String}] > {q1:Float64}, 0)",
            ["exact", 0.5],
        ),
        (
            "@multi_run_mode.@evaluations.custom.judge:positive",
            "ifNull(labels[{q0:String}] = {q1:String}, 0)",
            ["judge", "positive"],
        ),
        (
            "@multi_run_avg.@trace.estimated_total_cost:>1",
            "ifNull(mean_cost_usd > {q0:Float64}, 0)",
            [1.0],
        ),
        (
            "@metadata.topic:math",
            "(mapContains(metadata, {q0:String}) AND metadata[{q0:String}] = {q1:String})",
            ["topic", "math"],
        ),
        (
            "@experiment.metadata.commit:>5",
            "ifNull(toFloat64OrNull(experiment_metadata[{q0:String}]) > {q1:Float64}, 0)",
            ["commit", 5.0],
        ),
        ("difficulty:hard", "has(tags, {q0:String})", ["difficulty:hard"]),
        ("difficulty:*", "arrayExists(t -> t LIKE {q0:String}, tags)", ["difficulty:%"]),
        ("@tags:plain", "has(tags, {q0:String})", ["plain"]),
        ("@output:50%", "output ILIKE {q0:String}", ["%50\\%%"]),
        (
            "@evaluations.error.broken:quota",
            "(mapContains(evaluator_errors, {q0:String})"
            " AND evaluator_errors[{q0:String}] ILIKE {q1:String})",
            ["broken", "%quota%"],
        ),
        (
            "boom",
            "(input ILIKE {q0:String} OR output ILIKE {q0:String} OR expected_output ILIKE {q0:String}"
            " OR error ILIKE {q0:String})",
            ["%boom%"],
        ),
        (
            "runs:>2 OR NOT (failed_runs:0 record_id:a)",
            "(ifNull(runs > {q0:Float64}, 0) OR NOT ((ifNull(failed_runs = {q1:Float64}, 0)"
            " AND ifNull(record_id = {q2:String}, 0))))",
            [2.0, 0.0, "a"],
        ),
    ],
)
def test_the_sql_of_a_query(query: str, sql: str, values: list[str | float]) -> None:
    found = condition(query)
    assert found.sql == sql
    assert list(found.parameters.values()) == values


FIELDS = [
    *(name for name, column in COLUMNS.items() if column.run and name != "status"),
    *("@evaluations.custom.exact", "@evaluations.custom.judge", "@metadata.topic", "difficulty"),
]


@given(nodes(st.builds(Term, st.sampled_from(FIELDS), text_tests() | number_tests(TEXTS))))
def test_no_text_of_a_query_ever_stands_in_its_sql(node: Node) -> None:
    try:
        found = translate(str(node), node, NAMES)
    except QueryError:
        return  # a test that does not fit its field
    known = r"\{q\d+:(String|Float64)\}|\w+|''|->|[()\[\], .=<>!]"
    assert re.sub(known, "", found.sql) == ""
    names = set(re.findall(r"\b[a-z_]\w+", re.sub(r"\{.*?\}", "", found.sql)))
    assert {name for name in names if not name.startswith(("is", "if", "to", "map", "has", "array"))} <= {
        word for column in COLUMNS.values() for word in re.findall(r"\w+", column.run)
    } | {"scores", "labels", "metadata", "tags"}


@pytest.mark.parametrize(
    ("query", "level"),
    [
        ("record_id:r1 @metadata.topic:x difficulty:hard", Level.RUN),
        ("record_id:r1 runs:2", Level.RECORD),
        ("* @multi_run_avg.@trace.duration:>1", Level.RECORD),
        ("@multi_run_avg.trace.duration:>1", Level.RECORD),
    ],
)
def test_fields_over_all_runs_make_the_answer_records(query: str, level: Level) -> None:
    assert condition(query).level is level


@pytest.mark.parametrize(
    ("query", "position", "said"),
    [
        (
            "@multi_run_avg.@trace.total_tokens:>1000 @trace.estimated_total_cost:>0.01",
            41,
            "over all its runs",
        ),
        ("run_iteration:1 @multi_run_avg.@trace.total_tokens:>1", 16, "run_iteration of one run"),
        ("@multi_run_avg.@trace.total_tokens:>1 word", 38, "a text of one run"),
        ("@multi_run_avg.@evaluations.custom.judge:>1", 0, "have no average; write @multi_run_mode."),
        ("@multi_run_mode.@evaluations.custom.exact:1", 0, "gives numbers"),
        ("@multi_run_avg.@trace.llm_calls:1", 0, "@trace.total_tokens"),
        ("@multi_run_mode.@trace.duration:1", 0, "goes with"),
        ("record_id:a @evaluations.custom.exactt:1", 12, "there are 'both', 'broken', 'exact', 'judge'"),
        ("@metadata.nothing:1", 0, "no metadata key 'nothing'"),
        ("statsu:error", 0, "neither a field"),
        ("status:eror", 0, "one of ok, error"),
        ("@trace.total_tokens:many", 0, "not 'many'"),
        ("@trace.total_tokens:1e999", 0, "not '1e999'"),
        ("@trace.total_tokens:nan", 0, "not 'nan'"),
        ("@trace.total_tokens:1*", 0, "wildcards fit texts"),
        ("@trace.duration:>5days", 0, "with ns, us, ms, s, m or h"),
        ("record_id:>5", 0, "is a text"),
        ("@evaluations.custom.judge:[a TO b]", 0, "is a text"),
    ],
)
def test_what_cannot_be_asked_is_refused_at_its_place(query: str, position: int, said: str) -> None:
    with pytest.raises(QueryError) as refusal:
        condition(query)
    assert said in str(refusal.value)
    assert refusal.value.position == position
