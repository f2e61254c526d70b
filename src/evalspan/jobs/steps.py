"""The steps of an experiment on one record. What one gives is what the next one takes."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, field
from typing import Any, TypeVar, cast

from opentelemetry.sdk.trace import TracerProvider

from evalspan import attributes as names
from evalspan.errors import UsageError
from evalspan.experiments import rows, templates
from evalspan.experiments.prompt_versions import PromptVersion
from evalspan.jobs import tracing
from evalspan.jobs.job import Job, Metrics
from evalspan.jobs.ledger import Purse
from evalspan.jobs.llm import ModelError, Models
from evalspan.jobs.workflow import CompletionStep, DuplicateStep, PromptStep, Step
from evalspan.judges import Answer
from evalspan.model import Json, Record, dump

T = TypeVar("T", int, float)
_NAME = "Experiment Workflow"  # as the vendor's traces have it


@dataclass
class Tally:
    """What the calls of one item came to."""

    calls: list[Answer] = field(default_factory=list[Answer])

    def metrics(self, latency: float, *, whole: bool) -> Metrics:
        """`whole`: there was no other call, of which nobody knows what it came to."""
        if not whole:
            return Metrics(latency=latency)
        return Metrics(
            latency=latency,
            prompt_tokens=_sum([call.input_tokens for call in self.calls]),
            completion_tokens=_sum([call.output_tokens for call in self.calls]),
            cost=_sum([call.cost_usd for call in self.calls]),
        )


class Steps:
    """Runs the steps of a job."""

    def __init__(self, job: Job, models: Models, provider: TracerProvider) -> None:
        self._job = job
        self._models = models
        self._provider = provider

    async def run(self, record: Record, given: Json, purse: Purse, tally: Tally) -> Json:
        """The output for a record whose input is `given`.

        Raises:
            UsageError: the input does not fit. ModelError. BudgetReached.
        """
        value = given
        with tracing.step(
            self._provider, "workflow_execution", names.WORKFLOW, {names.INPUT: dump(given)}
        ) as whole:
            for number, (step, prompt) in enumerate(zip(self._job.steps, self._job.prompts, strict=True)):
                with tracing.step(
                    self._provider, f"{_NAME}.{step.type}", names.WORKFLOW, {names.INPUT: dump(value)}
                ) as span:
                    value = await self._step(step, prompt, record, value, purse, tally, first=number == 0)
                    span.output(value)
            whole.output(value)
        return value

    async def _step(
        self,
        step: Step,
        prompt: PromptVersion | None,
        record: Record,
        value: Json,
        purse: Purse,
        tally: Tally,
        *,
        first: bool,
    ) -> Json:
        match step:
            case PromptStep():
                assert prompt is not None  # submit resolved it
                messages = await self._rendered(prompt, _variables(value, first=first))
                models = [prompt.model, *prompt.fallback_models]
                return await self._complete("prompt", models, messages, prompt.parameters(), purse, tally)
            case CompletionStep():
                messages = _messages(value) if first else _said(value)
                return await self._complete(
                    "completion", [step.model], messages, step.parameters(), purse, tally
                )
            case DuplicateStep():
                return rows.extras(record).get("output") if first else value
            case _:
                raise UsageError("The output of this item is submitted, not made here.")

    async def _rendered(self, prompt: PromptVersion, variables: dict[str, Json]) -> list[dict[str, Json]]:
        about = {
            names.PROMPT_ID: prompt.prompt_id,
            names.PROMPT_NAME: prompt.prompt_name,
            names.PROMPT_VERSION: prompt.version,
        }
        with tracing.step(self._provider, "workflow.prompt.load_prompt", names.WORKFLOW, about) as span:
            span.output({"prompt_id": prompt.prompt_id, "version": prompt.version, "model": prompt.model})
        given = {**about, names.INPUT: dump(variables)}
        with tracing.step(self._provider, "workflow.prompt.render", names.WORKFLOW, given) as span:
            messages = await asyncio.to_thread(templates.render, prompt, variables)
            span.output(messages)
        return messages

    async def _complete(
        self,
        kind: str,
        models: list[str],
        messages: list[dict[str, Json]],
        parameters: dict[str, Json],
        purse: Purse,
        tally: Tally,
    ) -> Json:
        """The answer of the first model that gives one."""
        with tracing.step(
            self._provider, f"workflow.{kind}.completion", names.WORKFLOW, {names.INPUT: dump(messages)}
        ) as span:
            for model in models:
                try:
                    answer = await self._models.ask(model, messages, parameters, purse)
                except ModelError:
                    if model == models[-1]:
                        raise
                else:
                    tally.calls.append(answer)
                    output = _output(answer)
                    span.output(answer.message)
                    return output
        raise AssertionError


def _variables(value: Json, *, first: bool) -> dict[str, Json]:
    """Raises UsageError where it is no object."""
    found = value if first or not isinstance(value, str) else _parsed(value)
    if isinstance(found, dict):
        return cast("dict[str, Json]", found)
    whose = "The record's input" if first else "The output of the step before"
    raise UsageError(
        f"{whose} is {_kind(found)}; a prompt takes an object whose keys are its variables: {dump(value):.80}"
    )


def _messages(value: Json) -> list[dict[str, Json]]:
    """A record's input as messages."""
    if isinstance(value, dict):
        inside = cast("dict[str, Json]", value)
        if isinstance(inside.get("messages"), list):
            return _messages(inside["messages"])
        if "role" in inside and "content" in inside:
            return [inside]
    if isinstance(value, list):
        items = cast("list[Any]", value)
        if items and all(isinstance(each, dict) and "role" in each for each in items):
            return cast("list[dict[str, Json]]", items)
    return _said(value)


def _said(value: Json) -> list[dict[str, Json]]:
    """A text, or any JSON, as what a user says."""
    content = cast("dict[str, Json]", value).get("content") if isinstance(value, dict) else value
    text = content if isinstance(content, str) else dump(value)
    return [{"role": "user", "content": text}]


def _output(answer: Answer) -> Json:
    """The text where that is all of the answer; else its message."""
    whole = answer.message.get("tool_calls") or not isinstance(answer.message.get("content"), str)
    return answer.message if whole else answer.text


def _parsed(text: str) -> Json:
    try:
        return json.loads(text)
    except ValueError:
        return text


def _kind(value: Json) -> str:
    known = {"list": "a list", "str": "a text", "bool": "a boolean", "NoneType": "null"}
    return known.get(type(value).__name__, "a number")


def _sum(values: list[T | None]) -> T | int | None:
    known = [value for value in values if value is not None]
    return sum(known) if len(known) == len(values) else None
