"""Who decodes OTLP: the ingest in Python, or ClickHouse by its Protobuf format and SQL.

    python benchmarks/decoding.py [--spans 20000] [--json FILE]

CPU per span of both roads in blocks of 2,000 spans, into a table that drops its rows and into `spans_data`.
ClickHouse is given the shared part of the work alone (`rows/otlp_spans.sql` says what it leaves out), so its
figure is a floor; the ingest does all of its work but the inserting of scores.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

import clickhouse_connect
from traces import Traces

from evalspan.ingest import spans, wire
from evalspan.ingest.batch import Batch, columns
from evalspan.ingest.plan import Plans
from evalspan.ingest.signals import PARTS, Signal
from evalspan.store import Block, Store

_BLOCK: Final = 2_000
_ROWS: Final = Path(__file__).parent / "rows"
_VALUE: Final = (
    "Tuple(string_value String, bool_value Bool, int_value Int64, double_value Float64, array_value String, "
    "kvlist_value String, bytes_value String)"
)
_ATTRIBUTES: Final = f"Array(Tuple(key String, value {_VALUE}))"
_SPAN: Final = (
    "Tuple(trace_id String, span_id String, parent_span_id String, name String, kind Int32, "
    f"start_time_unix_nano UInt64, end_time_unix_nano UInt64, attributes {_ATTRIBUTES}, "
    "status Tuple(message String, code Int32))"
)
_STRUCTURE: Final = (
    f"resource_spans Array(Tuple(resource Tuple(attributes {_ATTRIBUTES}), scope_spans "
    f"Array(Tuple(scope Tuple(name String, version String), spans Array({_SPAN})))))"
)


def cpu(count: int, calls: Sequence[Callable[[], object]]) -> float:
    """Microseconds of this process's CPU per span, the engine's threads included, after one to warm up."""
    calls[0]()
    used = time.process_time()
    for call in calls:
        call()
    return 1e6 * (time.process_time() - used) / count


def python(store: Store, bodies: Sequence[bytes], count: int) -> dict[str, float]:
    plans = Plans()

    def block(body: bytes) -> Block:
        batch = Batch(PARTS[Signal.TRACES].noun)
        spans.decode(wire.parse(Signal.TRACES, body, batch.findings), batch, plans)
        return store.encode(spans.TABLE, columns(spans.COLUMNS, batch.rows[spans.TABLE], 1), 2**30)

    return {
        "decoded": cpu(count, [lambda body=body: block(body) for body in bodies]),
        "stored": cpu(count, [lambda body=body: store.add([block(body)]) for body in bodies]),
    }


def clickhouse(path: Path, files: Sequence[Path], count: int) -> dict[str, float]:
    client = clickhouse_connect.get_client(interface="chdb", path=str(path), database="evalspan")
    schema = (_ROWS / "otlp.proto").read_text(encoding="utf-8")
    for name, value in {
        "format_schema_source": "string",
        "format_schema": schema,
        "format_schema_message_name": "Request",
    }.items():
        client.set_client_setting(name, value)
    client.command("CREATE TABLE dropped AS spans_data ENGINE = Null")
    text = (_ROWS / "otlp_spans.sql").read_text(encoding="utf-8").replace("/* structure */", _STRUCTURE)

    def inserts(table: str) -> list[Callable[[], object]]:
        into = text.replace("/* table */", table)
        return [lambda file=file: client.command(into.replace("/* file */", str(file))) for file in files]

    return {"decoded": cpu(count, inserts("dropped")), "stored": cpu(count, inserts("spans_data"))}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--spans", type=int, default=20_000)
    parser.add_argument("--json", type=Path, help="where to write the figures")
    given = parser.parse_args()
    output: Path | None = given.json and given.json.resolve()
    bodies = [body for _, body in Traces("decoding").requests(given.spans, _BLOCK)]
    with tempfile.TemporaryDirectory() as folder:
        files = [Path(folder) / f"{number}.bin" for number in range(len(bodies))]
        for file, body in zip(files, bodies, strict=True):
            file.write_bytes(body)
        os.chdir(folder)  # where the engine keeps the schema that it is given
        with Store(f"chdb://{folder}/store") as store:
            figures = {
                "python": python(store, bodies, given.spans),
                "clickhouse": clickhouse(Path(folder) / "store", files, given.spans),
            }
    for name, found in figures.items():
        ratio = found["stored"] / figures["clickhouse"]["stored"]
        said = f"decoded {found['decoded']:5.1f} us, and stored {found['stored']:5.1f} us a span"
        print(f"{name:12} {said}: {ratio:.1f} x")
    if output:
        output.write_text(json.dumps(figures, indent=1))


if __name__ == "__main__":
    main()
