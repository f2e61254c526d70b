"""OpenAI's formats: chat completions (Azure and Mistral speak them too), responses, embeddings."""

from __future__ import annotations

import json
from typing import Any

from capture.wires import wire as w
from capture.wires.wire import Wire, halves, sse

_CALL = {"id": w.CALL_ID, "type": "function", "function": {"name": w.TOOL, "arguments": ""}}


class ChatCompletions(Wire):
    name = "chat completions"
    provider = "openai"
    carries = frozenset({"id", "model", "cache_read", "cache_write", "reasoning"})

    def answer(self, body: dict[str, Any]) -> Any:
        said: dict[str, Any] = {"role": "assistant", "content": w.TEXT}
        if body.get("tools"):
            function = {"name": w.TOOL, "arguments": json.dumps(w.ARGUMENTS)}
            said = {"role": "assistant", "content": None, "tool_calls": [{**_CALL, "function": function}]}
        reason = self.tool_stop if body.get("tools") else self.stop
        choice = {"index": 0, "message": said, "finish_reason": reason}
        return {**self._head("chat.completion"), "choices": [choice], "usage": self._usage()}

    def events(self, body: dict[str, Any]) -> list[bytes]:
        deltas: list[dict[str, Any]] = [{"role": "assistant", "content": piece} for piece in halves(w.TEXT)]
        if body.get("tools"):
            pieces = [{"index": 0, "function": {"arguments": p}} for p in halves(json.dumps(w.ARGUMENTS))]
            deltas = [{"tool_calls": [piece]} for piece in [{**_CALL, "index": 0}, *pieces]]
        found = [self._chunk({"index": 0, "delta": delta, "finish_reason": None}) for delta in deltas]
        reason = self.tool_stop if body.get("tools") else self.stop
        found.append(self._chunk({"index": 0, "delta": {}, "finish_reason": reason}))
        return [*found, *self._ending(body), b"data: [DONE]\n\n"]

    def _ending(self, body: dict[str, Any]) -> list[bytes]:
        # Only who asks for the usage gets it.
        options: dict[str, Any] = body.get("stream_options") or {}
        last: dict[str, Any] = {**self._head("chat.completion.chunk"), "choices": [], "usage": self._usage()}
        return [sse(last)] if options.get("include_usage") else []

    def _chunk(self, choice: dict[str, Any]) -> bytes:
        return sse({**self._head("chat.completion.chunk"), "choices": [choice]})

    def _head(self, kind: str) -> dict[str, Any]:
        return {"id": w.ID, "object": kind, "created": 1, "model": w.ANSWERED}

    def _usage(self) -> dict[str, Any]:
        return {
            "prompt_tokens": w.INPUT,
            "completion_tokens": w.OUTPUT,
            "total_tokens": w.INPUT + w.OUTPUT,
            "prompt_tokens_details": {"cached_tokens": w.READ, "cache_write_tokens": w.WRITTEN},
            "completion_tokens_details": {"reasoning_tokens": w.REASONING},
        }


class AzureChatCompletions(ChatCompletions):
    name = "chat completions of a deployment"
    provider = "azure.ai.openai"


class MistralChat(ChatCompletions):
    name = "chat completions"
    carries = frozenset({"id", "model"})

    def events(self, body: dict[str, Any]) -> list[bytes]:
        """A tool call comes in one piece, and the usage comes unasked beside the finish reason."""
        whole = self.answer(body)
        (choice,) = whole["choices"]
        deltas: list[dict[str, Any]] = [{"content": piece} for piece in halves(w.TEXT)]
        if body.get("tools"):
            deltas = [{"content": "", "tool_calls": choice["message"]["tool_calls"]}]
        found = [self._chunk({"index": 0, "delta": delta, "finish_reason": None}) for delta in deltas]
        end = {"index": 0, "delta": {"content": ""}, "finish_reason": choice["finish_reason"]}
        last = {**self._head("chat.completion.chunk"), "choices": [end], "usage": whole["usage"]}
        return [*found, sse(last), b"data: [DONE]\n\n"]

    def _usage(self) -> dict[str, Any]:
        usage = super()._usage()
        return {key: usage[key] for key in ("prompt_tokens", "completion_tokens", "total_tokens")}

    def refusal(self, status: int) -> Any:
        return {"object": "error", "message": f"It is {status}.", "type": "refused", "code": None}


class Responses(Wire):
    name = "responses"
    provider = "openai"
    carries = frozenset({"id", "model", "cache_read", "cache_write", "reasoning", "thought"})
    stop = tool_stop = "completed"

    def answer(self, body: dict[str, Any]) -> Any:
        thought = {"type": "summary_text", "text": w.THOUGHT}
        said: dict[str, Any] = {
            "id": "m-1",
            "type": "message",
            "role": "assistant",
            "status": "completed",
            "content": [{"type": "output_text", "text": w.TEXT, "annotations": []}],
        }
        if body.get("tools"):
            arguments = json.dumps(w.ARGUMENTS)
            said = {"id": "f-1", "type": "function_call", "status": "completed", "call_id": w.CALL_ID}
            said |= {"name": w.TOOL, "arguments": arguments}
        return {
            **self._head("completed"),
            "output": [{"id": "r-1", "type": "reasoning", "summary": [thought]}, said],
            "usage": {
                "input_tokens": w.INPUT,
                "input_tokens_details": {"cached_tokens": w.READ, "cache_write_tokens": w.WRITTEN},
                "output_tokens": w.OUTPUT,
                "output_tokens_details": {"reasoning_tokens": w.REASONING},
                "total_tokens": w.INPUT + w.OUTPUT,
            },
        }

    def events(self, body: dict[str, Any]) -> list[bytes]:
        whole = self.answer(body)
        found: list[dict[str, Any]] = [
            {"type": "response.created", "response": {**self._head("in_progress"), "output": []}}
        ]
        for index, item in enumerate(whole["output"]):
            found.append({"type": "response.output_item.added", "output_index": index, "item": item})
            if item["type"] == "message":
                place: dict[str, Any] = {
                    "output_index": index,
                    "item_id": "m-1",
                    "content_index": 0,
                    "logprobs": [],
                }
                found += [
                    {"type": "response.output_text.delta", "delta": piece, **place}
                    for piece in halves(w.TEXT)
                ]
            found.append({"type": "response.output_item.done", "output_index": index, "item": item})
        found.append({"type": "response.completed", "response": whole})
        numbered = [{**event, "sequence_number": number} for number, event in enumerate(found)]
        return [sse(event, str(event["type"])) for event in numbered]

    def _head(self, status: str) -> dict[str, Any]:
        return {
            "id": w.ID,
            "object": "response",
            "created_at": 1,
            "model": w.ANSWERED,
            "status": status,
            "error": None,
            "incomplete_details": None,
            "instructions": None,
            "metadata": {},
            "parallel_tool_calls": True,
            "tool_choice": "auto",
            "tools": [],
        }


class Embeddings(Wire):
    name = "embeddings"
    operation = "embeddings"
    provider = "openai"
    carries = frozenset({"model"})

    def answer(self, body: dict[str, Any]) -> Any:
        vector = {"object": "embedding", "index": 0, "embedding": [0.5, 0.25]}
        usage = {"prompt_tokens": w.INPUT, "total_tokens": w.INPUT}
        return {"object": "list", "model": w.ANSWERED, "data": [vector], "usage": usage}


class MistralEmbeddings(Embeddings):
    carries = frozenset({"model", "id"})

    def answer(self, body: dict[str, Any]) -> Any:
        return {**super().answer(body), "id": w.ID}
