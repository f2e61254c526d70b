"""Cohere's embeddings, versions 1 and 2.

https://docs.cohere.com/reference/embed. Texts and images are counted and charged apart; where images are
among the input there is no one token count, so none is recorded.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from opentelemetry.util.types import AttributeValue

from evalspan import attributes as a
from evalspan.capture.formats.base import Half
from evalspan.capture.formats.openai_parts import link, message
from evalspan.capture.shape import count, integer, mapping, mappings, present, strings, text
from evalspan.model import Json

_GIVEN = ("texts", "images", "inputs")


class CohereEmbed:
    """`POST .../v1/embed` and `.../v2/embed`."""

    path = re.compile(r"/v[12]/embed$")
    operation = "embeddings"
    provider = "cohere"

    def request(self, body: Json, path: str) -> Half | None:
        asked = mapping(body)
        if not any(isinstance(asked.get(key), list) for key in _GIVEN):
            return None
        found: dict[str, AttributeValue | None] = {
            a.REQUEST_MODEL: text(asked.get("model")) or None,
            a.REQUEST_ENCODING_FORMATS: strings(asked.get("embedding_types")),
            a.EMBEDDING_DIMENSIONS: integer(asked.get("output_dimension")),
        }
        return Half(present(found), {a.INPUT_MESSAGES: _messages(asked)})

    def response(self, body: Json) -> Half:
        answer = mapping(body)
        found: dict[str, AttributeValue | None] = {
            a.RESPONSE_ID: text(answer.get("id")) or None,
            a.USAGE_INPUT_TOKENS: _tokens(mapping(answer.get("meta"))),
        }
        return Half(present(found))

    def assemble(self, events: Iterable[Json]) -> Json:
        return None  # never streamed


def _messages(asked: dict[str, Any]) -> list[Json]:
    texts = [{"type": "text", "content": content} for content in strings(asked.get("texts")) or ()]
    images = [link(image) for image in strings(asked.get("images")) or ()]
    mixed = [message(item) for item in mappings(asked.get("inputs"))]
    return [*({"role": "user", "parts": [part]} for part in (*texts, *images)), *mixed]


def _tokens(meta: dict[str, Any]) -> int | None:
    billed = mapping(meta.get("billed_units"))
    if billed.get("images") or billed.get("image_tokens"):
        return None
    return count(mapping(meta.get("tokens")).get("input_tokens", billed.get("input_tokens")))


FORMATS = (CohereEmbed(),)
