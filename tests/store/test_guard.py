"""Somebody else's SQL reads the store and nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

from evalspan.errors import UsageError
from evalspan.store import Store
from support.rows import add, case, rows

ALLOWED = [
    "SELECT 1",
    "SELECT 1;",
    "  -- a comment\n SELECT /* file('x') */ 1",
    "SELECT * EXCEPT (input, output) FROM experiment_results",
    "SELECT * REPLACE (upper(record_id) AS record_id) FROM experiment_results",
    "SELECT COLUMNS('^record') FROM spans",
    "WITH runs AS (SELECT * FROM experiment_results) SELECT count() FROM runs",
    "SELECT record_id FROM spans WHERE record_id IN (SELECT record_id FROM experiment_results)",
    "WITH ids AS (SELECT 'r1') SELECT count() FROM spans WHERE record_id IN ids",
    "SELECT a.record_id FROM spans AS a INNER JOIN experiment_results AS b USING (record_id)",
    "SELECT arrayMap(x -> upper(x), tags) FROM experiment_results",
    "SELECT 'INTO OUTFILE', 'file(', '; DROP', 'we APPLY x'",
    "SELECT attributes['file'] FROM spans",
    "SELECT name AS file, count() FROM spans GROUP BY file ORDER BY file",
    "SELECT number FROM numbers(3) UNION ALL SELECT 4",
    "SELECT 1 INTERSECT SELECT 1",
    "SELECT * FROM view(SELECT 1)",
    "SELECT row_number() OVER (PARTITION BY record_id ORDER BY start_time) FROM spans",
    "SELECT name FROM system.tables LIMIT 1",
    "SHOW TABLES",
    "SHOW TABLES LIKE '%spans%'",
    "SHOW COLUMNS FROM spans",
    "DESCRIBE spans",
    "DESCRIBE TABLE (SELECT 1)",
    "EXISTS TABLE spans",
    "EXPLAIN SELECT * FROM spans",
    "EXPLAIN PIPELINE SELECT * FROM spans",
    "EXPLAIN indexes = 1 SELECT * FROM spans FORMAT JSON",
]

# CANARY and OUT are files of the test's own; nothing may read the first or write the second.
REFUSED = {
    "writes and administration": [
        "INSERT INTO spans_data (span_id) VALUES ('x')",
        "INSERT INTO FUNCTION file('OUT', 'CSV') SELECT 1",
        "DROP TABLE spans_data",
        "TRUNCATE TABLE spans_data",
        "CREATE TABLE t (a Int8) ENGINE = Memory",
        "CREATE TEMPORARY TABLE t (a Int8)",
        "CREATE FUNCTION f AS x -> x",
        "CREATE USER u",
        "ALTER TABLE spans_data DELETE WHERE 1",
        "DELETE FROM spans_data WHERE 1",
        "OPTIMIZE TABLE spans_data FINAL",
        "RENAME TABLE spans_data TO t",
        "ATTACH TABLE t",
        "DETACH TABLE spans_data",
        "KILL QUERY WHERE 1",
        "SYSTEM FLUSH LOGS",
        "SYSTEM START LISTEN HTTP",
        "BACKUP TABLE spans_data TO File('OUT')",
        "RESTORE TABLE spans_data FROM File('CANARY')",
        "SET readonly = 0",
        "USE system",
        "GRANT ALL ON *.* TO default",
        "SHOW CREATE TABLE system.users",
        "SHOW PROCESSLIST",
    ],
    "several statements": ["SELECT 1; DROP TABLE spans_data", "SELECT 1; SELECT 2", "SELECT 1;;SELECT 2"],
    "settings": ["SELECT 1 SETTINGS readonly = 0", "SELECT 1 SETTINGS max_execution_time = 0"],
    "writing files": [
        "SELECT 1 INTO OUTFILE 'OUT'",
        "SELECT 1 into /* */ outfile 'OUT' FORMAT CSV",
        "EXPLAIN SELECT 1 INTO OUTFILE 'OUT'",
        "EXPLAIN AST SELECT 1 INTO OUTFILE 'OUT'",
        "DESCRIBE spans INTO OUTFILE 'OUT'",
        "SHOW TABLES INTO OUTFILE 'OUT'",
        "EXISTS TABLE spans INTO OUTFILE 'OUT'",
    ],
    "the function file": [
        "SELECT file('CANARY')",
        "SELECT FILE('CANARY')",
        "SELECT `file`('CANARY')",
        'SELECT "file"(\'CANARY\')',
        "SELECT/**/file/**/('CANARY')",
        "SELECT arrayMap(file, ['CANARY'])",
        "SELECT arrayMap(x -> file(x), ['CANARY'])",
        "SELECT * APPLY file FROM (SELECT 'CANARY')",
        "SELECT * APPLY (x -> file(x)) FROM (SELECT 'CANARY')",
        "SELECT COLUMNS('.') APPLY(file) FROM (SELECT 'CANARY' AS a)",
        "SELECT * REPLACE (file('CANARY') AS a) FROM (SELECT 1 AS a)",
        "WITH file('CANARY') AS a SELECT a",
        "WITH a AS (SELECT file('CANARY') AS b) SELECT b FROM a",
        "SELECT (SELECT file('CANARY'))",
        "SELECT 1 WHERE 'x' IN (SELECT file('CANARY'))",
        "SELECT 1 WHERE 'x' IN file('CANARY')",
        "SELECT sum(1) OVER (PARTITION BY file('CANARY'))",
        "SELECT 1 ORDER BY file('CANARY')",
        "SELECT 1 GROUP BY file('CANARY')",
        "SELECT 1 LIMIT length(file('CANARY'))",
        "SELECT 1 UNION ALL SELECT length(file('CANARY'))",
        "SELECT * FROM numbers(length(file('CANARY')))",
        "SELECT * FROM view(SELECT file('CANARY'))",
        "EXPLAIN SELECT file('CANARY')",
        "DESCRIBE (SELECT file('CANARY') AS a)",
        "SHOW TABLES WHERE file('CANARY') != ''",
        "SHOW COLUMNS FROM spans WHERE file('CANARY') != ''",
        "SHOW TABLES LIMIT length(file('CANARY'))",
        "SELECT 1 AS `a\n Foo bar`, file('CANARY')",
        "SELECT {text:String}, file('CANARY')",
    ],
    "table functions": [
        "SELECT * FROM file('CANARY', 'LineAsString')",
        "SELECT * FROM `file`('CANARY', 'LineAsString')",
        "SELECT * FROM view(SELECT * FROM file('CANARY', 'LineAsString'))",
        "DESCRIBE TABLE file('CANARY', 'CSV')",
        "SELECT * FROM url('http://127.0.0.1:1/', 'CSV')",
        "SELECT * FROM remote('127.0.0.1', system.one)",
        "SELECT * FROM cluster('default', system.users)",
        "SELECT * FROM merge('system', '.*')",
        "SELECT * FROM executable('x.sh', 'TSV', 'a String')",
        "SELECT * FROM Python(rows)",
        "SELECT * FROM sqlite('CANARY', 't')",
        "SELECT * FROM s3('http://127.0.0.1:1/b/k')",
        "SELECT * FROM mysql('127.0.0.1:1', 'd', 't', 'u', 'p')",
        "SELECT * FROM filesystem('CANARY')",
        "SELECT * FROM viewExplain('EXPLAIN', '', (SELECT 1))",
        "SELECT * FROM loop(system.users)",
        "SELECT * FROM dictionary('d')",
        "SELECT * FROM spans AS a JOIN file('CANARY', 'LineAsString') AS b ON 1 = 1",
        "SELECT 1 AS `x\n TableExpression`, a FROM url('http://127.0.0.1:1/', 'CSV', 'a String')",
    ],
    "other databases": [
        "SELECT * FROM system.users",
        "SELECT * FROM `system`.`users`",
        "SELECT * FROM spans AS s JOIN system.processes AS p ON 1 = 1",
        "SELECT 1 WHERE 'x' IN system.contributors",
        "SELECT 1 WHERE 'x' NOT IN (system.contributors)",
        "SELECT (SELECT count() FROM system.query_log)",
        "EXPLAIN SELECT * FROM system.users",
        "DESCRIBE system.users",
        "SELECT * FROM other.spans",
        "SELECT dictGet('other.d', 'a', 1)",
        "SELECT dictGetString(other.d, 'a', 1)",
        "SELECT joinGet('other.t', 'a', 1)",
    ],
    "holding threads, calling out, looking around": [
        "SELECT sleep(3)",
        "SELECT sleepEachRow(3) FROM numbers(3)",
        "SELECT hostName()",
        "SELECT getServerSetting('max_connections')",
        "SELECT aiGenerate('x')",
        "SELECT reverseDNSQuery('127.0.0.1')",
        "SELECT addressToSymbol(1)",
        "SELECT catboostEvaluate('CANARY', 1)",
    ],
}  # fmt: skip


def test_reading_is_allowed(store: Store) -> None:
    add(store, case("r1", tags=["a"]))
    for statement in ALLOWED:
        assert b"".join(store.read(statement)) != b"" or "record_id" in statement, statement


@pytest.mark.parametrize("kind", REFUSED)
def test_everything_else_is_refused_and_has_no_effect(store: Store, tmp_path: Path, kind: str) -> None:
    canary, out = tmp_path / "canary", tmp_path / "out"
    canary.write_text("a secret\n")
    add(store, case("r1"))
    before = store.query("SHOW TABLES")
    for statement in REFUSED[kind]:
        named = statement.replace("CANARY", str(canary)).replace("OUT'", f"{out}'")
        with pytest.raises(UsageError) as refusal:
            print(statement, b"".join(store.read(named, {"text": "x"})))
        assert "a secret" not in str(refusal.value), statement
        assert str(refusal.value).strip(), statement
    assert not list(tmp_path.glob("out*"))
    assert canary.read_text() == "a secret\n"
    assert store.query("SHOW TABLES") == before
    assert store.query("SELECT count() AS n FROM spans_data") == [{"n": 1}]


@pytest.mark.parametrize(
    ("statement", "value"),
    [
        ("SELECT * FROM {name:Identifier}", "system.users"),
        ("SELECT * FROM {name:Identifier}", "a` FROM file('x"),
        ("SELECT 1 WHERE 'x' IN {name:Identifier}", "system.contributors"),
        ("SELECT arrayMap({name:Identifier}, ['/etc/hostname'])", "file"),
        ("SELECT 1 AS a ORDER BY {name:Identifier}", "a\n  TableIdentifier x"),
        ("SELECT * FROM system.{name:Identifier}", "users"),
    ],
)
def test_names_given_as_parameters_are_judged_as_if_they_stood_there(
    store: Store, statement: str, value: str
) -> None:
    with pytest.raises(UsageError):
        print(b"".join(store.read(statement, {"name": value})))


def test_parameters_are_values_and_never_text(store: Store) -> None:
    nasty = "x', file('/etc/hostname'), '"
    assert rows(store.read("SELECT {a:String} AS a", {"a": nasty})) == [{"a": nasty}]
    assert rows(store.read("SELECT '%(a)s' AS a, 5 % 3 AS b", {"a": nasty})) == [{"a": "%(a)s", "b": 2}]
    assert rows(store.read("SELECT {n:UInt8} + 1 AS n", {"n": 4, "unused": "%s"})) == [{"n": 5}]


def test_a_missing_parameter_is_named(store: Store) -> None:
    with pytest.raises(UsageError, match="experiment"):
        store.read("SELECT {experiment:String}")


def test_a_format_in_the_query_wins_over_the_one_asked_for(store: Store) -> None:
    assert b"".join(store.read("SELECT 1 AS a, 'x' AS b FORMAT CSV")) == b'1,"x"\n'
    assert b"".join(store.read("SELECT 1 AS a, 'x' AS b", output_format="TSVWithNames")) == b"a\tb\n1\tx\n"
    assert b"".join(store.read("EXISTS TABLE spans FORMAT CSV")) == b"1\n"


def test_a_wrong_query_says_what_is_wrong_with_it(store: Store) -> None:
    with pytest.raises(UsageError, match="nope"):
        store.read("SELECT nope FROM spans")
    with pytest.raises(UsageError, match="Syntax error"):
        store.read("SELECT FROM WHERE")
