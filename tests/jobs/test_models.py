"""How models are asked: whom, with which key, at which pace, and what happens when they refuse."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from evalspan.errors import UsageError
from evalspan.jobs.providers import Providers
from evalspan.model import Record
from jobs.workshop import Workshop
from support.llm_wire import Trouble

CALLS = """
SELECT error_type, total_tokens FROM spans
WHERE experiment_id = {id:String} AND span_type = 'LLM' ORDER BY start_time
"""


def test_a_call_that_is_refused_for_the_moment_is_made_again_when_the_provider_says(
    workshop: Workshop,
) -> None:
    workshop.llm.troubles = {1: Trouble(429, retry_after=0.3), 2: Trouble(0), 3: Trouble(503)}
    steps = [{"type": "completion", "model": "gpt-4o-mini"}]
    found = workshop.run(dataset_id=workshop.dataset([Record(input="hello")]), steps=steps)
    assert (found.status, found.spent_tokens) == ("completed", 2)
    first, second, *_ = workshop.llm.calls
    assert second.began - first.began >= 0.3
    assert [row["error_type"] for row in workshop.rows(CALLS, found.experiment_id)] == [
        "429", "RemoteProtocolError", "503", "",
    ]  # fmt: skip


def test_a_call_that_is_refused_for_good_is_not_repeated_and_its_reason_is_told(workshop: Workshop) -> None:
    workshop.llm.troubles = {1: Trouble(400)}
    steps = [{"type": "completion", "model": "gpt-4o-mini"}]
    found = workshop.run(dataset_id=workshop.dataset([Record(input="hello")]), steps=steps)
    assert found.status == "failed"
    assert "All 1 items failed" in found.error
    assert "openai answered 400: trouble 400" in found.error
    assert len(workshop.llm.calls) == 1


def test_an_answer_that_is_too_long_to_be_one_fails_its_item_alone(workshop: Workshop) -> None:
    workshop.llm.answer = lambda model, messages: "x" * (9 << 20) if "0" in str(messages) else "fine"
    found = workshop.run(dataset_id=workshop.questions(2), steps=[{"type": "completion", "model": "gpt-4o"}])
    assert (found.done, found.failed, len(workshop.llm.calls)) == (1, 1, 2)
    (error,) = [item.error for item in workshop.items(found.experiment_id) if item.error]
    assert "more than 8 MiB" in error


def test_a_provider_that_stays_silent_is_given_up(workshop: Workshop) -> None:
    workshop.llm.latency = 1.0
    steps = [{"type": "completion", "model": "impatient/any"}]
    found = workshop.run(dataset_id=workshop.dataset([Record(input="hello")]), steps=steps)
    assert "ReadTimeout" in found.error
    assert len(workshop.llm.calls) == 2


def test_where_the_first_model_fails_the_fallback_is_asked(workshop: Workshop) -> None:
    workshop.llm.troubles = {1: Trouble(400)}
    prompt = workshop.prompt(model="first", fallback_models=["claude-second"])
    found = workshop.run(dataset_id=workshop.questions(1), steps=[{"type": "prompt", "prompt": prompt}])
    assert found.done == 1
    assert [call.model for call in workshop.llm.calls] == ["first", "claude-second"]


def test_no_provider_gets_more_calls_at_once_than_it_may(workshop: Workshop) -> None:
    workshop.llm.latency = 0.05
    steps = [{"type": "completion", "model": "narrow-model"}]
    found = workshop.run(dataset_id=workshop.questions(12), steps=steps)
    assert found.done == 12
    assert 1 <= workshop.llm.most_at_once <= 2


def test_no_provider_gets_more_calls_a_minute_than_it_may(workshop: Workshop) -> None:
    steps = [{"type": "completion", "model": "paced-model"}]
    begun = time.monotonic()
    workshop.run(dataset_id=workshop.questions(6), steps=steps)
    assert max(call.began for call in workshop.llm.calls) - begun >= 5 * 60 / 1200


def test_a_provider_that_limits_its_rate_answers_every_call_in_the_end(workshop: Workshop) -> None:
    workshop.llm.per_second = 4
    steps = [{"type": "completion", "model": "gpt-4o-mini"}]
    found = workshop.run(dataset_id=workshop.questions(12), steps=steps)
    assert (found.status, found.done) == ("completed", 12)
    assert found.spent_tokens == workshop.llm.tokens


def test_a_key_that_is_not_there_is_named_before_anything_runs(workshop: Workshop) -> None:
    new = workshop.new(
        dataset_id=workshop.questions(1), steps=[{"type": "completion", "model": "keyless/model"}]
    )
    with pytest.raises(UsageError, match=r"'keyless' needs its key in KEY_THAT_NOBODY_SET"):
        workshop.jobs.submit(workshop.catalog, new)


@pytest.mark.parametrize(
    ("model", "provider", "name"),
    [
        ("gpt-4o", "openai", "gpt-4o"),
        ("claude-sonnet-4", "anthropic", "claude-sonnet-4"),
        ("local/llama-3", "local", "llama-3"),
        ("qwen-7b", "local", "qwen-7b"),
        ("meta/llama-3", "openai", "meta/llama-3"),
    ],
    ids=["default", "pattern built in", "named", "pattern", "a slash of its own"],
)
def test_a_model_finds_its_provider(tmp_path: Path, model: str, provider: str, name: str) -> None:
    file = tmp_path / "providers.toml"
    file.write_text('[local]\nbase_url = "http://127.0.0.1:1/v1"\nmodels = ["qwen-*"]\n')
    found, called = Providers(str(file), {}).of(model)
    assert (found.name, called) == (provider, name)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("[a", "cannot be read"),
        ('a = "b"', "'a' must be a table"),
        ("[a]\nmodels = []", "provider 'a': base_url"),
        ('[openai]\nspeed = 3\nbase_url = "http://x"', "provider 'openai': speed=3"),
    ],
    ids=["no toml", "no table", "no address", "unknown key"],
)
def test_a_file_of_providers_that_cannot_be_used_is_refused(tmp_path: Path, content: str, said: str) -> None:
    file = tmp_path / "providers.toml"
    file.write_text(content)
    with pytest.raises(UsageError, match=said):
        Providers(str(file), {})
