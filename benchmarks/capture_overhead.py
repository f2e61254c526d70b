"""What recording an LLM call costs the app that makes it.

    python benchmarks/capture_overhead.py [--short] [--json PATH]

A plain call and a streamed one of 200 tokens, by the `openai` client against a server on loopback: not
recorded, with the HTTP span alone (opentelemetry-instrumentation-httpx), by evalspan (which includes that
HTTP span), and by two packages that wrap the client. Each way runs in a process of its own, in turns. All
record content (but for "evalspan, no content") and export by a BatchSpanProcessor and OTLP to the same
sink. The server answers at once, so that the time of a call is the client's own; `added` is what recording
adds to it.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

CONTENT = "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT"
TOKENS = 200
PROMPT = "What is the capital of Peru, and which river is it on? " * 20
USAGE = {"prompt_tokens": 260, "completion_tokens": TOKENS, "total_tokens": 260 + TOKENS}
HEAD = {"id": "chatcmpl-1", "created": 1, "model": "gpt-4o-2024-08-06"}
KINDS = ("plain", "streamed")
FIGURES = ("wall", "first_chunk", "cpu")


# The server: the provider and the sink of the spans.


def answer() -> bytes:
    message = {"role": "assistant", "content": "Lima " * TOKENS}
    choice = {"index": 0, "message": message, "finish_reason": "stop"}
    body = json.dumps({**HEAD, "object": "chat.completion", "choices": [choice], "usage": USAGE}).encode()
    head = f"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
    return head.encode() + body


def stream() -> list[bytes]:
    """The pieces of a streamed answer, one event in each."""

    def piece(choices: list[Any], **more: Any) -> bytes:
        event = {**HEAD, "object": "chat.completion.chunk", "choices": choices, **more}
        data = f"data: {json.dumps(event)}\n\n".encode()
        return f"{len(data):x}\r\n".encode() + data + b"\r\n"

    def choice(delta: dict[str, str], reason: str | None = None) -> list[Any]:
        return [{"index": 0, "delta": delta, "finish_reason": reason}]

    head = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
    words = [piece(choice({"content": "Lima "})) for _ in range(TOKENS)]
    done = b"e\r\ndata: [DONE]\n\n\r\n0\r\n\r\n"
    return [head + words[0], *words[1:], piece(choice({}, "stop")), piece([], usage=USAGE), done]


async def serve() -> None:
    """Answers until it is stopped; its port is its first line."""
    plain, pieces = answer(), stream()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).lower()
                length = next(line for line in head.split(b"\r\n") if line.startswith(b"content-length:"))
                body = await reader.readexactly(int(length.partition(b":")[2]))
                if b"/v1/traces" in head:
                    writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")
                elif b'"stream":true' in body.replace(b" ", b""):
                    for piece in pieces:
                        writer.write(piece)
                else:
                    writer.write(plain)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


# The ways of recording.


def nothing(provider: Any) -> None:
    pass


def http_span(provider: Any) -> None:
    from opentelemetry.instrumentation.httpx import HTTPX2ClientInstrumentor

    cast(Any, HTTPX2ClientInstrumentor()).instrument(tracer_provider=provider)


def by_evalspan(provider: Any) -> None:
    from evalspan import capture

    capture.install(provider)


def by_openinference(provider: Any) -> None:
    from openinference.instrumentation.openai import OpenAIInstrumentor

    OpenAIInstrumentor().instrument(tracer_provider=provider)


def by_genai_openai(provider: Any) -> None:
    from opentelemetry.instrumentation.genai.openai import OpenAIInstrumentor

    OpenAIInstrumentor().instrument(tracer_provider=provider)


WAYS: dict[str, tuple[Callable[[Any], None], str]] = {
    "not recorded": (nothing, "NO_CONTENT"),
    "HTTP span alone": (http_span, "NO_CONTENT"),
    "evalspan": (by_evalspan, "SPAN_ONLY"),
    "evalspan, no content": (by_evalspan, "NO_CONTENT"),
    "OpenInference": (by_openinference, "SPAN_ONLY"),
    "genai-openai": (by_genai_openai, "SPAN_ONLY"),
}


def work(way: str, port: int) -> None:
    """Reads lines `KIND CALLS` and answers each with what the calls took; all in seconds per call."""
    import openai
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    provider = TracerProvider()
    exporter = OTLPSpanExporter(endpoint=f"http://127.0.0.1:{port}/v1/traces")
    provider.add_span_processor(BatchSpanProcessor(exporter, max_queue_size=16_384))
    WAYS[way][0](provider)
    client = openai.OpenAI(base_url=f"http://127.0.0.1:{port}/v1", api_key="k", max_retries=0)
    messages: Any = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": PROMPT}]

    def plain() -> tuple[float, float]:
        start = time.perf_counter()
        client.chat.completions.create(model="gpt-4o", messages=messages, temperature=0.2)
        took = time.perf_counter() - start
        return took, took

    def streamed() -> tuple[float, float]:
        start = time.perf_counter()
        chunks: Any = client.chat.completions.create(
            model="gpt-4o", messages=messages, temperature=0.2, stream=True,
            stream_options={"include_usage": True},
        )  # fmt: skip
        next(chunks)
        first = time.perf_counter() - start
        for _ in chunks:
            pass
        return time.perf_counter() - start, first

    for line in sys.stdin:
        kind, calls = line.split()
        used = time.process_time()
        took = [(plain if kind == "plain" else streamed)() for _ in range(int(calls))]
        provider.force_flush()
        used = (time.process_time() - used) / int(calls)
        wall, first = (statistics.median(column) for column in zip(*took, strict=True))
        print(json.dumps({"wall": wall, "first_chunk": first, "cpu": used}), flush=True)


# Measuring and telling.


@contextmanager
def process(*arguments: str, **variables: str) -> Generator[subprocess.Popen[str]]:
    """This file in a process of its own, in an environment without telemetry settings."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("OTEL_", "EVALSPAN_"))}
    command = [sys.executable, str(Path(__file__).resolve()), *arguments]
    pipe = subprocess.PIPE
    child = subprocess.Popen(command, env={**clean, **variables}, stdin=pipe, stdout=pipe, text=True)
    try:
        yield child
    finally:
        child.kill()
        child.wait()


def ask(child: subprocess.Popen[str], line: str) -> dict[str, float]:
    assert child.stdin
    assert child.stdout
    child.stdin.write(f"{line}\n")
    child.stdin.flush()
    said = child.stdout.readline()
    if not said:
        raise SystemExit(f"a worker ended: {child.args}")
    return json.loads(said)


def measure(rounds: int, calls: int) -> dict[str, dict[str, list[dict[str, float]]]]:
    """kind -> way -> one result per round; one round of all ways after the other."""
    with process("--serve") as server:
        assert server.stdout
        port = server.stdout.readline().strip()
        measured: dict[str, dict[str, list[dict[str, float]]]] = {
            kind: {way: [] for way in WAYS} for kind in KINDS
        }
        children = {way: process("--work", way, port, **{CONTENT: WAYS[way][1]}) for way in WAYS}
        workers = {way: child.__enter__() for way, child in children.items()}
        try:
            for kind in KINDS:
                for worker in workers.values():
                    ask(worker, f"{kind} {calls}")  # to warm up
                for number in range(rounds):
                    turn = list(workers.items())
                    for way, worker in turn[number % len(turn) :] + turn[: number % len(turn)]:
                        measured[kind][way].append(ask(worker, f"{kind} {calls}"))
        finally:
            for child in children.values():
                child.__exit__(None, None, None)
    return measured


def summary(results: list[dict[str, float]], bare: list[dict[str, float]]) -> dict[str, dict[str, float]]:
    """Per figure: median and quartiles in ms, and against the call that is not recorded of the same round."""
    told: dict[str, dict[str, float]] = {}
    for figure in FIGURES:
        values = sorted(result[figure] * 1000 for result in results)
        pairs = [(one[figure], other[figure]) for one, other in zip(results, bare, strict=True)]
        low, middle, high = statistics.quantiles(values, n=4) if len(values) > 1 else values * 3
        told[figure] = {
            "ms": middle, "ms_low": low, "ms_high": high,
            "added_ms": statistics.median((one - other) * 1000 for one, other in pairs),
            "ratio": statistics.median(one / other for one, other in pairs),
        }  # fmt: skip
    return told


def show(kind: str, told: dict[str, dict[str, dict[str, float]]]) -> None:
    names = {"wall": "ms per call", "first_chunk": "ms to the first chunk", "cpu": "ms of CPU per call"}
    for figure in FIGURES if kind == "streamed" else ("wall", "cpu"):
        print(f"\n{kind}: {names[figure]:24}  median  (quartiles)       added    ratio")
        for way, figures in told.items():
            of = figures[figure]
            spread = f"({of['ms_low']:.2f} - {of['ms_high']:.2f})"
            print(f"  {way:32} {of['ms']:6.2f}  {spread:16} {of['added_ms']:+6.2f}  {of['ratio']:6.2f} x")


def compare(rounds: int, calls: int, file: Path) -> None:
    measured = measure(rounds, calls)
    told = {
        kind: {way: summary(results, ways["not recorded"]) for way, results in ways.items()}
        for kind, ways in measured.items()
    }
    print(f"{rounds} rounds of {calls} calls; {len(PROMPT):,} characters there, {TOKENS} tokens back")
    for kind in KINDS:
        show(kind, told[kind])
    file.write_text(json.dumps({"rounds": rounds, "calls": calls, **told}, indent=1), "utf-8")
    print(f"\nwritten to {file}")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--short", action="store_true", help="few calls: that it runs, not how fast")
    parser.add_argument("--rounds", type=int, default=40)
    parser.add_argument("--calls", type=int, default=10, help="calls of each way in a round")
    parser.add_argument("--json", default="capture_overhead.json", help="where the figures go")
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--work", nargs=2, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.serve:
        asyncio.run(serve())
    elif given.work:
        work(given.work[0], int(given.work[1]))
    else:
        compare(*((2, 5) if given.short else (given.rounds, given.calls)), Path(given.json))


if __name__ == "__main__":
    main()
