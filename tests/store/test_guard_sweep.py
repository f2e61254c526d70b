"""Every function, table function, combinator and statement that this ClickHouse has, judged.

A newer ClickHouse brings new names: these tests then name them, and each has to be judged before it is
let through (`store/functions.txt`) or noted here as one that is not.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from evalspan.errors import UsageError
from evalspan.store import Store, guard
from evalspan.store.schema import SCHEMA
from support.rows import rows

_REFUSED = """
addresstoline addresstolinewithinlines addresstosymbol authenticateduser authuser blocknumber
blockserializedsize blocksize buildid chdb current_user currenthandler currentprofiles currentrequesturl
currentroles currentuser defaultprofiles defaultroles displayname dumpcolumnstructure enabledprofiles
enabledroles evalmlmethod file filesystemavailable filesystemcapacity filesystemunreserved flamegraph fqdn
fullhostname generateserialid getclienthttpheader getmacro getmaxtablenamelengthfordatabase
getmergetreesetting getoskernelversion getserverport getserversetting getsetting getsettingordefault
globalvariable hascolumnintable hasthreadfuzzer hostname ismergetreepartcoveredby logtrace
lowcardinalityindices lowcardinalitykeys mergetreepartinfo naivebayesclassifier
naivebayesclassifierwithallprobs naivebayesclassifierwithprob pg_get_userbyid pg_table_is_visible
pggetuserbyid pgtableisvisible rownumberinblock serveruuid session_user shardcount shardnum
showcertificate sleep sleepeachrow tcpport tid transactionid transactionlatestsnapshot
transactionoldestsnapshot uptime user zookeepersessionuptime
"""
REFUSED_FUNCTIONS = frozenset(_REFUSED.split())
REFUSED_PREFIXES = ("ai", "dict", "joinget", "region", "__")


def names(store: Store, table: str) -> list[str]:
    return [str(row["name"]) for row in store.query(f"SELECT name FROM system.{table} ORDER BY name")]


def test_every_function_was_judged(store: Store) -> None:
    found = {name.lower() for name in names(store, "functions")}
    refused = {name for name in found if name.startswith(REFUSED_PREFIXES)} | REFUSED_FUNCTIONS
    assert found - guard.FUNCTIONS - refused == set(), "new: does it compute and no more?"
    assert guard.FUNCTIONS & refused == set()


def test_every_refused_function_is_refused_wherever_it_stands(embedded_store: Store) -> None:
    found = [name for name in names(embedded_store, "functions") if name.lower() not in guard.FUNCTIONS]
    assert len(found) > 100
    for name in found:
        for statement in (f"SELECT `{name}`('x', 'y')", f"SELECT arrayMap(`{name}`, ['x'])"):
            if name.lower() in {"user", "uptime", "tid"} and "arrayMap" in statement:
                continue  # without arguments there is nothing to map
            with pytest.raises(UsageError, match=r"not available here|Unknown expression"):
                embedded_store.check(statement)


def test_every_table_function_but_those_that_make_rows_is_refused(store: Store) -> None:
    found = [name for name in names(store, "table_functions") if name.lower() not in guard.TABLE_FUNCTIONS]
    assert len(found) > 60
    for name in found:
        for statement in (
            f"SELECT * FROM `{name}`('x')",
            f"SELECT 1 WHERE 1 IN (SELECT * FROM `{name}`('x'))",
        ):
            with pytest.raises(UsageError):
                print(name, store.check(statement))


def test_the_combinators_are_those_that_there_are(embedded_store: Store) -> None:
    assert set(guard.COMBINATORS) == set(names(embedded_store, "aggregate_function_combinators"))
    for statement in (
        "SELECT sumMapIf([1], [2], 1)",
        "SELECT uniqExactOrNullIf(1, 0)",
        "SELECT countDistinct(1)",
    ):
        assert b"".join(embedded_store.read(statement))
    with pytest.raises(UsageError, match="fileIf"):
        embedded_store.read("SELECT fileIf('/etc/hostname', 1)")


def test_no_column_of_a_view_bears_the_name_of_a_refused_function(embedded_store: Store) -> None:
    """It could not be an argument: a function can be passed by name."""
    columns = {
        row["name"].lower()
        for name in SCHEMA.objects
        if name.startswith("views/")
        for row in rows(embedded_store.read(f"DESCRIBE {name.removeprefix('views/')}"))
    }
    functions = {name.lower() for name in names(embedded_store, "functions")}
    assert columns & functions - guard.FUNCTIONS == set()


def test_every_system_table_but_a_few_is_out_of_reach(store: Store) -> None:
    found = store.query("SELECT name FROM system.tables WHERE database = 'system'")
    hidden = [str(row["name"]) for row in found if row["name"] not in guard.SYSTEM_TABLES]
    assert len(hidden) > 50
    for name in hidden:
        for statement in (f"SELECT * FROM system.`{name}`", f"DESCRIBE system.`{name}`"):
            with pytest.raises(UsageError, match="out of reach"):
                store.check(statement)


def test_files_with_a_schema_or_a_template_of_an_output_format_are_not_read(
    embedded_store: Store, tmp_path: Path
) -> None:
    schema = tmp_path / "canary.proto"
    schema.write_text('syntax = "proto3"; message Canary { string a = 1; }')
    for statement in (
        f"SELECT 'x' AS a FORMAT Protobuf SETTINGS format_schema = '{schema}:Canary'",
        f"SELECT 'x' AS a FORMAT Template SETTINGS format_template_row = '{schema}'",
        f"SELECT * FROM format(Protobuf, 'a String', '', '{schema}')",
    ):
        with pytest.raises(UsageError):
            print(statement, b"".join(embedded_store.read(statement)))


@pytest.mark.parametrize(
    ("statement", "limit"),
    [
        ("SELECT number FROM numbers(2000)", "EVALSPAN_QUERY_MAX_RESULT_ROWS"),
        ("SELECT repeat(toString(number), 900000) FROM numbers(3)", "EVALSPAN_QUERY_MAX_RESULT_BYTES"),
        ("SELECT sum(number) FROM numbers(1000000000000000)", "EVALSPAN_QUERY_TIMEOUT"),
        ("SELECT groupArray(number) FROM numbers(100000000)", "EVALSPAN_QUERY_MAX_MEMORY"),
        ("SELECT length(arrayJoin(range(100000000)))", "EVALSPAN_QUERY_MAX_MEMORY|too large|maximum"),
    ],
)
def test_a_greedy_query_is_refused_by_the_limit_that_it_meets(
    tmp_path: Path, statement: str, limit: str
) -> None:
    limits = {
        "query_timeout": 1.0, "query_max_memory": 100_000_000,
        "query_max_result_rows": 1000, "query_max_result_bytes": 1_000_000,
    }  # fmt: skip
    with Store(f"chdb://{tmp_path / 'store'}", **limits) as limited:  # pyright: ignore[reportArgumentType] (a table of numbers)
        with pytest.raises(UsageError, match=limit):
            print(len(b"".join(limited.read(statement))))
        assert len(list(b"".join(limited.read("SELECT number FROM numbers(1000)")).splitlines())) == 1000
