"""Export requests as an evaluation of an LLM application makes them.

A trace has five spans: the case, a retrieval, an LLM call with about 1.5 KB of messages and twenty
attributes, and two evaluators that leave a score each. Ids are new in every call; texts are words drawn
by Zipf's law, so that they compress about as prose does.
"""

from __future__ import annotations

import json
import random
import time
from collections.abc import Iterator, Mapping
from typing import Final

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from evalspan import attributes as names

SPANS_PER_TRACE: Final = 5
SCORES_PER_TRACE: Final = 2
_MODELS: Final = ("gpt-4o-mini", "gpt-4o", "claude-sonnet-4-5")
_SECOND: Final = 10**9

Value = str | int | float | bool


class Traces:
    """Traces of one experiment."""

    def __init__(self, experiment_id: str) -> None:
        self.experiment_id = experiment_id
        self._random = random.Random()
        words = random.Random(1)
        self._words = ["".join(words.choices("etaoinshrdlu", k=words.randint(2, 9))) for _ in range(5000)]
        self._weights = [1 / (rank + 3) for rank in range(len(self._words))]
        self._record = 0

    def requests(self, spans: int, per_request: int = 500) -> Iterator[tuple[int, bytes]]:
        """(spans, body) of as many requests as it takes."""
        for first in range(0, spans, per_request):
            size = min(per_request, spans - first) // SPANS_PER_TRACE
            if size:
                yield size * SPANS_PER_TRACE, self._request(size)

    def _request(self, traces: int) -> bytes:
        request = ExportTraceServiceRequest()
        group = request.resource_spans.add()
        resource = {"service.name": "support-bot", "service.version": "2.4.1", "host.name": "runner-17"}
        group.resource.attributes.extend(_attributes(resource))
        scope_group = group.scope_spans.add()
        scope_group.scope.name = "support-bot"
        for _ in range(traces):
            scope_group.spans.extend(self._trace())
        return request.SerializeToString()

    def _trace(self) -> list[Span]:
        self._record += 1
        trace_id, start = self._random.randbytes(16), time.time_ns()
        question, answer = self._text(180), self._text(420)
        ids: dict[str, Value] = {
            names.EXPERIMENT_ID: self.experiment_id,
            names.RUN_ITERATION: 1,
            names.RECORD_ID: f"record-{self._record:08d}",
        }
        case = self._span(trace_id, b"", "answer", start, 3 * _SECOND, ids | {
            names.EXPERIMENT_NAME: "support", names.SPAN_TYPE: "CASE",
            names.DATASET_NAME: "questions", names.DATASET_VERSION: 12,
            names.INPUT: question, names.OUTPUT: answer,
            names.METADATA_PREFIX + "branch": "main", names.METADATA_PREFIX + "difficulty": "hard",
        })  # fmt: skip
        children = [
            self._retrieval(trace_id, case.span_id, start, ids, question),
            self._call(trace_id, case.span_id, start, ids, question, answer),
            *(self._evaluator(trace_id, case.span_id, start, ids, name) for name in ("exact", "helpful")),
        ]
        return [case, *children]

    def _retrieval(
        self, trace_id: bytes, parent: bytes, start: int, ids: Mapping[str, Value], question: str
    ) -> Span:
        found = [{"id": number, "text": self._text(120)} for number in range(3)]
        return self._span(trace_id, parent, "execute_tool search", start, 5 * 10**7, {
            **ids, "gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "search",
            "gen_ai.tool.type": "function", "gen_ai.tool.call.id": self._random.randbytes(8).hex(),
            "gen_ai.tool.call.arguments": json.dumps({"query": question, "k": 3}),
            "gen_ai.tool.call.result": json.dumps(found),
        })  # fmt: skip

    def _call(
        self, trace_id: bytes, parent: bytes, start: int, ids: Mapping[str, Value], question: str, answer: str
    ) -> Span:
        model = self._random.choice(_MODELS)
        asked = [{"role": "user", "parts": [{"type": "text", "content": question + self._text(480)}]}]
        said = [{"role": "assistant", "parts": [{"type": "text", "content": answer}]}]
        return self._span(trace_id, parent, f"chat {model}", start, 2 * _SECOND, {
            **ids, "gen_ai.operation.name": "chat", "gen_ai.provider.name": "openai",
            "gen_ai.conversation.id": self._random.randbytes(8).hex(),
            "gen_ai.request.model": model, "gen_ai.request.temperature": 0.2, "gen_ai.request.top_p": 0.95,
            "gen_ai.request.max_tokens": 1024, "gen_ai.request.seed": 42,
            "gen_ai.response.model": model, "gen_ai.response.id": self._random.randbytes(12).hex(),
            "gen_ai.usage.input_tokens": self._random.randint(200, 900),
            "gen_ai.usage.output_tokens": self._random.randint(40, 300),
            "gen_ai.system_instructions": json.dumps([{"type": "text", "content": self._text(260)}]),
            "gen_ai.input.messages": json.dumps(asked), "gen_ai.output.messages": json.dumps(said),
            "server.address": "api.openai.com", "server.port": 443,
        })  # fmt: skip

    def _evaluator(
        self, trace_id: bytes, parent: bytes, start: int, ids: Mapping[str, Value], name: str
    ) -> Span:
        span = self._span(trace_id, parent, name, start, 10**6, {
            **ids, names.SPAN_TYPE: "EVALUATOR", names.EVALUATOR_NAME: name,
        })  # fmt: skip
        score = round(self._random.random(), 4)
        event = span.events.add(name="gen_ai.evaluation.result", time_unix_nano=start + 10**6)
        event.attributes.extend(
            _attributes({
                **ids, "gen_ai.evaluation.name": name, "gen_ai.evaluation.score.value": score,
                "gen_ai.evaluation.explanation": self._text(100),
            })
        )  # fmt: skip
        return span

    def _span(
        self, trace_id: bytes, parent: bytes, name: str, start: int, length: int, given: Mapping[str, Value]
    ) -> Span:
        return Span(
            trace_id=trace_id,
            span_id=self._random.randbytes(8),
            parent_span_id=parent,
            name=name,
            kind=Span.SPAN_KIND_INTERNAL,
            start_time_unix_nano=start,
            end_time_unix_nano=start + length,
            attributes=_attributes(given),
            status=Status(code=Status.STATUS_CODE_OK),
        )

    def _text(self, length: int) -> str:
        words = self._random.choices(self._words, self._weights, k=length // 5 + 1)
        return " ".join(words)[:length]


def _attributes(given: Mapping[str, Value]) -> list[KeyValue]:
    return [KeyValue(key=key, value=_value(value)) for key, value in given.items()]


def _value(value: Value) -> AnyValue:
    match value:
        case bool():
            return AnyValue(bool_value=value)
        case int():
            return AnyValue(int_value=value)
        case float():
            return AnyValue(double_value=value)
        case str():
            return AnyValue(string_value=value)
