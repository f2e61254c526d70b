"""Student's interval, against the printed tables."""

from __future__ import annotations

import math
import statistics

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalspan.analysis.statistics import Estimate, estimate, t_quantile


@pytest.mark.parametrize(
    ("degrees", "printed"),
    [(1, 12.706), (2, 4.303), (3, 3.182), (5, 2.571), (10, 2.228), (20, 2.086), (30, 2.042), (120, 1.980)],
)
def test_the_quantile_is_that_of_the_tables(degrees: int, printed: float) -> None:
    assert t_quantile(degrees) == pytest.approx(printed, abs=0.0006)


@pytest.mark.parametrize(("confidence", "printed"), [(0.90, 1.812), (0.99, 3.169), (0.999, 4.587)])
def test_the_quantile_at_other_confidences(confidence: float, printed: float) -> None:
    assert t_quantile(10, confidence) == pytest.approx(printed, abs=0.0006)


def test_many_degrees_give_the_normal_quantile() -> None:
    assert t_quantile(10**6) == pytest.approx(statistics.NormalDist().inv_cdf(0.975), abs=1e-5)


@pytest.mark.parametrize("degrees", [1, 2])
@given(confidence=st.floats(0.01, 0.999))
def test_the_quantile_agrees_with_the_closed_forms_there_are(degrees: int, confidence: float) -> None:
    closed = (
        math.tan(math.pi * confidence / 2)
        if degrees == 1
        else confidence * math.sqrt(2 / (1 - confidence**2))
    )
    assert t_quantile(degrees, confidence) == pytest.approx(closed, rel=1e-9)


def test_an_interval_by_hand() -> None:
    # Mean 2, standard deviation 1, three values: 4.303 / sqrt(3) = 2.484 to each side.
    found = estimate([1, 2, 3])
    assert (found.n, found.mean) == (3, 2)
    assert (found.low, found.high) == (pytest.approx(-0.484, abs=0.001), pytest.approx(4.484, abs=0.001))


def test_below_two_values_there_is_no_interval() -> None:
    assert estimate([]) == Estimate(0, None, None, None)
    assert estimate([0.5]) == Estimate(1, 0.5, None, None)


@given(st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=50))
def test_the_interval_holds_the_mean(values: list[float]) -> None:
    found = estimate(values)
    assert found.mean is not None
    assert found.low is not None
    assert found.high is not None
    assert found.low <= found.mean <= found.high
