"""An experiment with nothing but the OpenTelemetry SDK: spans over OTLP/HTTP, scores as span events.

Where it sends, and under which name, is for the standard variables: OTEL_EXPORTER_OTLP_ENDPOINT,
OTEL_EXPORTER_OTLP_HEADERS, OTEL_SERVICE_NAME.
"""

from __future__ import annotations

import json
import sys
import uuid
from collections.abc import Sequence
from typing import NamedTuple

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExportResult
from opentelemetry.trace import Span, SpanKind, StatusCode
from opentelemetry.util.types import AttributeValue


class Record(NamedTuple):
    id: str
    question: str
    expected: str
    difficulty: int
    tag: str
    answers: tuple[str, str] | None  # in the first and the second run; None: there is none
    tokens: tuple[int, int]


RECORDS = [
    Record("france", "What is the capital of France?", "Paris", 1, "europe", ("Paris", "Paris"), (14, 2)),
    Record("japan", "日本の首都はどこですか？", "東京", 2, "asia", ("東京", "東京"), (17, 3)),
    Record("peru", "¿Cuál es la capital del Perú? 🦙", "Lima", 2, "america", ("Cusco", "Lima"), (19, 4)),
    Record("atlantis", "What is the capital of Atlantis?", "Poseidonis", 3, "myth", None, (15, 5)),
]


class UnknownCountry(Exception):
    pass


class CountingExporter(OTLPSpanExporter):
    """`force_flush` says True also where an export failed, so failures are counted here."""

    lost = 0

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        result = super().export(spans)
        if result is not SpanExportResult.SUCCESS:
            self.lost += len(spans)
        return result


exporter = CountingExporter()
provider = TracerProvider()
provider.add_span_processor(BatchSpanProcessor(exporter))
tracer = provider.get_tracer("capitals")


def main() -> None:
    experiment_id = str(uuid.uuid4())
    for iteration in (1, 2):
        for record in RECORDS:
            run_case(experiment_id, iteration, record)
            provider.force_flush()  # the queue holds 2,048 spans and drops what comes on top
    provider.shutdown()
    print(experiment_id)
    if exporter.lost:
        sys.exit(f"{exporter.lost} spans were not delivered")


def run_case(experiment_id: str, iteration: int, record: Record) -> None:
    """One execution of one record: a trace of its own, whose root is the case."""
    attributes: dict[str, AttributeValue] = {
        "evalspan.project.name": "any-language",
        "evalspan.experiment.id": experiment_id,
        "evalspan.experiment.name": "capitals",
        "evalspan.run_iteration": iteration,
        "evalspan.record.id": record.id,
        "evalspan.dataset.name": "capitals-of-the-world",
        "evalspan.input": to_json(record.question),
        "evalspan.expected_output": to_json(record.expected),
        "evalspan.metadata.difficulty": record.difficulty,
        "evalspan.experiment.metadata.model": "gpt-4o-mini",
        "evalspan.tags": [record.tag],
    }
    with tracer.start_as_current_span("capitals", attributes=attributes) as case:
        try:
            output = task(record, iteration)
        except UnknownCountry as error:
            # A failed case is a result too: it has an error, no output and no scores.
            case.set_attribute("error.type", "UnknownCountry")
            case.record_exception(error)
            case.set_status(StatusCode.ERROR, str(error))
            return
        case.set_attribute("evalspan.output", to_json(output))
        evaluate(case, output, record.expected)  # events go on a span before it ends


def task(record: Record, iteration: int) -> str:
    """Stands for your application. What it traces is found below the case."""
    agent = {"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": "geographer"}
    with tracer.start_as_current_span("invoke_agent geographer", attributes=agent):
        ask_model(*record.tokens)
        tool = {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "atlas"}
        with tracer.start_as_current_span("execute_tool atlas", attributes=tool):
            answers = record.answers
    if answers is None:
        raise UnknownCountry(f"no capital is known of {record.id}")
    return answers[iteration - 1]


def ask_model(input_tokens: int, output_tokens: int) -> None:
    """Stands for a call of an LLM; from model and tokens evalspan knows what it cost."""
    with tracer.start_as_current_span("chat gpt-4o-mini", kind=SpanKind.CLIENT) as span:
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


def evaluate(case: Span, output: str, expected: str) -> None:
    """Three evaluators: a boolean, a number, and a label with its reason."""
    result = "gen_ai.evaluation.result"
    exact = {
        "gen_ai.evaluation.name": "exact_match",
        "gen_ai.evaluation.score.value": float(output == expected),
        "evalspan.evaluation.type": "boolean",
    }
    length = {"gen_ai.evaluation.name": "length", "gen_ai.evaluation.score.value": float(len(output))}
    script = {
        "gen_ai.evaluation.name": "script",
        "gen_ai.evaluation.score.label": "latin" if output.isascii() else "other",
        "gen_ai.evaluation.explanation": f"judged by the letters of “{output}”",
    }
    for attributes in (exact, length, script):
        case.add_event(result, attributes)


def to_json(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


if __name__ == "__main__":
    main()
