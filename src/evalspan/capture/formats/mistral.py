"""Mistral's own paths: calls of an agent, and filling in the middle. The answers are chat completions.

https://docs.mistral.ai/api. Its conversations are not read: one of them runs any number of model and
connector calls, and states one usage for all.
"""

from __future__ import annotations

import re

from evalspan import attributes as a
from evalspan.capture.formats.base import Half
from evalspan.capture.formats.openai_chat import OpenAIChat, requested
from evalspan.capture.formats.openai_completions import prompts
from evalspan.capture.shape import mapping, text
from evalspan.model import Json


class MistralAgents(OpenAIChat):
    """`POST .../agents/completions`; only the answer names the model."""

    path = re.compile(r"/agents/completions$")
    provider = "mistral_ai"

    def request(self, body: Json, path: str) -> Half | None:
        asked = mapping(body)
        if not text(asked.get("agent_id")) or not isinstance(asked.get("messages"), list):
            return None
        half = requested(body, path)
        return Half({**half.attributes, a.AGENT_ID: asked["agent_id"]}, half.content)


class MistralFill(OpenAIChat):
    """`POST .../fim/completions`."""

    path = re.compile(r"/fim/completions$")
    operation = "text_completion"
    provider = "mistral_ai"

    def request(self, body: Json, path: str) -> Half | None:
        asked = mapping(body)
        if not text(asked.get("model")) or not isinstance(asked.get("prompt"), str):
            return None
        content = {a.INPUT_MESSAGES: prompts(asked["prompt"], asked.get("suffix"))}
        return Half(requested(body, path).attributes, content)


FORMATS = (MistralAgents(), MistralFill())
