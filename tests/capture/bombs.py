"""Answers of little Brotli and zstd that hold much, captured: run as a script where both codings are.

Prints, as JSON, for each coding how many bytes Python held more than before, what the capture said of the
answer, what of a small one in the same coding, and whether the caller got every byte as it was sent.
"""

from __future__ import annotations

import gc
import importlib
import json
import tracemalloc
from typing import Any

import httpx

from capture.provider import COMPLETION, JSON_TYPE, Provider, Reply
from capture.recorded import Recorded
from evalspan import attributes as a
from evalspan import capture

SIZE = 512 * 1024 * 1024
BODY: dict[str, Any] = {"model": "gpt-4o", "messages": [{"role": "user", "content": "hi"}]}


def packed(coding: str, much: bool) -> bytes:
    """Half a gibibyte of zeroes, or an answer."""
    small = json.dumps(COMPLETION).encode()
    if coding == "zstd":
        return importlib.import_module("zstandard").ZstdCompressor().compress(bytes(SIZE) if much else small)
    brotli = importlib.import_module("brotli")
    compressor = brotli.Compressor(quality=5, lgwin=24)
    pieces = [bytes(1024 * 1024)] * (SIZE // 1024 // 1024) if much else [small]
    return b"".join([*map(compressor.process, pieces), compressor.finish()])


def asked(provider: Provider, coding: str, body: bytes) -> tuple[bool, int]:
    """Whether the answer passed as it was sent, and the bytes that Python held more at once."""
    provider.reply = Reply(headers={**JSON_TYPE, "Content-Encoding": coding}, chunks=[body])
    gc.collect()
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    with httpx.stream("POST", f"{provider.base_url}/chat/completions", json=BODY, timeout=60) as response:
        whole = b"".join(response.iter_raw()) == body
    grown = tracemalloc.get_traced_memory()[1] - before
    tracemalloc.stop()
    return whole, grown


def main() -> None:
    found: dict[str, Any] = {}
    with Provider() as provider:
        for coding in ("br", "zstd"):
            bomb, small = packed(coding, True), packed(coding, False)
            recorded = Recorded()
            capture.install(recorded.provider)
            whole, grown = asked(provider, coding, bomb)
            troubles = dict(capture.troubles())
            passed, _ = asked(provider, coding, small)
            capture.uninstall()
            tokens = [dict(span.attributes or {}).get(a.USAGE_OUTPUT_TOKENS) for span in recorded.calls]
            found[coding] = {
                "sent": len(bomb), "passed": whole and passed, "grown": grown, "tokens": tokens,
                "troubles": troubles,
            }  # fmt: skip
    print(json.dumps(found))


if __name__ == "__main__":
    main()
