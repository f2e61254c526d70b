"""What it costs to run in a process of its own what a stranger wrote.

    python benchmarks/confined.py [--short] [--json PATH]

Filling a prompt of two messages: by Jinja in this process (compiled once, compiled each time), by the
kept process of `evalspan.confined`, and by a fresh process each time. Judging by code: by `exec` in this
process, by a confined process per case, and the start of a bare Python as the floor. All in turns; medians.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from jinja2.sandbox import SandboxedEnvironment

from evalspan import confined
from evalspan.confined import Limits
from evalspan.confined.process import Process
from evalspan.experiments import templates
from evalspan.experiments.prompt_versions import PromptContent

PROMPT: dict[str, Any] = {
    "messages": [
        {"role": "system", "content": "You help {{ name }}.{% if strict %} Follow every rule.{% endif %}"},
        {"role": "user", "content": "{% for each in issues %}- {{ each }}\n{% endfor %}{{ order_id }}"},
    ],
    "variables": {"name": "string", "strict": "boolean", "issues": "array", "order_id": "string"},
}
VALUES: dict[str, Any] = {"name": "Ada", "strict": True, "issues": ["late", "wet"] * 5, "order_id": "7"}
CODE = "def main(e):\n    return len(e['output'].split()) / 10\n"
CASE = {"output": "one two three"}
LIMITS = Limits(seconds=5.0, memory=256 * 1024 * 1024)
_environment = SandboxedEnvironment()
_compiled = [_environment.from_string(each["content"]) for each in PROMPT["messages"]]
_version = PromptContent.model_validate(PROMPT)


def compiled_once() -> None:
    for template in _compiled:
        template.render(VALUES)


def compiled_each_time() -> None:
    for message in PROMPT["messages"]:
        _environment.from_string(message["content"]).render(VALUES)


def kept_process() -> None:
    templates.render(_version, VALUES)


def fresh_process() -> None:
    sources = [(str(index), each["content"]) for index, each in enumerate(PROMPT["messages"])]
    job = {"job": "render", "sources": sources, "variables": VALUES, "declared": list(VALUES)}
    with Process("shared", LIMITS) as process:
        process.ask(job)


def code_here() -> None:
    names: dict[str, Any] = {}
    exec(compile(CODE, "code", "exec"), names)
    names["main"](CASE)


def code_confined() -> None:
    confined.run_code(CODE, CASE, LIMITS)


def bare_python() -> None:
    subprocess.run([sys.executable, "-I", "-c", "pass"], check=True)


# Name -> (what runs, how often in one turn).
WAYS: dict[str, dict[str, tuple[Callable[[], None], int]]] = {
    "filling a prompt": {
        "in this process, compiled once": (compiled_once, 500),
        "in this process, compiled each time": (compiled_each_time, 100),
        "in the kept process": (kept_process, 500),
        "in a fresh process each time": (fresh_process, 3),
    },
    "judging by code": {
        "in this process": (code_here, 500),
        "in a confined process each time": (code_confined, 5),
        "the start of a bare Python": (bare_python, 5),
    },
}


def measure(turns: int) -> dict[str, dict[str, float]]:
    """Milliseconds for one, the median over the turns."""
    times: dict[tuple[str, str], list[float]] = {}
    kept_process()
    for _ in range(turns):
        for group, ways in WAYS.items():
            for name, (run, repeats) in ways.items():
                began = time.perf_counter()
                for _ in range(repeats):
                    run()
                spent = (time.perf_counter() - began) * 1000 / repeats
                times.setdefault((group, name), []).append(spent)
    return {
        group: {name: statistics.median(times[group, name]) for name in ways} for group, ways in WAYS.items()
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--short", action="store_true", help="one turn")
    parser.add_argument("--json", type=Path, help="write the figures here")
    given = parser.parse_args()
    found = measure(1 if given.short else 7)
    for group, ways in found.items():
        print(group)
        first = next(iter(ways.values()))
        for name, milliseconds in ways.items():
            print(f"  {name:38}{milliseconds:10.3f} ms{milliseconds / first:10.1f} x")
    if given.json:
        given.json.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
