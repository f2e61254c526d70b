"""The engine fed with prepared columns: what `ingest.py` cannot be faster than.

    python benchmarks/floor.py [--spans 100000]

Decodes export requests to the rows that the service would insert, and then stores them in blocks of
10,000 in a fresh embedded store. Prints one JSON object: spans a second, CPU seconds for 1,000.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from pathlib import Path
from typing import Final

from traces import Traces

from evalspan.ingest import evaluations, spans, wire
from evalspan.ingest.batch import Batch, columns
from evalspan.ingest.plan import Plans
from evalspan.ingest.signals import PARTS, Signal
from evalspan.store import Store

_BLOCK: Final = 10_000
_TABLES: Final = ((spans.TABLE, spans.COLUMNS), (evaluations.TABLE, evaluations.COLUMNS))


def blocks(count: int) -> list[dict[str, dict[str, object]]]:
    """Columns by table, block by block."""
    plans, found = Plans(), []
    for number, (_, body) in enumerate(Traces("floor").requests(count, _BLOCK)):
        batch = Batch(PARTS[Signal.TRACES].noun)
        spans.decode(wire.parse(Signal.TRACES, body, batch.findings), batch, plans)
        found.append({table: columns(names, batch.rows[table], number + 1) for table, names in _TABLES})
    return found


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--spans", type=int, default=100_000)
    count: int = parser.parse_args().spans
    prepared = blocks(count)
    with tempfile.TemporaryDirectory() as folder, Store(f"chdb://{Path(folder) / 'store'}") as store:
        wall, cpu = time.perf_counter(), time.process_time()
        for block in prepared:
            for table, block_columns in block.items():
                store.insert(table, block_columns)
        seconds, used = time.perf_counter() - wall, time.process_time() - cpu
    print(json.dumps({"rate": count / seconds, "cpu_per_thousand": 1000 * used / count}))


if __name__ == "__main__":
    main()
