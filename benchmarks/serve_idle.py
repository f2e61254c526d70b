"""How long `evalspan serve` takes to answer, and what it holds while idle.

    python benchmarks/serve_idle.py [--rounds 5]

Prints, for a fresh store and for an existing one, the median of the time from starting the process to
its first answer, as a multiple of starting Python and importing the embedded engine (the floor, in the
same run), and the resident memory three seconds later.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable

import psutil


def floor() -> float:
    """Seconds to start Python and import the engine."""
    start = time.perf_counter()
    subprocess.run([sys.executable, "-c", "import chdb"], check=True)
    return time.perf_counter() - start


def serve(folder: str) -> tuple[float, float]:
    """Seconds until the service answers, and its resident MiB when idle."""
    start = time.perf_counter()
    command = [sys.executable, "-m", "evalspan", "serve", "--http-port", "0", "--grpc-port", "0"]
    process = subprocess.Popen(command, cwd=folder, stderr=subprocess.PIPE, text=True)
    try:
        assert process.stderr is not None
        if "answers at" not in process.stderr.readline():
            raise SystemExit("the service did not start")
        seconds = time.perf_counter() - start
        time.sleep(3)
        return seconds, psutil.Process(process.pid).memory_info().rss / 2**20
    finally:
        process.terminate()
        process.wait(30)


def report(name: str, rounds: int, folder: Callable[[], str], floor_seconds: float) -> None:
    measured = [serve(folder()) for _ in range(rounds)]
    seconds = statistics.median(item[0] for item in measured)
    memory = statistics.median(item[1] for item in measured)
    print(f"{name:16} {seconds:6.2f} s  {seconds / floor_seconds:5.1f} x floor  {memory:6.0f} MiB")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    rounds: int = parser.parse_args().rounds
    floor_seconds = statistics.median(floor() for _ in range(rounds))
    print(f"{'floor':16} {floor_seconds:6.2f} s  (start Python, import the engine)")
    kept = tempfile.mkdtemp()
    serve(kept)
    report("fresh store", rounds, tempfile.mkdtemp, floor_seconds)
    report("existing store", rounds, lambda: kept, floor_seconds)


if __name__ == "__main__":
    main()
