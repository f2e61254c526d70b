"""Prices of the user's own, from a JSON file (`price_file`); they win over the built-in list.

    {"my-model": {"input": 0.5, "output": 2, "cache_read": 0.05, "cache_write": 0.6}}

US dollars per million tokens. A cache price that is not given is the input price. The file is read
once, when the service starts; `cost_source` carries a hash of it, so that a cost names its prices.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any, cast

from evalspan.errors import UsageError

_MILLION = Decimal(1_000_000)
_RATES = ("input", "output", "cache_read", "cache_write")


class PriceFile:
    """The prices of one file."""

    def __init__(self, path: str) -> None:
        """Raises UsageError where the file cannot be read as prices."""
        try:
            data = Path(path).read_bytes()
            models = json.loads(data, parse_float=Decimal, parse_int=Decimal)
        except (OSError, ValueError) as error:
            raise UsageError(f"EVALSPAN_PRICE_FILE={path!r} cannot be read as JSON: {error}") from error
        if not isinstance(models, dict):
            raise UsageError(f"EVALSPAN_PRICE_FILE={path!r} must hold an object of models.")
        self.source = f"{Path(path).name}@{hashlib.sha256(data).hexdigest()[:12]}"
        self._rates = {
            model: _rates(path, model, rates) for model, rates in cast("dict[str, Any]", models).items()
        }

    def price(self, model: str, tokens_in: int, tokens_out: int, read: int, write: int) -> Decimal | None:
        """US dollars of one call; None for a model that is not here, or usage that contradicts itself."""
        rates = self._rates.get(model)
        if rates is None or read + write > tokens_in:
            return None
        plain = rates["input"]
        total = (
            (tokens_in - read - write) * plain
            + tokens_out * rates["output"]
            + read * rates.get("cache_read", plain)
            + write * rates.get("cache_write", plain)
        )
        return (total / _MILLION).quantize(Decimal("1e-12"))


def _rates(path: str, model: str, given: object) -> Mapping[str, Decimal]:
    rates = cast("dict[str, Any]", given) if isinstance(given, dict) else {}
    for name in (*_RATES[:2], *rates):
        rate = rates.get(name)
        if name not in _RATES or not isinstance(rate, Decimal) or not 0 <= rate < 1_000_000:
            raise UsageError(
                f"EVALSPAN_PRICE_FILE={path!r}: {name!r} of {model!r} is {rate!r}; a model has input and "
                f"output, and may have cache_read and cache_write, in dollars per million tokens."
            )
    return rates
