"""Four recorded models on the 1,319 test questions of GSM8K, as four experiments.

    evalspan run examples/gsm8k/run.py --data DIR

Nothing is asked of a real provider: a local OpenAI-compatible server replays the solutions that the
models once gave, and the model's name says which column it reads. The recording also says whether
each solution was right; this script does not look at that. It judges by itself.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx

import evalspan
from evalspan.demo.llm import Answer, Messages, ReplayServer

QUESTIONS = "test.jsonl"
SOLUTIONS = "example_model_solutions.jsonl"
MODELS = ("6b_finetuning", "6b_verification", "175b_finetuning", "175b_verification")

# The last line of a solution is "A: 18", that of a reference answer "#### 18".
_FINAL = re.compile(r"^(?:A:|####)(.*)$", re.MULTILINE)
_NUMBER = re.compile(r"-?(?:\d+(?:\.\d+)?|\.\d+)")


def final_number(text: str) -> Decimal | None:
    """The number that a solution ends on; None where it comes to no answer."""
    finals = _FINAL.findall(text)
    if not finals:
        return None
    number = _NUMBER.search(finals[-1].replace("$", "").replace(",", ""))
    return Decimal(number.group()) if number else None


def exact_match(output_data: str, expected_output: str) -> evalspan.EvaluatorResult:
    """Whether the final numbers are equal as numbers: 18.0 is 18, and 2,125 is 2125."""
    answered, reference = final_number(output_data), final_number(expected_output)
    reasoning = "no final number" if answered is None else f"{answered} against {reference}"
    return evalspan.EvaluatorResult(answered is not None and answered == reference, reasoning=reasoning)


def solution_length(output_data: str) -> int:
    """Characters of the solution."""
    return len(output_data)


def records(data: Path, limit: int | None) -> list[dict[str, Any]]:
    """The questions as records; the n-th question has the same id whatever the limit."""
    return [
        {
            "id": f"gsm8k-test-{number:04d}",
            "input": row["question"],
            "expected_output": row["answer"],
            "metadata": {"reference_steps": row["answer"].count("\n")},
        }
        for number, row in enumerate(_rows(data / QUESTIONS)[:limit], 1)
    ]


def recorded(data: Path) -> Answer:
    """The models: what each one answered to each question."""
    solutions = {row["question"]: row for row in _rows(data / SOLUTIONS)}

    def answer(model: str, messages: Messages) -> str:
        return solutions[messages[-1]["content"]][model]["solution"]

    return answer


def run(
    data: Path, models: list[str], *, runs: int, limit: int | None, jobs: int, resume: bool
) -> list[evalspan.ExperimentResult]:
    """One experiment per model."""
    evalspan.init(project="gsm8k")
    dataset = evalspan.Dataset(
        records(data, limit), name="gsm8k-test" if limit is None else f"gsm8k-test-{limit}"
    )
    results: list[evalspan.ExperimentResult] = []
    with ReplayServer(recorded(data)) as server, httpx.Client(base_url=server.base_url, timeout=60) as client:

        def solve(input_data: str, config: dict[str, Any]) -> str:
            """The task, as it would be against a real provider."""
            messages = [{"role": "user", "content": input_data}]
            response = client.post("/chat/completions", json={**config, "messages": messages})
            response.raise_for_status()
            return response.json()["choices"][0]["message"]["content"]

        for model in models:
            experiment = evalspan.experiment(
                name=model,
                task=solve,
                dataset=dataset,
                evaluators=[exact_match, solution_length],
                runs=runs,
                config={"model": model},
            )
            results.append(experiment.run(jobs=jobs, resume=resume or None))
            print(f"{results[-1]}\n", flush=True)
    return results


def main(arguments: list[str] | None = None) -> int:
    """The exit code: 0 when every question was answered in every run, else 1."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True, help=f"folder with {QUESTIONS} and {SOLUTIONS}")
    parser.add_argument("--models", nargs="+", choices=MODELS, default=list(MODELS), metavar="MODEL")
    parser.add_argument("--runs", type=int, default=1, help="iterations over the questions (default 1)")
    parser.add_argument("--limit", type=int, help="only the first N questions")
    parser.add_argument("--jobs", type=int, default=16, help="questions at a time (default 16)")
    parser.add_argument("--resume", action="store_true", help="run only what the last run left undone")
    given = parser.parse_args(arguments)
    absent = [name for name in (QUESTIONS, SOLUTIONS) if not (given.data / name).is_file()]
    if absent:
        parser.error(
            f"{given.data} has no {' and no '.join(absent)}. Fetch {QUESTIONS} and {SOLUTIONS} of GSM8K from "
            "the public repository openai/grade-school-math (MIT; grade_school_math/data) into that folder."
        )
    if given.limit is not None and given.limit < 1:
        parser.error(f"--limit {given.limit}: it has to be 1 or more.")
    results = run(
        given.data, given.models, runs=given.runs, limit=given.limit, jobs=given.jobs, resume=given.resume
    )
    return 1 if any(result.failures or result.missing for result in results) else 0


def _rows(path: Path) -> list[dict[str, Any]]:
    with path.open(encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


if __name__ == "__main__":
    sys.exit(main())
