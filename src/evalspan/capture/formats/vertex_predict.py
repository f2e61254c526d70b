"""Text embeddings of Vertex AI by `:predict`, which other kinds of models answer as well.

https://cloud.google.com/vertex-ai/generative-ai/docs/model-reference/text-embeddings-api. The tokens are
counted for each text; where one count is missing, the sum is unknown.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from opentelemetry.util.types import AttributeValue

from evalspan import attributes as a
from evalspan.capture.formats.base import Half
from evalspan.capture.formats.gemini import told_by
from evalspan.capture.shape import count, integer, mapping, mappings, present, text
from evalspan.model import Json


class VertexEmbeddings:
    """`POST .../publishers/google/models/{model}:predict`."""

    path = re.compile(r"/publishers/google/models/[^/:]+:predict$")
    operation = "embeddings"
    provider = "gcp.vertex_ai"

    def request(self, body: Json, path: str) -> Half | None:
        asked = mapping(body)
        texts = [text(item.get("content")) for item in mappings(asked.get("instances"))]
        if not texts or not all(texts):  # images, videos and speech are asked for by a `prompt`
            return None
        wanted = integer(mapping(asked.get("parameters")).get("outputDimensionality"))
        found: dict[str, AttributeValue | None] = {**told_by(path), a.EMBEDDING_DIMENSIONS: wanted}
        messages = [{"role": "user", "parts": [{"type": "text", "content": content}]} for content in texts]
        return Half(present(found), {a.INPUT_MESSAGES: messages})

    def response(self, body: Json) -> Half:
        made = [mapping(item.get("embeddings")) for item in mappings(mapping(body).get("predictions"))]
        counts = [count(mapping(item.get("statistics")).get("token_count")) for item in made]
        known = [number for number in counts if number is not None]
        tokens = sum(known) if known and len(known) == len(counts) else None
        return Half(present({a.USAGE_INPUT_TOKENS: tokens}))

    def assemble(self, events: Iterable[Json]) -> Json:
        return None  # never streamed


FORMATS = (VertexEmbeddings(),)
