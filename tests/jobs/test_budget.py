"""Budgets: what a job may use is never exceeded, and what is left of it is used by going on."""

from __future__ import annotations

from typing import Any

import pytest

from evalspan.errors import UsageError
from evalspan.jobs import Budget
from evalspan.model import Record
from jobs.workshop import Workshop
from support.llm_wire import Trouble

STEPS: list[dict[str, Any]] = [{"type": "completion", "model": "gpt-4o-mini", "max_tokens": 20}]
WORDS = " ".join(["word"] * 20)


def test_a_job_stops_before_its_tokens_are_used_up_and_goes_on_with_more(workshop: Workshop) -> None:
    workshop.llm.answer = lambda model, messages: WORDS
    found = workshop.run(dataset_id=workshop.questions(10), steps=STEPS, budget={"tokens": 400})
    assert (found.status, found.spent_tokens) == ("paused", workshop.llm.tokens)
    assert 0 < workshop.llm.tokens <= 400
    assert "of 400 tokens" in found.error
    assert 0 < found.done < 10
    assert found.pending == 10 - found.done
    workshop.jobs.rerun(workshop.catalog, found.experiment_id, Budget(tokens=10_000))
    whole = workshop.over(found.experiment_id)
    assert (whole.status, whole.done, len(workshop.llm.calls)) == ("completed", 10, 10)
    assert whole.spent_tokens == workshop.llm.tokens


def test_a_job_stops_before_its_dollars_are_used_up(workshop: Workshop) -> None:
    workshop.llm.answer = lambda model, messages: WORDS
    found = workshop.run(dataset_id=workshop.questions(10), steps=STEPS, budget={"usd": 0.0001})
    assert found.status == "paused"
    assert found.spent_usd is not None
    assert 0 < found.spent_usd <= 0.0001
    assert found.reserved_usd == 0


def test_what_judges_use_counts_as_well(workshop: Workshop) -> None:
    config = {"model": "gpt-4o-mini", "evaluator_definition": "{{output}}", "max_tokens": 20}
    judge = workshop.evaluator({"type": "llm", "score_value_type": "numerical", "llm_config": config})
    workshop.llm.answer = lambda model, messages: '{"score": 1}'
    budget = {"tokens": 900}
    found = workshop.run(
        dataset_id=workshop.questions(30), steps=STEPS, evaluators=[judge], budget=budget, concurrency=1
    )
    assert found.status == "paused"
    assert found.spent_tokens == workshop.llm.tokens <= 900


def test_a_call_whose_answer_nobody_saw_stays_set_aside(workshop: Workshop) -> None:
    workshop.llm.troubles = {1: Trouble(0)}
    found = workshop.run(
        dataset_id=workshop.dataset([Record(input="hello")]), steps=STEPS, budget={"tokens": 5000}
    )
    assert (found.status, found.spent_tokens) == ("completed", workshop.llm.tokens)
    assert found.reserved_tokens > 20


def test_a_refused_call_costs_nothing(workshop: Workshop) -> None:
    workshop.llm.troubles = {1: Trouble(429, retry_after=0), 2: Trouble(500)}
    found = workshop.run(
        dataset_id=workshop.dataset([Record(input="hello")]), steps=STEPS, budget={"tokens": 5000}
    )
    assert (found.spent_tokens, found.reserved_tokens) == (workshop.llm.tokens, 0)


def test_a_budget_in_dollars_needs_a_price(workshop: Workshop) -> None:
    steps = [{"type": "completion", "model": "model-of-nobody"}]
    new = workshop.new(dataset_id=workshop.questions(1), steps=steps, budget={"usd": 1})
    with pytest.raises(UsageError, match=r"price of 'model-of-nobody' is not known.*EVALSPAN_PRICE_FILE"):
        workshop.jobs.submit(workshop.catalog, new)
    found = workshop.run(dataset_id=workshop.questions(1), steps=steps)
    assert (found.status, found.spent_usd) == ("completed", None)


def test_within_a_budget_nothing_is_asked_whose_size_nobody_knows(workshop: Workshop) -> None:
    image = {"type": "image_url", "image_url": {"url": "https://example.com/a.png"}}
    messages = [{"role": "user", "content": [{"type": "text", "text": "what is this"}, image]}]
    found = workshop.run(
        dataset_id=workshop.dataset([Record(input=messages)]), steps=STEPS, budget={"tokens": 9000}
    )
    assert "no message may hold image_url" in found.error
    assert workshop.llm.calls == []
