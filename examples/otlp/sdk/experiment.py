"""The experiment of the four folders beside this one, with the SDK: what they do by hand it does itself.

evalspan run experiment.py
"""

from __future__ import annotations

from collections import Counter
from typing import Any

from opentelemetry import trace

import evalspan
from evalspan import EvaluatorResult

# (id, question, expected, difficulty, tag, the answers of the first and the second run, tokens)
TABLE: list[tuple[str, str, str, int, str, tuple[str, ...], tuple[int, int]]] = [
    ("france", "What is the capital of France?", "Paris", 1, "europe", ("Paris", "Paris"), (14, 2)),
    ("japan", "日本の首都はどこですか？", "東京", 2, "asia", ("東京", "東京"), (17, 3)),
    ("peru", "¿Cuál es la capital del Perú? 🦙", "Lima", 2, "america", ("Cusco", "Lima"), (19, 4)),
    ("atlantis", "What is the capital of Atlantis?", "Poseidonis", 3, "myth", (), (15, 5)),
]
ROWS = {row[1]: row for row in TABLE}
asked = Counter[str]()


class UnknownCountry(Exception):
    pass


def task(input_data: str) -> str:
    name, _, _, _, _, answers, tokens = ROWS[input_data]
    tracer = trace.get_tracer("capitals")
    agent = {"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": "geographer"}
    with tracer.start_as_current_span("invoke_agent geographer", attributes=agent):
        ask_model(tracer, *tokens)
        tool = {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "atlas"}
        with tracer.start_as_current_span("execute_tool atlas", attributes=tool):
            asked[name] += 1
    if not answers:
        raise UnknownCountry(f"no capital is known of {name}")
    return answers[asked[name] - 1]


def ask_model(tracer: trace.Tracer, input_tokens: int, output_tokens: int) -> None:
    with tracer.start_as_current_span("chat gpt-4o-mini", kind=trace.SpanKind.CLIENT) as span:
        span.set_attributes(
            {
                "gen_ai.operation.name": "chat",
                "gen_ai.provider.name": "openai",
                "gen_ai.request.model": "gpt-4o-mini",
                "gen_ai.request.temperature": 0.2,
                "gen_ai.response.model": "gpt-4o-mini-2024-07-18",
                "gen_ai.response.finish_reasons": ["stop"],
                "gen_ai.usage.input_tokens": input_tokens,
                "gen_ai.usage.output_tokens": output_tokens,
            }
        )


def exact_match(output_data: Any, expected_output: Any) -> bool:
    return output_data == expected_output


def length(output_data: Any) -> int:
    return len(output_data)


def script(output_data: Any) -> EvaluatorResult:
    label = "latin" if output_data.isascii() else "other"
    return EvaluatorResult(label, reasoning=f"judged by the letters of “{output_data}”")


def main() -> None:
    records = [
        {
            "id": name,
            "input": question,
            "expected_output": expected,
            "metadata": {"difficulty": difficulty},
            "tags": [tag],
        }
        for name, question, expected, difficulty, tag, _, _ in TABLE
    ]
    result = evalspan.experiment(
        name="capitals",
        project="any-language",
        task=task,
        dataset=evalspan.Dataset(records, name="capitals-of-the-world"),
        evaluators=[exact_match, length, script],
        metadata={"model": "gpt-4o-mini"},
        runs=2,
    ).run(jobs=1)
    print(result.experiment_id)


main()
