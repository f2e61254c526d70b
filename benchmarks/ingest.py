"""Spans a second that are committed and can be queried, beside a floor and beside peers, in one run.

    python benchmarks/ingest.py [--spans 100000] [--rounds 3] [--exporter] [--mlflow] [--json FILE]
    python benchmarks/ingest.py --short     # fails on a lost or doubled row, and on nothing else

Four connections send export requests of 500 spans (`traces.py`), all made before the clock starts, from
this machine, so that sender and server share its cores. The floor is the same engine storing the same
rows from columns that were prepared before. A second load is then sent and the data plane killed (-9)
with its last answer: what was answered, and what is stored.

`--exporter` adds the OpenTelemetry Collector with its clickhouseexporter, and evalspan, over one
ClickHouse server (needs Go); `--mlflow` adds MLflow, the fastest peer that was found, in an environment of
its own under .cache (about 1 GB), with a twentieth of the spans.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final, Protocol

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))  # the processes that tests run, too

import load
import systems
from traces import Traces

from support.clickhouse_server import ClickHouseServer
from support.process import wait_until

_MLFLOW_SHARE: Final = 20


class System(Protocol):
    @property
    def pids(self) -> list[int]: ...
    def count(self) -> int: ...
    def killed(self) -> int: ...


@dataclass
class Figure:
    """One measurement. `rate` is spans a second until all could be queried."""

    system: str
    accepted: int
    committed: int
    rate: float
    cpu_per_thousand: float
    p99: float
    answered_before_kill: int
    stored_after_kill: int

    @property
    def exact(self) -> bool:
        """Whether nothing was lost and nothing doubled."""
        return (self.accepted, self.answered_before_kill) == (self.committed, self.stored_after_kill)


def measure(
    name: str, system: System, connect: Callable[[], load.Send], spans: int, *, compressed: bool = False
) -> Figure:
    """Send, wait until all is stored, send again, kill."""
    warm, bodies, more = (_bodies(count, compressed) for count in (2_500, spans, spans // 4))
    before = load.send_all(warm, connect).accepted
    wait_until(lambda: system.count() >= before, 300)
    watch = load.Watch(system.pids)
    sent = load.send_all(bodies, connect)
    wait_until(lambda: system.count() >= before + sent.accepted, 600)
    seconds, cpu = watch.read()
    committed = system.count() - before
    answered = before + sent.accepted + load.send_all(more, connect).accepted
    return Figure(
        system=name,
        accepted=sent.accepted,
        committed=committed,
        rate=sent.accepted / seconds,
        cpu_per_thousand=1000 * cpu / sent.accepted,
        p99=sorted(sent.latencies)[int(len(sent.latencies) * 0.99)],
        answered_before_kill=answered,
        stored_after_kill=system.killed(),
    )


def _bodies(spans: int, compressed: bool) -> list[load.Body]:
    bodies = list(Traces(f"bench-{uuid.uuid4()}").requests(spans))
    return load.gzipped(bodies) if compressed else bodies


def floor(spans: int) -> Figure:
    """The engine, in a process of its own, fed with prepared columns."""
    command = [sys.executable, str(Path(__file__).with_name("floor.py")), "--spans", str(spans)]
    answer = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    return Figure(
        "engine, prepared columns", spans, spans, answer["rate"], answer["cpu_per_thousand"], 0, 0, 0
    )


def evalspan(spans: int) -> Iterator[Figure]:
    """The service over the embedded engine, by each protocol."""
    for protocol in ("HTTP", "gRPC", "HTTP gzip"):
        with tempfile.TemporaryDirectory() as folder:
            system = systems.Evalspan(Path(folder))
            system.start()
            compressed = protocol == "HTTP gzip"
            connect = system.grpc() if protocol == "gRPC" else system.http(compressed=compressed)
            yield measure(f"evalspan, {protocol}", system, connect, spans, compressed=compressed)


def beside_exporter(spans: int) -> Iterator[Figure]:
    """evalspan, and the Collector's own exporter, over one ClickHouse server each."""
    for kind in (systems.Evalspan, systems.Exporter):
        with tempfile.TemporaryDirectory() as folder:
            server = ClickHouseServer(Path(folder) / "clickhouse")
            server.start()
            system = kind(Path(folder), server)
            system.start()
            name = "evalspan" if kind is systems.Evalspan else "Collector + clickhouseexporter"
            yield measure(f"{name}, server", system, system.http(), spans)
            server.stop()


def beside_mlflow(spans: int) -> Iterator[Figure]:
    """The fastest of today's peers."""
    with tempfile.TemporaryDirectory() as folder:
        system = systems.Mlflow(Path(folder))
        system.start(timeout=300)
        yield measure(systems.MLFLOW, system, system.http(), spans // _MLFLOW_SHARE)


def show(rounds: Sequence[Sequence[Figure]]) -> None:
    """Medians over the rounds, as multiples of the floor."""
    base = statistics.median(figures[0].rate for figures in rounds)
    print(f"{'':32}{'spans/s':>9}{'floor':>7}{'CPU s/1k':>10}{'p99 s':>7}  accepted = committed, kill -9")
    for column in zip(*rounds, strict=True):
        rate, cpu, p99 = (
            statistics.median(getattr(figure, name) for figure in column)
            for name in ("rate", "cpu_per_thousand", "p99")
        )
        last = column[-1]
        kept = f"{last.accepted} = {last.committed}, {last.answered_before_kill} -> {last.stored_after_kill}"
        print(f"{last.system:32}{rate:9.0f}{rate / base:7.2f}{cpu:10.4f}{p99:7.2f}  {kept}")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--spans", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--exporter", action="store_true")
    parser.add_argument("--mlflow", action="store_true")
    parser.add_argument("--short", action="store_true")
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    spans, rounds = (5_000, 1) if given.short else (given.spans, given.rounds)
    if given.exporter:
        systems.Exporter.build()
    if given.mlflow:
        systems.Mlflow.build()
    measured: list[list[Figure]] = []
    for _ in range(rounds):
        figures = [floor(spans), *evalspan(spans)]
        figures += beside_exporter(spans) if given.exporter else []
        figures += beside_mlflow(spans) if given.mlflow else []
        measured.append(figures)
    show(measured)
    if given.json:
        given.json.write_text(json.dumps([[asdict(figure) for figure in row] for row in measured], indent=1))
    wrong = [figure for row in measured for figure in row if "evalspan" in figure.system and not figure.exact]
    if wrong:
        raise SystemExit(f"lost or doubled: {wrong}")


if __name__ == "__main__":
    main()
