"""Anthropic's messages by Bedrock's InvokeModel, as Anthropic's own client for Bedrock calls it.

https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-anthropic-claude-messages.html. Other
models answer the same path in formats of their own, which are not read.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterable

from evalspan import attributes as a
from evalspan.capture.formats.anthropic import AnthropicMessages
from evalspan.capture.formats.base import Half
from evalspan.capture.formats.bedrock import model_of
from evalspan.capture.shape import mapping, text
from evalspan.model import Json


class BedrockMessages(AnthropicMessages):
    """`POST .../model/{model}/invoke` and `/invoke-with-response-stream`."""

    path = re.compile(r"/model/.+/invoke(?:-with-response-stream)?$")
    provider = "aws.bedrock"

    def request(self, body: Json, path: str) -> Half | None:
        asked = mapping(body)
        if not text(asked.get("anthropic_version")):
            return None
        half = super().request({**asked, "model": model_of(path)}, path)
        if half is not None and path.rstrip("/").endswith("-stream"):
            half.attributes[a.REQUEST_STREAM] = True
        return half

    def assemble(self, events: Iterable[Json]) -> Json:
        return super().assemble(_unpacked(mapping(event)) for event in events)


def _unpacked(event: dict[str, Json]) -> Json:
    """The event of Anthropic's that stands inside one of AWS's."""
    packed = text(mapping(event.get("chunk")).get("bytes"))
    return json.loads(base64.b64decode(packed)) if packed else {"type": "error", **event}


FORMATS = (BedrockMessages(),)
