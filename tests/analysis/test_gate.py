"""What fails a check, and what cannot be said fails too."""

from __future__ import annotations

import pytest

from analysis.test_comparison import categories, numbers
from evalspan.analysis.comparison import compare
from evalspan.analysis.gate import Gate, parse_gate, verdict
from evalspan.errors import UsageError

STEADY = compare(numbers(0.5, 0.6, 0.7, 0.8), numbers(0.41, 0.5, 0.59, 0.7))
"""From -0.11 to -0.09: -0.1 in the mean."""


@pytest.mark.parametrize(
    ("text", "gate"),
    [
        ("exact_match<-0.02", ("difference", "exact_match", "<", -0.02)),
        (" a b >= 5e-1 ", ("difference", "a b", ">=", 0.5)),
        ("high(exact)<0", ("high", "exact", "<", 0.0)),
        ("low(exact)>.5", ("low", "exact", ">", 0.5)),
        ("agreement(judge)<=0.9", ("agreement", "judge", "<=", 0.9)),
    ],
)
def test_conditions_are_read(text: str, gate: tuple[object, ...]) -> None:
    found = parse_gate(text)
    assert (found.quantity, found.evaluator, found.operator, found.threshold) == gate


@pytest.mark.parametrize("text", ["", "exact", "exact<", "<0", "exact<x", "exact=1", "exact<nan"])
def test_what_is_no_condition_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match=r"such as exact_match<-0\.02"):
        parse_gate(text)


@pytest.mark.parametrize(
    ("text", "fails"),
    [
        ("exact<-0.02", True), ("exact<-0.2", False), ("exact>0", False), ("exact>=-1", True),
        ("high(exact)<0", True), ("high(exact)<-0.1", False), ("low(exact)<-0.1", True), ("exact<=-5", False),
    ],
)  # fmt: skip
def test_a_gate_fails_where_its_condition_holds(text: str, fails: bool) -> None:
    assert bool(verdict(parse_gate(text), STEADY)) is fails


def test_a_gate_says_what_it_saw() -> None:
    assert verdict(parse_gate("exact<-0.02"), STEADY) == "exact<-0.02: difference is -0.1"


def test_agreement_is_gated_too() -> None:
    comparison = compare(categories("good", "bad"), categories("good", "good"))
    assert verdict(parse_gate("agreement(judge)<0.9"), comparison).endswith("agreement is 0.5")
    assert verdict(parse_gate("agreement(judge)<0.5"), comparison) == ""


@pytest.mark.parametrize("text", ["exactly<-1", "judge<-1", "agreement(exact)<0"])
def test_an_evaluator_that_is_not_there_fails(text: str) -> None:
    comparison = compare(numbers(1.0, 1.0), numbers(1.0, 1.0))
    assert "neither experiment has" in verdict(parse_gate(text), comparison)


def test_records_without_a_pair_fail_beyond_those_allowed() -> None:
    gate = parse_gate("exact<-0.02")
    comparison = compare(numbers(1.0, 1.0, 1.0), numbers(1.0, None))
    assert "2 of 3 records lack a score" in verdict(gate, comparison)
    assert "allowed: 1" in verdict(gate, comparison, allow_missing=1)
    assert verdict(gate, comparison, allow_missing=2) == ""


def test_a_score_that_is_no_number_fails() -> None:
    comparison = compare(numbers(1.0, 1.0), numbers(1.0, float("nan")))
    assert "1 of 2 records lack a score" in verdict(parse_gate("exact<-0.02"), comparison)


def test_an_interval_that_does_not_exist_fails() -> None:
    comparison = compare(numbers(1.0), numbers(1.0))
    assert "high of 'exact' is unknown with 1 paired" in verdict(parse_gate("high(exact)<-5"), comparison)


def test_no_pair_at_all_fails_even_where_all_may_be_missing() -> None:
    comparison = compare(numbers(None), numbers(1.0))
    assert "is unknown" in verdict(Gate("exact<-1", "difference", "exact", "<", -1), comparison, 99)
