"""Ollama's messages, prompts and answers as messages of the GenAI conventions."""

from __future__ import annotations

from typing import Any

from evalspan.capture.formats import openai_parts
from evalspan.capture.formats.openai_parts import Part, blob
from evalspan.capture.shape import mapping, strings, text
from evalspan.model import Json


def message(item: dict[str, Any]) -> dict[str, Json]:
    """One message of a chat: OpenAI's shape, with images and thoughts beside the text."""
    made = openai_parts.message({**item, "reasoning": item.get("thinking")})
    return {**made, "parts": [*made["parts"], *_images(item)]}


def said(answer: dict[str, Any]) -> dict[str, Json]:
    """The message of an answer."""
    return {**message(mapping(answer.get("message"))), "finish_reason": text(answer.get("done_reason"))}


def prompted(asked: dict[str, Any]) -> dict[str, Json]:
    """The prompt of a generation."""
    prompt: Part = {"type": "text", "content": text(asked.get("prompt"))}
    return {"role": "user", "parts": [prompt, *_images(asked)]}


def generated(answer: dict[str, Any]) -> dict[str, Json]:
    """The text of an answer."""
    thought = text(answer.get("thinking"))
    parts: list[Part] = [{"type": "reasoning", "content": thought}] if thought else []
    parts.append({"type": "text", "content": text(answer.get("response"))})
    return {"role": "assistant", "parts": parts, "finish_reason": text(answer.get("done_reason"))}


def _images(item: dict[str, Any]) -> list[Part]:
    # Ollama does not say of which type they are.
    return [blob("image", "", data) for data in strings(item.get("images")) or ()]
