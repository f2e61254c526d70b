"""An experiment whose task is two services: a retriever in Go and a writer in Node.

RETRIEVER_URL=http://127.0.0.1:8091 WRITER_URL=http://127.0.0.1:8092 evalspan run experiment.py
"""

from __future__ import annotations

import os

import httpx

import evalspan

RETRIEVER = os.environ["RETRIEVER_URL"]
WRITER = os.environ["WRITER_URL"]


def task(input_data: str) -> str:
    # httpx sends the traceparent along, and the services' spans join the trace of this case.
    passage = get(f"{RETRIEVER}/passage", question=input_data)
    return get(f"{WRITER}/answer", question=input_data, passage=passage)


def get(url: str, **parameters: str) -> str:
    return httpx.get(url, params=parameters, timeout=60).raise_for_status().text


def exact_match(output_data: str, expected_output: str) -> bool:
    return output_data == expected_output


def judge(input_data: str, output_data: str) -> str:
    # What an evaluator has done elsewhere is in the trace, too, and not in the cost of the case.
    return get(f"{WRITER}/judgement", question=input_data, answer=output_data)


def main() -> None:
    questions = ["What is the capital of Perú?", "¿Cuál es la capital del Perú? 🦙"]
    result = evalspan.experiment(
        name="across-services",
        task=task,
        dataset=[{"input": question, "expected_output": "Lima"} for question in questions],
        evaluators=[exact_match, judge],
        runs=2,
    ).run()
    print(result)


if __name__ == "__main__":
    main()
