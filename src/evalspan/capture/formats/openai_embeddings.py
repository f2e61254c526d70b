"""OpenAI's embeddings, which Azure, Mistral and many others speak too."""

from __future__ import annotations

import re
from collections.abc import Iterable

from opentelemetry.util.types import AttributeValue

from evalspan import attributes as a
from evalspan.capture.formats import azure
from evalspan.capture.formats.base import Half
from evalspan.capture.shape import integer, mapping, present, strings, text
from evalspan.model import Json


class OpenAIEmbeddings:
    """`POST .../embeddings`."""

    path = re.compile(r"/embeddings$")
    operation = "embeddings"
    provider = "openai"

    def request(self, body: Json, path: str) -> Half | None:
        asked, told = mapping(body), azure.told_by(path)
        if "input" not in asked:
            return None
        found: dict[str, AttributeValue | None] = {
            **told,
            a.REQUEST_ENCODING_FORMATS: strings(asked.get("encoding_format")),
            a.EMBEDDING_DIMENSIONS: integer(asked.get("dimensions", asked.get("output_dimension"))),
        }
        if text(asked.get("model")):
            found[a.REQUEST_MODEL] = asked["model"]
        return Half(present(found), {a.INPUT_MESSAGES: _messages(asked["input"])})

    def response(self, body: Json) -> Half:
        answer = mapping(body)
        found: dict[str, AttributeValue | None] = {
            a.RESPONSE_MODEL: text(answer.get("model")) or None,
            a.RESPONSE_ID: text(answer.get("id")) or None,  # Mistral's; OpenAI gives none
            a.USAGE_INPUT_TOKENS: integer(mapping(answer.get("usage")).get("prompt_tokens")),
        }
        return Half(present(found))

    def assemble(self, events: Iterable[Json]) -> Json:
        return None  # never streamed


def _messages(value: Json) -> list[Json]:
    """The texts, one message each; token numbers are no text and are left out."""
    return [
        {"role": "user", "parts": [{"type": "text", "content": content}]} for content in strings(value) or ()
    ]


FORMATS = (OpenAIEmbeddings(),)
