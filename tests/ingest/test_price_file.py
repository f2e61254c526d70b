"""Prices of the user's own: they win, name themselves, and a wrong file is refused at the start."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest

from evalspan import attributes as a
from evalspan.errors import UsageError
from evalspan.ingest import prices
from evalspan.ingest.price_file import PriceFile
from evalspan.settings import Settings
from evalspan.store import Store
from ingest.build import START, Service, span, traces


def called(model: str, **more: int) -> Any:
    usage: dict[str, Any] = {a.USAGE_INPUT_TOKENS: 1_000_000, a.USAGE_OUTPUT_TOKENS: 500_000, **more}
    return span({a.OPERATION_NAME: "chat", a.PROVIDER_NAME: "openai", a.RESPONSE_MODEL: model, **usage})


def test_a_model_of_the_file_costs_what_the_file_says_and_others_what_they_did(
    embedded_store: Store, tmp_path: Path
) -> None:
    path = tmp_path / "prices.json"
    path.write_text(
        '{"gpt-4o": {"input": 3, "output": 0.5, "cache_read": 1}, "mine": {"input": 1, "output": 1}}'
    )
    with Service(embedded_store, Settings(price_file=str(path), http_port=0, grpc_port=0)) as service:
        calls = [called(model) for model in ("gpt-4o", "mine", "gpt-4o-mini")]
        calls.append(called("gpt-4o", **{a.USAGE_CACHE_READ_TOKENS: 400_000}))
        body = traces(*calls).SerializeToString()
        headers = {"Content-Type": "application/x-protobuf"}
        httpx.post(f"{service.url}/v1/traces", content=body, headers=headers).raise_for_status()
        gpt, mine, other, cached = [service.span_row(call) for call in calls]
    assert [float(row["cost_usd"]) for row in (gpt, mine, cached)] == [3.25, 1.5, 2.45]
    assert {row["cost_source"] for row in (gpt, mine, cached)} == {PriceFile(str(path)).source}
    assert other["cost_source"] == prices.SOURCE
    prices.use("")


def test_the_file_goes_before_what_a_producer_reports_and_that_before_the_list(tmp_path: Path) -> None:
    path = tmp_path / "prices.json"
    path.write_text('{"mine": {"input": 1, "output": 1}}')
    prices.use(str(path))
    usage, reported = (1_000_000, 0, 0, 0), Decimal("0.25")
    quotes = [prices.quote("openai", model, "", START, usage, reported) for model in ("mine", "gpt-4o")]
    quotes += [prices.quote("openai", model, "", START, None, reported) for model in ("mine", "gpt-4o")]
    prices.use("")
    assert [cost for cost, _ in quotes] == [1, reported, reported, reported]
    assert [source for _, source in quotes] == [PriceFile(str(path)).source, *[prices.REPORTED] * 3]
    assert prices.quote("openai", "gpt-4o", "", START, usage, None)[1] == prices.SOURCE


def test_another_content_of_the_file_is_another_source(tmp_path: Path) -> None:
    path = tmp_path / "prices.json"
    sources: list[str] = []
    for rate in (1, 2):
        path.write_text(json.dumps({"mine": {"input": rate, "output": rate}}))
        sources.append(PriceFile(str(path)).source)
    assert sources[0] != sources[1]
    assert all(source.startswith("prices.json@") for source in sources)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("{", "cannot be read as JSON"),
        ("[]", "must hold an object of models"),
        ('{"mine": {"input": 1}}', "'output' of 'mine' is None"),
        ('{"mine": {"input": "1", "output": 1}}', "'input' of 'mine' is '1'"),
        ('{"mine": {"input": 1, "output": -1}}', "'output' of 'mine' is "),
        ('{"mine": {"input": 1, "output": 1, "cached": 1}}', "'cached' of 'mine'"),
    ],
)
def test_a_wrong_file_is_refused_with_what_is_wrong(text: str, complaint: str, tmp_path: Path) -> None:
    path = tmp_path / "prices.json"
    path.write_text(text)
    with pytest.raises(UsageError, match="EVALSPAN_PRICE_FILE=") as refused:
        PriceFile(str(path))
    assert complaint in str(refused.value)
