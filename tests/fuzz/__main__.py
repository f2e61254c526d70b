"""Every target for its share of the time: `python -m fuzz SECONDS [TARGET ...]`.

Exit code 1 when there is a finding, 0 when there is none.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from fuzz import engine
from fuzz.search import WORK, log
from fuzz.targets import TARGETS


@dataclass(frozen=True)
class Outcome:
    target: str
    executions: int
    findings: list[Path]
    trouble: str


def searched(targets: list[str], seconds: int) -> list[Outcome]:
    """Give each target so many seconds. Findings of earlier runs count until they are deleted."""
    for target in targets:
        log(target).unlink(missing_ok=True)
    done = subprocess.run(
        [sys.executable, "-m", "fuzz.search", str(seconds), *targets],
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])},
        capture_output=True,
        text=True,
        timeout=(seconds + 40) * len(targets) + 120,
        check=False,
    )
    return [_outcome(target, done.stderr) for target in targets]


def _outcome(target: str, said: str) -> Outcome:
    text = log(target).read_text(encoding="utf-8", errors="replace") if log(target).exists() else said
    runs = re.search(r"stat::number_of_executed_units: +(\d+)", text)
    findings = sorted(file for file in (WORK / "findings" / target).glob("*") if file.suffix != ".txt")
    return Outcome(target, int(runs[1]) if runs else 0, findings, "" if runs else text.strip()[-1500:])


def main(seconds: int, targets: list[str]) -> int:
    engine.folder()
    each = max(1, seconds // len(targets))
    outcomes = searched(targets, each)
    for found in outcomes:
        rate = found.executions / each
        counts = f"{found.executions:>10,} runs {rate:>9,.0f}/s {len(found.findings):>3} findings"
        print(f"{found.target:20} {counts}")
        for file in found.findings:
            print(f"    {file.relative_to(engine.ROOT)}")
        if found.trouble:
            print(found.trouble)
    print(f"{'together':20} {sum(found.executions for found in outcomes):>10,} runs")
    return int(any(found.findings or found.trouble for found in outcomes))


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), sys.argv[2:] or list(TARGETS)))
