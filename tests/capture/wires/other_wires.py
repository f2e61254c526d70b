"""The formats of Anthropic, Google, Cohere and Ollama."""

from __future__ import annotations

import json
from typing import Any

from capture.wires import wire as w
from capture.wires.wire import Wire, halves, sse


class Messages(Wire):
    name = "messages"
    provider = "anthropic"
    carries = frozenset({"id", "model", "cache_read", "cache_write", "reasoning", "thought"})
    stop, tool_stop = "end_turn", "tool_use"

    def answer(self, body: dict[str, Any]) -> Any:
        reason = self.tool_stop if body.get("tools") else self.stop
        return {**self._head(), "content": self._blocks(body), "stop_reason": reason, "usage": self._usage()}

    def events(self, body: dict[str, Any]) -> list[bytes]:
        usage = {**self._usage(), "output_tokens": 1}
        usage.pop("output_tokens_details")
        head: dict[str, Any] = {**self._head(), "content": [], "stop_reason": None, "usage": usage}
        found: list[dict[str, Any]] = [{"type": "message_start", "message": head}, {"type": "ping"}]
        for index, block in enumerate(self._blocks(body)):
            empty = {**block, **{key: "" for key in ("text", "thinking") if key in block}}
            if block["type"] == "tool_use":
                empty["input"] = {}
            found.append({"type": "content_block_start", "index": index, "content_block": empty})
            found += [{"type": "content_block_delta", "index": index, "delta": d} for d in _deltas(block)]
            found.append({"type": "content_block_stop", "index": index})
        reason = self.tool_stop if body.get("tools") else self.stop
        end = {"output_tokens": w.OUTPUT, "output_tokens_details": {"thinking_tokens": w.REASONING}}
        delta = {"stop_reason": reason, "stop_sequence": None}
        found += [{"type": "message_delta", "delta": delta, "usage": end}, {"type": "message_stop"}]
        return [sse(event, event["type"]) for event in found]

    def refusal(self, status: int) -> Any:
        return {"type": "error", "error": {"type": "refused", "message": f"It is {status}."}}

    def _head(self) -> dict[str, Any]:
        return {
            "id": w.ID,
            "type": "message",
            "role": "assistant",
            "model": w.ANSWERED,
            "stop_sequence": None,
        }

    def _blocks(self, body: dict[str, Any]) -> list[dict[str, Any]]:
        said: dict[str, Any] = {"type": "text", "text": w.TEXT}
        if body.get("tools"):
            said = {"type": "tool_use", "id": w.CALL_ID, "name": w.TOOL, "input": w.ARGUMENTS}
        return [{"type": "thinking", "thinking": w.THOUGHT, "signature": "s"}, said]

    def _usage(self) -> dict[str, Any]:
        return {
            "input_tokens": w.INPUT - w.READ - w.WRITTEN,
            "cache_read_input_tokens": w.READ,
            "cache_creation_input_tokens": w.WRITTEN,
            "output_tokens": w.OUTPUT,
            "output_tokens_details": {"thinking_tokens": w.REASONING},
        }


def _deltas(block: dict[str, Any]) -> list[dict[str, Any]]:
    kind = block["type"]
    if kind == "tool_use":
        pieces = halves(json.dumps(block["input"]))
        return [{"type": "input_json_delta", "partial_json": piece} for piece in pieces]
    key = "thinking" if kind == "thinking" else "text"
    return [{"type": f"{key}_delta", key: piece} for piece in halves(block[key])]


class GenerateContent(Wire):
    name = "generateContent"
    operation = "generate_content"
    provider = "gcp.gemini"
    carries = frozenset({"id", "model", "cache_read", "reasoning", "thought"})
    stop = tool_stop = "STOP"

    def streams(self, path: str, body: dict[str, Any]) -> bool:
        return path.endswith(":streamGenerateContent")

    def answer(self, body: dict[str, Any]) -> Any:
        return {**self._piece(self._parts(body), self.stop), "usageMetadata": self._usage()}

    def events(self, body: dict[str, Any]) -> list[bytes]:
        pieces = [
            {**part, "text": piece}
            for part in self._parts(body)
            if "text" in part
            for piece in halves(part["text"])
        ] + [part for part in self._parts(body) if "text" not in part]
        return [*(sse(self._piece([piece], None)) for piece in pieces), sse(self._last())]

    def refusal(self, status: int) -> Any:
        return {"error": {"code": status, "message": f"It is {status}.", "status": "refused"}}

    def _last(self) -> dict[str, Any]:
        return {**self._piece([], self.stop), "usageMetadata": self._usage()}

    def _piece(self, parts: list[dict[str, Any]], reason: str | None) -> dict[str, Any]:
        candidate: dict[str, Any] = {"index": 0, "content": {"role": "model", "parts": parts}}
        if reason:
            candidate["finishReason"] = reason
        return {"candidates": [candidate], "modelVersion": w.ANSWERED, "responseId": w.ID}

    def _parts(self, body: dict[str, Any]) -> list[dict[str, Any]]:
        said: dict[str, Any] = {"text": w.TEXT}
        if body.get("tools"):
            said = {"functionCall": {"id": w.CALL_ID, "name": w.TOOL, "args": w.ARGUMENTS}}
        return [{"text": w.THOUGHT, "thought": True}, said]

    def _usage(self) -> dict[str, Any]:
        return {
            "promptTokenCount": w.INPUT - 8,
            "toolUsePromptTokenCount": 8,
            "cachedContentTokenCount": w.READ,
            "candidatesTokenCount": w.OUTPUT - w.REASONING,
            "thoughtsTokenCount": w.REASONING,
            "totalTokenCount": w.INPUT + w.OUTPUT,
        }


class VertexGenerateContent(GenerateContent):
    name = "generateContent of Vertex AI"
    provider = "gcp.vertex_ai"


class EmbedContent(Wire):
    name = "embedContent"
    operation = "embeddings"
    provider = "gcp.gemini"

    def answer(self, body: dict[str, Any]) -> Any:
        found = {"embeddings": [{"values": [0.5]}], "embedding": {"values": [0.5]}}
        return {**found, "usageMetadata": {"promptTokenCount": w.INPUT}}


class CohereChat(Wire):
    name = "chat, version 2"
    provider = "cohere"
    carries = frozenset({"id", "cache_read"})
    stop, tool_stop = "COMPLETE", "TOOL_CALL"

    def answer(self, body: dict[str, Any]) -> Any:
        said: dict[str, Any] = {"content": [{"type": "text", "text": w.TEXT}]}
        if body.get("tools"):
            said = {"tool_calls": [self._call(json.dumps(w.ARGUMENTS))]}
        return {"id": w.ID, "message": {"role": "assistant", **said}, **self._end(body)}

    def events(self, body: dict[str, Any]) -> list[bytes]:
        blank: dict[str, Any] = {
            "role": "assistant",
            "content": [],
            "tool_plan": "",
            "tool_calls": [],
            "citations": [],
        }
        kind, key = "content", "content"
        start: dict[str, Any] = {"type": "text", "text": ""}
        pieces: list[dict[str, Any]] = [{"text": piece} for piece in halves(w.TEXT)]
        if body.get("tools"):
            kind, key, start = "tool-call", "tool_calls", self._call("")
            pieces = [{"function": {"arguments": piece}} for piece in halves(json.dumps(w.ARGUMENTS))]
        found: list[dict[str, Any]] = [
            {"type": "message-start", "id": w.ID, "delta": {"message": blank}},
            {"type": f"{kind}-start", "index": 0, "delta": {"message": {key: start}}},
            *({"type": f"{kind}-delta", "index": 0, "delta": {"message": {key: p}}} for p in pieces),
            {"type": f"{kind}-end", "index": 0},
            {"type": "message-end", "delta": self._end(body)},
        ]
        return [sse(event, event["type"]) for event in found]

    def refusal(self, status: int) -> Any:
        return {"id": "e-1", "message": f"It is {status}."}

    def _call(self, arguments: str) -> dict[str, Any]:
        return {
            "id": w.CALL_ID,
            "type": "function",
            "function": {"name": w.TOOL, "arguments": arguments},
        }

    def _end(self, body: dict[str, Any]) -> dict[str, Any]:
        tokens = {"input_tokens": float(w.INPUT), "output_tokens": float(w.OUTPUT)}
        usage = {"tokens": tokens, "billed_units": {"input_tokens": 3}, "cached_tokens": float(w.READ)}
        return {"finish_reason": self.tool_stop if body.get("tools") else self.stop, "usage": usage}


class OllamaChat(Wire):
    name = "/api/chat"
    provider = "ollama"
    carries = frozenset({"model", "thought"})
    tool_stop = "stop"
    stream_type = "application/x-ndjson"

    def streams(self, path: str, body: dict[str, Any]) -> bool:
        return body.get("stream") is not False

    def answer(self, body: dict[str, Any]) -> Any:
        said: dict[str, Any] = {"content": w.TEXT}
        if body.get("tools"):
            call = {"id": w.CALL_ID, "function": {"name": w.TOOL, "arguments": w.ARGUMENTS}}
            said = {"content": "", "tool_calls": [call]}
        return {**self._line({"thinking": w.THOUGHT, **said}), **self._end()}

    def events(self, body: dict[str, Any]) -> list[bytes]:
        whole = self.answer(body)["message"]
        pieces: list[dict[str, Any]] = [{"thinking": p, "content": ""} for p in halves(w.THOUGHT)]
        if body.get("tools"):
            pieces.append({"content": "", "tool_calls": whole["tool_calls"]})
        else:
            pieces += [{"content": piece} for piece in halves(w.TEXT)]
        lines = [{**self._line(piece), "done": False} for piece in pieces]
        lines.append({**self._line({"content": ""}), **self._end()})
        return [json.dumps(line).encode() + b"\n" for line in lines]

    def refusal(self, status: int) -> Any:
        return {"error": f"It is {status}."}

    def _line(self, said: dict[str, Any]) -> dict[str, Any]:
        head = {"model": w.ANSWERED, "created_at": "2026-01-01T00:00:00Z"}
        return {**head, "message": {"role": "assistant", **said}}

    def _end(self) -> dict[str, Any]:
        counts = {"prompt_eval_count": w.INPUT, "eval_count": w.OUTPUT}
        return {"done": True, "done_reason": self.stop, **counts}


class OllamaGenerate(OllamaChat):
    name = "/api/generate"
    operation = "text_completion"

    def _line(self, said: dict[str, Any]) -> dict[str, Any]:
        head = {"model": w.ANSWERED, "created_at": "2026-01-01T00:00:00Z"}
        return {
            **head,
            "response": said["content"],
            **{key: said[key] for key in ("thinking",) if key in said},
        }

    def events(self, body: dict[str, Any]) -> list[bytes]:
        pieces: list[dict[str, Any]] = [{"thinking": p, "content": ""} for p in halves(w.THOUGHT)]
        pieces += [{"content": piece} for piece in halves(w.TEXT)]
        lines = [{**self._line(piece), "done": False} for piece in pieces]
        lines.append({**self._line({"content": ""}), **self._end()})
        return [json.dumps(line).encode() + b"\n" for line in lines]


class OllamaEmbed(Wire):
    name = "/api/embed"
    operation = "embeddings"
    provider = "ollama"
    carries = frozenset({"model"})

    def answer(self, body: dict[str, Any]) -> Any:
        return {"model": w.ANSWERED, "embeddings": [[0.5, 0.25]], "prompt_eval_count": w.INPUT}
