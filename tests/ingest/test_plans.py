"""What the plans of spans may take in memory, however many shapes of spans there are and however wide."""

from __future__ import annotations

import gc
import tracemalloc
from collections.abc import Iterator

import pytest

from evalspan.ingest.dialect import View
from evalspan.ingest.plan import Plans


def shapes(count: int, keys: int, width: int) -> Iterator[View]:
    """Views of that many sets of keys, each of its own, made as they are asked for."""
    for number in range(count):
        names = (f"gen_ai.{number}.{key}".ljust(width, "x") for key in range(keys))
        yield View(dict.fromkeys(names, "1"), {}, [], 1)


@pytest.mark.parametrize(("keys", "width"), [(400, 2_000), (100, 20_000)], ids=["many keys", "long keys"])
def test_shapes_of_any_width_take_no_more_than_what_is_stated(keys: int, width: int) -> None:
    plans = Plans()
    gc.collect()
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        for view in shapes(3 * Plans.BYTES // (keys * width), keys, width):
            plans.of("scope", view)
        gc.collect()
        held = tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()
    assert held < Plans.BYTES + 2 * keys * width


def test_a_shape_that_is_known_is_planned_once_and_a_huge_one_each_time() -> None:
    plans = Plans()
    [small], [huge] = shapes(1, 3, 20), shapes(1, 1_000, Plans.BYTES // 50_000)
    assert plans.of("scope", small) is plans.of("scope", small)
    assert plans.of("scope", huge) is not plans.of("scope", huge)
