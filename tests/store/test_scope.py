"""A query of one project sees that project's rows: none of another's, not even by what fails on them."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator

import pytest

from evalspan.errors import StoreError, StoreUnavailable, UsageError
from evalspan.store import Store
from evalspan.store.schema import SCHEMA
from support.rows import rows

SECRET = "theirs"
VIEWS = [name.removeprefix("views/") for name in SCHEMA.objects if name.startswith("views/")]
TABLES = [name.removeprefix("tables/") for name in SCHEMA.objects if name.startswith("tables/")]

# T is a view, X a condition that holds on rows of the other project only. Each shape gives the planner
# another chance to ask X of rows before the filter of the project does.
SHAPES = """
SELECT count() FROM T WHERE throwIf(X) = 0
SELECT count() FROM T WHERE throwIf(X) = 0 OR run_iteration = 1
SELECT count() FROM T WHERE if(X, throwIf(X), 0) = 0
SELECT count() FROM T WHERE toDateTime(throwIf(X)) = 0
SELECT count() FROM T AS a JOIN T AS b ON throwIf(a.X) = b.run_iteration
SELECT count() FROM T AS a JOIN T AS b ON throwIf(b.X) = a.run_iteration
SELECT count() FROM T AS a LEFT JOIN T AS b ON a.trace_id = b.trace_id AND throwIf(b.X) = 0
SELECT count() FROM T AS a JOIN T AS b ON a.trace_id = b.trace_id WHERE throwIf(a.X) = 0 AND throwIf(b.X) = 0
SELECT count() FROM T AS a SEMI LEFT JOIN T AS b ON throwIf(a.X) = b.run_iteration
SELECT count() FROM T AS a ANTI JOIN T AS b ON throwIf(a.X) = b.run_iteration
SELECT count() FROM T AS b JOIN numbers(1) AS n ON throwIf(b.X) = n.number
SELECT count() FROM numbers(1) AS n JOIN T AS b ON throwIf(b.X) = n.number
SELECT count() FROM T AS a, T AS b WHERE throwIf(a.X) = b.run_iteration
SELECT count() FROM T AS a FULL JOIN T AS b ON throwIf(a.X) = throwIf(b.X)
SELECT throwIf(X), count() FROM T GROUP BY 1
SELECT count() FROM T GROUP BY trace_id HAVING max(throwIf(X)) = 0
SELECT sumIf(1, throwIf(X) = 0) FROM T
SELECT max(run_iteration) OVER (PARTITION BY throwIf(X)) FROM T
SELECT run_iteration FROM T ORDER BY throwIf(X) LIMIT 1
SELECT DISTINCT throwIf(X) FROM T
SELECT run_iteration FROM T LIMIT 1 BY throwIf(X)
SELECT count() FROM T ARRAY JOIN [throwIf(X)] AS z
SELECT count() FROM T WHERE 0 IN (SELECT throwIf(X) FROM T)
SELECT (SELECT max(throwIf(X)) FROM T)
SELECT arrayMap(z -> throwIf(X), [1]) FROM T
SELECT count() FROM (SELECT throwIf(X) AS z FROM T UNION ALL SELECT 1) WHERE z = 0
SELECT count() FROM (SELECT * FROM T ORDER BY run_iteration) WHERE throwIf(X) = 0
SELECT count() FROM view(SELECT * FROM T) WHERE throwIf(X) = 0
WITH z AS (SELECT throwIf(X) AS y FROM T) SELECT max(y) FROM z
SELECT 1 FROM T WHERE EXISTS(SELECT 1 FROM T AS b WHERE throwIf(b.X) = 0)
SELECT throwIf(X) FROM T INTERSECT SELECT 0
SELECT throwIf(X) FROM T GROUP BY ROLLUP(throwIf(X))
""".strip().splitlines()

REFUSED = [
    "SELECT * FROM spans_data",
    "SELECT * FROM evalspan_db.spans_data",
    "SELECT * FROM experiments_data AS `evalspan_db.projects_data`",
    "SELECT 1 WHERE 'x' IN spans_data",
    "WITH spans_data AS (SELECT 1) SELECT * FROM spans_data",
    "SELECT * FROM notes",
    "SELECT * FROM schema_versions",
    "SELECT * FROM spans PREWHERE 1",
    "SELECT * FROM spans SETTINGS additional_table_filters = {}",
    "SELECT * FROM spans SETTINGS query_plan_merge_filters = 1",
    "SELECT * FROM (SELECT * FROM spans SETTINGS readonly = 0)",
    "EXPLAIN SELECT * FROM spans",
    "EXPLAIN ESTIMATE SELECT * FROM spans",
    "SELECT total_rows FROM system.tables",
    "SELECT * FROM information_schema.tables",
    "SELECT getSetting('additional_table_filters')",
    "SELECT lowCardinalityKeys(name) FROM spans",
    "SELECT * FROM merge(currentDatabase(), '.*')",
    "SELECT * FROM {name:Identifier}",
]


@pytest.fixture(scope="module", params=["embedded", "server"])
def shared(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """A store of two projects, in which every view has rows of the other."""
    if request.param == "embedded":
        address = f"chdb://{tmp_path_factory.mktemp('scope') / 'store'}"
    else:
        address = str(request.getfixturevalue("clickhouse_server").address("scope"))
    with Store(address) as store:
        fill(store)
        yield store


def fill(store: Store) -> None:
    for project in ("ours", "theirs"):
        for statement in ROWS.split(";"):
            store.command(statement.replace("PROJECT", project))
    store.command("CREATE TABLE notes (text String) ENGINE = MergeTree ORDER BY text")
    store.command("INSERT INTO notes SELECT 'theirs'")


ROWS = """
INSERT INTO projects_data (project_id, name, revision) SELECT 'PROJECT-p', 'PROJECT', 1;
INSERT INTO datasets_data (dataset_id, project_id, name) SELECT 'PROJECT-d', 'PROJECT-p', 'PROJECT';
INSERT INTO dataset_records_data (dataset_id, record_id, version, input, change_id)
SELECT 'PROJECT-d', 'PROJECT', 1, 'PROJECT', 'PROJECT-c';
INSERT INTO documents_data (kind, id, project_id, name) SELECT 'note', 'PROJECT', 'PROJECT-p', 'PROJECT';
INSERT INTO claims_data (kind, subject, number, owner, version)
SELECT 'dataset_change', 'PROJECT-d', 1, 'PROJECT-c', 1;
INSERT INTO experiments_data (experiment_id, project_id, project, experiment, experiment_name, revision)
SELECT 'PROJECT-e', 'PROJECT-p', 'PROJECT', 'PROJECT', 'PROJECT', 1;
INSERT INTO spans_data
    (experiment_id, trace_id, span_id, span_type, name, record_id, run_iteration, project, start_time)
SELECT if(number = 0, 'PROJECT-e', ''), 'PROJECT-t', concat('PROJECT-', toString(number)),
    if(number = 0, 'CASE', 'LLM'), 'PROJECT', 'PROJECT', 1, if(number = 1, '', 'PROJECT'), now()
FROM numbers(3);
INSERT INTO spans_data (experiment_id, trace_id, span_id, span_type, name, record_id, run_iteration)
SELECT 'PROJECT-e', 'PROJECT-old', 'PROJECT-old', 'CASE', 'PROJECT', 'PROJECT', 1;
INSERT INTO documents_data (kind, parent, id) SELECT 'cases_by_start', 'PROJECT-e', 'PROJECT-shared';
INSERT INTO spans_data (experiment_id, trace_id, span_id, parent_span_id, span_type, name, record_id)
SELECT if(number = 0, 'PROJECT-e', ''), 'PROJECT-shared', concat('PROJECT-s', toString(number)),
    if(number = 0, 'outside', 'PROJECT-s0'), if(number = 0, 'CASE', 'LLM'), 'PROJECT', 'PROJECT unnumbered'
FROM numbers(2);
INSERT INTO evaluations_data
    (experiment_id, trace_id, span_id, name, source, record_id, run_iteration, project, score_value)
SELECT if(number = 0, 'PROJECT-e', ''), 'PROJECT-t', concat('PROJECT-', toString(number)), 'PROJECT',
    'record', if(number = 0, 'PROJECT', ''), 1, if(number = 2, 'PROJECT', ''), 1
FROM numbers(3);
INSERT INTO evaluations_data (experiment_id, trace_id, span_id, name, source)
SELECT 'PROJECT-e', '', 'PROJECT-0', 'PROJECT by span', 'record';
INSERT INTO logs_data (service_name, timestamp, content_hash, resource_attributes)
SELECT 'PROJECT', now(), 1, map('evalspan.project.name', 'PROJECT');
INSERT INTO metric_points_data (metric, series_hash, timestamp, resource_attributes)
SELECT 'PROJECT', 1, now(), map('evalspan.project.name', 'PROJECT')
"""


@pytest.mark.parametrize("view", VIEWS)
def test_a_view_shows_the_rows_of_the_project_and_none_of_another(shared: Store, view: str) -> None:
    everything = rows(shared.read(f"SELECT * FROM {view}"))
    assert any(SECRET in str(row) for row in everything), "nothing to hide"
    seen = rows(shared.within("ours").read(f"SELECT * FROM {view}"))
    assert seen
    assert not any(SECRET in str(row) for row in seen)
    assert sum("ours" in str(row) for row in everything) == len(seen)


def test_our_own_statements_are_narrowed_too(shared: Store) -> None:
    for table in TABLES:
        seen = shared.within("ours").query(f"SELECT * FROM {table}")
        assert seen, table
        assert not any(SECRET in str(row) for row in seen), table


def _tells(store: Store, statement: str) -> bool:
    """Whether a statement fails; one that stops at the first row may not come to the one that fails it,
    and an answer that has begun breaks off."""
    try:
        b"".join(store.read(statement))
    except (UsageError, StoreUnavailable):
        return True
    return False


@pytest.mark.parametrize("view", ["spans", "cases"])
def test_no_condition_is_asked_of_rows_of_another_project(shared: Store, view: str) -> None:
    """Asked of all rows, each shape fails: it would tell, had it the chance."""
    ours = shared.within("ours")
    for shape in SHAPES:
        statement = re.sub(r"\bX\b", "record_id = 'theirs'", re.sub(r"\bT\b", view, shape))
        b"".join(ours.read(statement))
        if view == "spans":
            assert any(_tells(shared, statement) for _ in range(50)), statement


def test_without_the_settings_of_the_plan_such_a_condition_tells(shared: Store) -> None:
    """What PLAN is for: where this fails, ClickHouse may have learned to hold the order itself."""
    with pytest.raises(StoreError, match="throwIf"):
        shared.within("ours").query("SELECT count() FROM spans_data WHERE throwIf(record_id = 'theirs') = 0")


def test_what_would_go_around_the_views_is_refused(shared: Store) -> None:
    for statement in REFUSED:
        named = statement.replace("evalspan_db", shared.database)
        with pytest.raises(UsageError):
            print(statement, b"".join(shared.within("ours").read(named, {"name": "spans_data"})))


def test_the_name_that_a_query_gives_a_view_changes_nothing(shared: Store) -> None:
    aliases = ("scope_cases", "scope_nobodys", f"`{shared.database}.claims_data`", "`system.tables`")
    for named, view in itertools.product(aliases, ("spans", "cases", "experiments")):
        try:
            found = str(rows(shared.within("ours").read(f"SELECT * FROM {view} AS {named}")))
        except UsageError as error:  # a condition of a table that bears this name holds for the view as well
            found = str(error)
        assert SECRET not in found


def test_the_catalog_shows_this_database_alone(shared: Store) -> None:
    for column, table in (("name", "databases"), ("database", "tables"), ("database", "columns")):
        found = rows(shared.read(f"SELECT DISTINCT {column} AS owner FROM system.{table}"))
        assert found == [{"owner": shared.database}]
    assert b"system" not in b"".join(shared.read("SHOW DATABASES"))
    assert b"one" not in b"".join(shared.read("SHOW TABLES FROM system")).split()


def test_every_table_has_a_condition_of_its_own() -> None:
    """A table without one shows nothing, which is safe and of no use."""
    assert set(TABLES) <= set(SCHEMA.folder("scope"))
