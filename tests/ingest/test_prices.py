"""The prices of the list: every provider that is recorded finds them, and what nobody knows stays unknown.

The expected figures come from genai-prices itself, by its own names for providers.
"""

from __future__ import annotations

import contextlib
from datetime import UTC, datetime
from decimal import Decimal
from functools import cache
from typing import Any, cast

import genai_prices
import pytest
from genai_prices import Usage
from genai_prices.data_snapshot import get_snapshot

from evalspan.capture import hosts
from evalspan.capture.formats import formats
from evalspan.ingest import prices

START = 1_790_000_000_000_000_000
TOKENS = (9_000, 700, 400, 0)
# The names of spans (of the conventions, and what other packages write) -> genai-prices' own.
NAMES = {
    "openai": "openai",
    "azure.ai.openai": "azure",
    "azure.ai.inference": "azure",
    "az.ai.inference": "azure",
    "az.ai.openai": "azure",
    "azure": "azure",
    "anthropic": "anthropic",
    "aws.bedrock": "aws",
    "aws_bedrock": "aws",
    "bedrock": "aws",
    "cerebras": "cerebras",
    "cohere": "cohere",
    "deepseek": "deepseek",
    "fireworks": "fireworks",
    "fireworks_ai": "fireworks",
    "gcp.gemini": "google",
    "gcp.gen_ai": "google",
    "gcp.vertex_ai": "google",
    "gemini": "google",
    "google": "google",
    "vertex_ai": "google",
    "groq": "groq",
    "mistral_ai": "mistral",
    "mistralai": "mistral",
    "moonshot_ai": "moonshotai",
    "openrouter": "openrouter",
    "perplexity": "perplexity",
    "together": "together",
    "together_ai": "together",
    "x_ai": "x-ai",
    "xai": "x-ai",
}
UNPRICED = {"ollama"}  # what runs on the user's own machine costs what only the user knows


@cache
def listed(provider: str) -> dict[str, Decimal]:
    """Model -> what the tokens cost, of the models that the list has of a provider."""
    usage = Usage(input_tokens=TOKENS[0], output_tokens=TOKENS[1], cache_read_tokens=TOKENS[2])
    when = datetime.fromtimestamp(START // 3_600_000_000_000 * 3600, UTC)
    found: dict[str, Decimal] = {}
    for model in next(known.models for known in get_snapshot().providers if known.id == provider):
        with contextlib.suppress(LookupError):
            name = spelled(model.match)
            price = genai_prices.calc_price(usage, name, provider_id=provider, genai_request_timestamp=when)
            found[name] = price.total_price.quantize(Decimal("1e-12"))
    return found


def spelled(pattern: object) -> str:
    """A name that a model's pattern takes: the first text in it."""
    while not isinstance(pattern, str):
        parts: Any = next(iter(vars(pattern).values()))
        pattern = cast("list[object]", parts)[0] if isinstance(parts, list) else parts
    return pattern


@pytest.mark.parametrize("name", NAMES)
def test_a_provider_finds_the_prices_of_the_list_by_the_name_it_is_recorded_under(name: str) -> None:
    models = listed(NAMES[name])
    assert any(models.values())
    for model, cost in models.items():
        assert prices.quote(name, model, "", START, TOKENS, None) == (cost, prices.SOURCE), model


def test_every_provider_that_the_capture_records_is_priced_or_known_not_to_be() -> None:
    asked = [*hosts.known(), *(item.provider for item in formats())]
    assert {name for name in asked if name not in NAMES} == UNPRICED


@pytest.mark.parametrize("name", [*sorted(UNPRICED), "vllm", "somebody"])
def test_a_provider_without_a_list_has_no_price_though_others_sell_the_model(name: str) -> None:
    model = next(model for model, cost in listed("groq").items() if cost)
    assert prices.quote(name, model, model, START, TOKENS, None) == (None, "")


def test_bedrock_charges_by_the_region_of_the_model_that_was_asked_for() -> None:
    answered = "claude-sonnet-4-5-20250929"
    asked = next(model for model in listed("aws") if model.startswith(f"global.anthropic.{answered}"))
    alone = prices.quote("aws.bedrock", "", answered, START, TOKENS, None)
    assert prices.quote("aws.bedrock", asked, answered, START, TOKENS, None) == (
        listed("aws")[asked],
        prices.SOURCE,
    )
    assert alone[0] != listed("aws")[asked]
