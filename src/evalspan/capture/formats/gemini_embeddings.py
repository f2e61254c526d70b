"""Google's embeddings: `embedContent` and `batchEmbedContents`.

Older answers carry no token counts at all; then there are none.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from opentelemetry.util.types import AttributeValue

from evalspan import attributes as a
from evalspan.capture.formats.base import Half
from evalspan.capture.formats.gemini import told_by
from evalspan.capture.formats.gemini_parts import camel, message
from evalspan.capture.shape import integer, mapping, mappings, present
from evalspan.model import Json


class GeminiEmbeddings:
    """`POST .../models/{model}:embedContent` and `:batchEmbedContents`."""

    path = re.compile(r":(?:embedContent|batchEmbedContents)$")
    operation = "embeddings"
    provider = "gcp.gemini"

    def request(self, body: Json, path: str) -> Half:
        asked = mapping(body)
        requests = [camel(item) for item in mappings(asked.get("requests")) or [asked]]
        dimensions = [integer(_config(item).get("outputDimensionality")) for item in requests]
        found: dict[str, AttributeValue | None] = {
            **told_by(path),
            a.EMBEDDING_DIMENSIONS: next((item for item in dimensions if item is not None), None),
        }
        contents = [mapping(item.get("content")) for item in requests]
        return Half(present(found), {a.INPUT_MESSAGES: [message(item) for item in contents if item]})

    def response(self, body: Json) -> Half:
        usage = mapping(mapping(body).get("usageMetadata"))
        return Half(present({a.USAGE_INPUT_TOKENS: integer(usage.get("promptTokenCount"))}))

    def assemble(self, events: Iterable[Json]) -> Json:
        return None  # never streamed


def _config(request: dict[str, Any]) -> dict[str, Any]:
    """The options, which stood in the request itself before they had an object of their own."""
    return {**request, **camel(mapping(request.get("embedContentConfig")))}


FORMATS = (GeminiEmbeddings(),)
