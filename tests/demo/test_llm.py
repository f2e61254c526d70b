"""The small server that plays a model, as the openai package sees it."""

from __future__ import annotations

import time
from collections.abc import Iterator

import openai
import pytest
from openai.types.chat import ChatCompletionMessageParam

from evalspan.demo.llm import Messages, ReplayServer

ASKED: list[ChatCompletionMessageParam] = [{"role": "user", "content": "one two three"}]


def shout(model: str, messages: Messages) -> str:
    return {"loud": str(messages[-1]["content"]).upper()}[model]


def client_of(server: ReplayServer, max_retries: int = 0) -> openai.OpenAI:
    return openai.OpenAI(base_url=server.base_url, api_key="none", max_retries=max_retries)


@pytest.fixture
def client() -> Iterator[openai.OpenAI]:
    with ReplayServer(shout) as server, client_of(server) as client:
        yield client


def test_it_answers_from_the_function_and_counts_words(client: openai.OpenAI) -> None:
    answer = client.chat.completions.create(model="loud", messages=ASKED)
    assert answer.choices[0].message.content == "ONE TWO THREE"
    assert answer.usage
    assert answer.usage.to_dict() == {
        "prompt_tokens": 3,
        "completion_tokens": 3,
        "total_tokens": 6,
        "counted": "words",
    }


def test_it_streams_the_same_text_with_usage_where_asked(client: openai.OpenAI) -> None:
    stream = client.chat.completions.create(
        model="loud", messages=ASKED, stream=True, stream_options={"include_usage": True}
    )
    chunks = list(stream)
    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
    assert text == "ONE TWO THREE"
    assert chunks[-1].usage
    assert chunks[-1].usage.completion_tokens == 3


def test_a_model_that_it_does_not_play_is_not_found(client: openai.OpenAI) -> None:
    with pytest.raises(openai.NotFoundError, match="shy"):
        client.chat.completions.create(model="shy", messages=ASKED)


def test_it_refuses_the_calls_it_was_told_to_with_a_retry_after() -> None:
    with (
        ReplayServer(shout, refuse={1}, retry_after=0.2) as server,
        client_of(server, max_retries=1) as client,
    ):
        started = time.perf_counter()
        answer = client.chat.completions.create(model="loud", messages=ASKED)
    assert answer.choices[0].message.content == "ONE TWO THREE"
    assert time.perf_counter() - started >= 0.2


def test_it_takes_its_time() -> None:
    with ReplayServer(shout, latency=0.2) as server, client_of(server) as client:
        started = time.perf_counter()
        client.chat.completions.create(model="loud", messages=ASKED)
        assert time.perf_counter() - started >= 0.2
