"""OpenAI's chat completions: https://platform.openai.com/docs/api-reference/chat/create."""

from __future__ import annotations

from typing import Any, Final, cast

import httpx

from evalspan.jobs.providers import Provider
from evalspan.jobs.wire import Reply, Usage, Wire, mapping, whole
from evalspan.model import Json

_HOST: Final = "api.openai.com"  # its newer models refuse `max_tokens`, which other hosts know only


class OpenAIWire(Wire):
    provider = "openai"

    def url(self, provider: Provider) -> str:
        return f"{provider.base_url.rstrip('/')}/chat/completions"

    def headers(self, key: str) -> dict[str, str]:
        return {"authorization": f"Bearer {key}"} if key else {}

    def body(
        self, provider: Provider, model: str, messages: list[dict[str, Json]], parameters: dict[str, Json]
    ) -> dict[str, Any]:
        asked = dict(parameters)
        if httpx.URL(provider.base_url).host == _HOST and "max_tokens" in asked:
            asked["max_completion_tokens"] = asked.pop("max_tokens")
        return {"model": model, "messages": messages, **asked}

    def reply(self, answer: dict[str, Any]) -> Reply:
        choices = answer.get("choices")
        first = mapping(cast("list[Any]", choices)[0]) if isinstance(choices, list) and choices else {}
        message = mapping(first.get("message"))
        if not message:
            raise ValueError("the answer has no choices")
        usage = mapping(answer.get("usage"))
        tokens = whole(usage.get("prompt_tokens")), whole(usage.get("completion_tokens"))
        read = whole(mapping(usage.get("prompt_tokens_details")).get("cached_tokens")) or 0
        return Reply(
            message={key: value for key, value in message.items() if value is not None or key == "content"},
            model=str(answer.get("model") or ""),
            usage=Usage(tokens[0], tokens[1], read)
            if tokens[0] is not None and tokens[1] is not None
            else None,
        )
