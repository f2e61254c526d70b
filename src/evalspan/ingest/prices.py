"""What a call cost, by the price list of `genai-prices`, offline.

An unknown model, or usage that contradicts itself, has no price: NULL, never 0. A price file of the
user's goes before what the producer of a span says that it cost, and that before the list. Prices are
linear in the tokens except where they have tiers, so the rates of a model are worked out once per hour
of call time (some providers have cheaper hours) and a call is priced in about 1 us instead of 55.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Final

import genai_prices
from genai_prices import Usage
from genai_prices.types import PriceCalculation, TieredPrices

from evalspan.ingest.price_file import PriceFile

REPORTED: Final = "reported"
SOURCE: Final = f"genai-prices@{genai_prices.__version__}"
_HOUR_NS: Final = 3_600_000_000_000
_PLACES: Final = Decimal("1e-12")
_LIMIT: Final = Decimal(10**6)  # what Decimal(18, 12) holds
_PROBE: Final = 1_000_000

# Provider names of the conventions that genai-prices does not know.
_ALIASES: Final = {
    "x_ai": "x-ai",
    "xai": "x-ai",
    "gcp.gen_ai": "google",
    "gemini": "google",
    "vertex_ai": "google",
    "azure.ai.openai": "azure",  # by itself it would read as OpenAI, whose models Azure's list falls back on
    "azure.ai.inference": "azure",
    "az.ai.inference": "azure",
    "az.ai.openai": "azure",
    "fireworks_ai": "fireworks",
}
# Bedrock's price depends on the region, which the model asked for names and the one that answers does not.
_ASKED_DECIDES: Final = frozenset({"aws.bedrock", "aws_bedrock", "bedrock"})


@dataclass(frozen=True, slots=True)
class _Tariff:
    """US dollars per token. `tiered`: the rates depend on the size of the call."""

    tiered: bool
    input: Decimal
    output: Decimal
    cache_read: Decimal
    cache_write: Decimal


Tokens = tuple[int, int, int, int]
"""(input, output, cache read, cache write); the cached ones are part of the input."""
_own: PriceFile | None = None


def use(path: str) -> None:
    """Let the prices of a file win from now on; '' is none.

    Raises:
        UsageError: the file cannot be read as prices.
    """
    global _own
    _own = PriceFile(path) if path else None


def quote(
    provider: str, asked: str, answered: str, start_ns: int, usage: Tokens | None, reported: Decimal | None
) -> tuple[Decimal | None, str]:
    """(US dollars of one call, whose figure that is).

    Args:
        asked: The model of the request; it counts where the one that answered has no price.
        usage: None where it is unknown.
        reported: What the producer of the span says that it cost.
    """
    models = (asked, answered) if provider in _ASKED_DECIDES else (answered, asked)
    if usage is not None and _own is not None:
        for model in models:
            if (own := _own.price(model, *usage)) is not None:
                return own, _own.source
    if reported is not None:
        return reported, REPORTED
    if usage is not None:
        for model in models:
            if (listed := price(provider, model, start_ns, *usage)) is not None:
                return listed, SOURCE
    return None, ""


def price(
    provider: str,
    model: str,
    start_ns: int,
    input_tokens: int,
    output_tokens: int,
    cache_read: int = 0,
    cache_write: int = 0,
) -> Decimal | None:
    """US dollars of one call; None when nobody knows. `input_tokens` includes the cached ones."""
    if not model or cache_read + cache_write > input_tokens:
        return None
    hour = start_ns // _HOUR_NS
    tariff = _tariff(provider, model, hour)
    if tariff is None:
        return None
    if tariff.tiered:
        found = _calculate(provider, model, hour, input_tokens, output_tokens, cache_read, cache_write)
        total = found.total_price if found else None
    else:
        total = input_tokens * tariff.input + output_tokens * tariff.output
        if cache_read or cache_write:
            total += cache_read * (tariff.cache_read - tariff.input)
            total += cache_write * (tariff.cache_write - tariff.input)
    return total.quantize(_PLACES) if total is not None and abs(total) < _LIMIT else None


@lru_cache(maxsize=4096)
def _tariff(provider: str, model: str, hour: int) -> _Tariff | None:
    base = _calculate(provider, model, hour, 0, 0)
    if base is None:
        return None
    tiered = base.total_price != 0 or any(
        isinstance(value, TieredPrices) for value in vars(base.model_price).values()
    )
    probes = [(_PROBE, 0, 0, 0), (0, _PROBE, 0, 0), (_PROBE, 0, _PROBE, 0), (_PROBE, 0, 0, _PROBE)]
    found = [_calculate(provider, model, hour, *probe) for probe in probes]
    rates = [calculation.total_price / _PROBE if calculation else Decimal(0) for calculation in found]
    return _Tariff(tiered, *rates)


def _calculate(
    provider: str, model: str, hour: int, tokens_in: int, tokens_out: int, read: int = 0, write: int = 0
) -> PriceCalculation | None:
    usage = Usage(
        input_tokens=tokens_in,
        output_tokens=tokens_out,
        cache_read_tokens=read or None,
        cache_write_tokens=write or None,
    )
    try:
        return genai_prices.calc_price(
            usage,
            model,
            provider_id=_ALIASES.get(provider, provider) or None,
            genai_request_timestamp=datetime.fromtimestamp(hour * 3600, UTC),
        )
    except (LookupError, ValueError):
        return None
