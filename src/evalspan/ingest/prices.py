"""What a call cost, by the price list of `genai-prices`, offline.

An unknown model, or usage that contradicts itself, has no price: NULL, never 0. Prices are linear in
the tokens except where they have tiers, so the rates of a model are worked out once per hour of call
time (some providers have cheaper hours) and a call is priced in about 1 us instead of 55.
"""

from __future__ import annotations

from collections.abc import Iterable
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
    "azure.ai.inference": "azure",
    "az.ai.inference": "azure",
    "az.ai.openai": "openai",
}


@dataclass(frozen=True, slots=True)
class _Tariff:
    """US dollars per token. `tiered`: the rates depend on the size of the call."""

    tiered: bool
    input: Decimal
    output: Decimal
    cache_read: Decimal
    cache_write: Decimal


_own: PriceFile | None = None


def use(path: str) -> None:
    """Let the prices of a file win from now on; '' is none.

    Raises:
        UsageError: the file cannot be read as prices.
    """
    global _own
    _own = PriceFile(path) if path else None


def quote(
    provider: str, models: Iterable[str], start_ns: int, usage: tuple[int, int, int, int]
) -> tuple[Decimal | None, str]:
    """(US dollars of one call, whose price that is), by the first of its model names that has one."""
    named = [model for model in models if model]
    for model in named:
        cost = _own.price(model, *usage) if _own else None
        if _own and cost is not None:
            return cost, _own.source
    for model in named:
        cost = price(provider, model, start_ns, *usage)
        if cost is not None:
            return cost, SOURCE
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
        total = (
            (input_tokens - cache_read - cache_write) * tariff.input
            + cache_read * tariff.cache_read
            + cache_write * tariff.cache_write
            + output_tokens * tariff.output
        )
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
