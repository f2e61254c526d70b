"""OpenAI's older completions: a prompt goes on. Azure, vLLM, Together, Fireworks and others speak it too.

https://platform.openai.com/docs/api-reference/completions. Prompts of token numbers are no text and are
left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from opentelemetry.util.types import AttributeValue

from evalspan import attributes as a
from evalspan.capture.formats import azure
from evalspan.capture.formats.base import Half
from evalspan.capture.formats.openai_usage import usage
from evalspan.capture.shape import (
    double,
    failure,
    integer,
    mapping,
    mappings,
    present,
    strings,
    text,
)
from evalspan.model import Json

_NUMBERS = {
    "temperature": a.REQUEST_TEMPERATURE,
    "top_p": a.REQUEST_TOP_P,
    "frequency_penalty": a.REQUEST_FREQUENCY_PENALTY,
    "presence_penalty": a.REQUEST_PRESENCE_PENALTY,
}
_SAID_ONCE = ("id", "model", "usage", "error")


class OpenAICompletions:
    """`POST .../completions`."""

    path = re.compile(r"(?<!/chat)(?<!/fim)(?<!/agents)/completions$")
    operation = "text_completion"
    provider = "openai"

    def request(self, body: Json, path: str) -> Half | None:
        asked, told = mapping(body), azure.told_by(path)
        model = text(asked.get("model")) or told.get(a.REQUEST_MODEL)
        if not model or "prompt" not in asked:
            return None
        choices = integer(asked.get("n"))
        found: dict[str, AttributeValue | None] = {
            **told,
            a.REQUEST_MODEL: model,
            a.REQUEST_MAX_TOKENS: integer(asked.get("max_tokens")),
            a.REQUEST_SEED: integer(asked.get("seed")),
            a.REQUEST_TOP_K: integer(asked.get("top_k")),  # vLLM's
            a.REQUEST_STOP_SEQUENCES: strings(asked.get("stop")),
            a.REQUEST_CHOICE_COUNT: None if choices == 1 else choices,
            a.REQUEST_STREAM: True if asked.get("stream") is True else None,
            **{name: double(asked.get(key)) for key, name in _NUMBERS.items()},
        }
        return Half(present(found), {a.INPUT_MESSAGES: prompts(asked["prompt"], asked.get("suffix"))})

    def response(self, body: Json) -> Half:
        answer = mapping(body)
        choices = mappings(answer.get("choices"))
        reasons = [text(choice.get("finish_reason")) for choice in choices]
        found: dict[str, AttributeValue | None] = {
            a.RESPONSE_MODEL: text(answer.get("model")) or None,
            a.RESPONSE_ID: text(answer.get("id")) or None,
            a.RESPONSE_FINISH_REASONS: [reason for reason in reasons if reason] or None,
            a.ERROR_TYPE: failure(answer),
            **usage(mapping(answer.get("usage"))),
        }
        return Half(present(found), {a.OUTPUT_MESSAGES: [_said(choice) for choice in choices]})

    def assemble(self, events: Iterable[Json]) -> Json:
        answer: dict[str, Any] = {}
        choices: dict[int, dict[str, Any]] = {}
        for event in map(mapping, events):
            for key in _SAID_ONCE:
                if event.get(key):
                    answer[key] = event[key]
            for piece in mappings(event.get("choices")):
                whole = choices.setdefault(integer(piece.get("index")) or 0, {"text": ""})
                whole["text"] += text(piece.get("text"))
                whole["finish_reason"] = piece.get("finish_reason") or whole.get("finish_reason")
        return {**answer, "choices": [choices[index] for index in sorted(choices)]}


def prompts(value: Json, suffix: Json = None) -> list[Json]:
    """The prompts, one message each; what is to stand behind the answer is a part of its own."""
    behind = [{"type": "suffix", "content": suffix}] if text(suffix) else []
    return [
        {"role": "user", "parts": [{"type": "text", "content": prompt}, *behind]}
        for prompt in strings(value) or ()
    ]


def _said(choice: dict[str, Any]) -> dict[str, Json]:
    return {
        "role": "assistant",
        "parts": [{"type": "text", "content": text(choice.get("text"))}],
        "finish_reason": text(choice.get("finish_reason")),
    }


FORMATS = (OpenAICompletions(),)
