"""One chat call, recorded from the real instrumentations: all tell the same story in the end.

The call: gpt-4o-mini, a system and a user message, 120 tokens in (100 of them cached), 30 out (10 of
them reasoning). `recorded/` holds what openllmetry 0.62.4, openinference 0.1.66, genai-openai 1.3b0,
logfire 5.2.0, pydantic-ai 2.68.0, langfuse 5.0.4, mlflow-tracing 3.17.2 and langsmith 0.14.17 sent.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from evalspan.ingest import Encoding, Signal
from ingest.build import Service

RECORDED = Path(__file__).parent / "recorded"
DIALECTS = {
    "semconv": "semconv",
    "openinference": "openinference",
    "openllmetry": "openllmetry",
    "logfire": "logfire",
    "pydantic_ai": "logfire",
    "langfuse": "langfuse",
    "langsmith": "langsmith",
    "mlflow": "mlflow",
}


async def call(service: Service, name: str) -> dict[str, Any]:
    """Send one recording; the row of its LLM span."""
    body = (RECORDED / f"{name}.json").read_bytes()
    receipt = await service.ingest.export(Signal.TRACES, body, Encoding.JSON)
    assert receipt.rejected == 0
    rows = service.store.query(
        "SELECT * FROM spans WHERE span_type = 'LLM' AND has({ids:Array(String)}, trace_id)",
        {"ids": [part.split('"')[2] for part in body.decode().split("traceId")[1:]]},
    )
    assert len(rows) == 1
    return rows[0]


@pytest.mark.parametrize("name", DIALECTS)
async def test_a_call_has_its_tokens_cached_ones_included(service: Service, name: str) -> None:
    row = await call(service, name)
    assert row["dialect"] == DIALECTS[name]
    assert (row["input_tokens"], row["output_tokens"], row["total_tokens"]) == (120, 30, 150)
    assert row["cache_read_tokens"] == 100
    # MLflow leaves reasoning tokens out.
    assert row["reasoning_tokens"] == (None if name == "mlflow" else 10)


@pytest.mark.parametrize("name", DIALECTS)
async def test_a_call_has_its_model_and_its_texts(service: Service, name: str) -> None:
    row = await call(service, name)
    assert row["request_model"].startswith("gpt-4o-mini")
    assert row["response_model"] in ("gpt-4o-mini-2024-07-18", "")
    assert "What is two plus two?" in row["input"]
    assert "Be brief." in row["input"]
    assert "Four." in row["output"]


@pytest.mark.parametrize("name", DIALECTS)
async def test_a_call_has_the_same_cost_whoever_reports_it(service: Service, name: str) -> None:
    row = await call(service, name)
    assert float(row["cost_usd"]) == pytest.approx(20 * 0.15e-6 + 100 * 0.075e-6 + 30 * 0.6e-6)
    assert (
        row["cost_source"] == "reported"
        if DIALECTS[name] == "logfire"
        else "genai-prices" in row["cost_source"]
    )


@pytest.mark.parametrize("name", ["semconv", "openllmetry", "logfire", "pydantic_ai", "langsmith"])
async def test_a_call_has_its_response_id_and_finish_reason(service: Service, name: str) -> None:
    row = await call(service, name)
    assert (row["response_id"], row["finish_reasons"]) == ("chatcmpl-recorded", ["stop"])
    assert row["provider"] == "openai"
