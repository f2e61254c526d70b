"""Every target for its share of the time: `python -m fuzz SECONDS [TARGET ...]`.

Exit code 1 when there is a finding, 0 when there is none.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from fuzz import engine
from fuzz.one import WORK
from fuzz.targets import TARGETS


@dataclass(frozen=True)
class Outcome:
    target: str
    executions: int
    seconds: float
    findings: list[Path]
    trouble: str


def searched(target: str, seconds: int) -> Outcome:
    """Run one target. Its findings are those that it had before this, too, until they are deleted."""
    began = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-m", "fuzz.one", target, str(seconds)],
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])},
        capture_output=True,
        text=True,
        errors="replace",
        timeout=seconds + 120,
        check=False,
    )
    runs = re.search(r"stat::number_of_executed_units: +(\d+)", done.stderr)
    findings = sorted(file for file in (WORK / "findings" / target).glob("*") if file.suffix != ".txt")
    trouble = "" if runs and not done.returncode else done.stderr.strip()[-1500:]
    return Outcome(target, int(runs[1]) if runs else 0, time.monotonic() - began, findings, trouble)


def main(seconds: int, targets: list[str]) -> int:
    engine.folder()
    chosen = targets or list(TARGETS)
    outcomes: list[Outcome] = []
    for target in chosen:
        outcomes.append(found := searched(target, max(1, seconds // len(chosen))))
        rate = found.executions / found.seconds
        print(
            f"{target:20} {found.executions:>10,} runs {rate:>9,.0f}/s {len(found.findings):>3} findings",
            flush=True,
        )
        for file in found.findings:
            print(f"    {file.relative_to(engine.ROOT)}")
        if found.trouble:
            print(found.trouble)
    print(f"{'together':20} {sum(found.executions for found in outcomes):>10,} runs")
    return int(any(found.findings or found.trouble for found in outcomes))


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), sys.argv[2:]))
