"""`evalspan.hosted`: experiments that the service itself runs.

Each method asks the service that `evalspan.init` named. See docs/runner.md.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote

from evalspan.errors import NotFoundError, ServiceError
from evalspan.model import Json
from evalspan.sdk import lifecycle
from evalspan.sdk.client import Client

_OVER: Final = frozenset({"completed", "failed", "paused", "cancelled", "draft", "waiting"})
_ROOT: Final = "/v2/experiments/"


@dataclass(frozen=True)
class HostedExperiment:
    """How an experiment stands. Its items are its records, each as often as there are runs."""

    id: str
    name: str
    status: str
    """draft, pending, running, waiting, paused, completed, failed, cancelled."""
    error: str
    total: int
    done: int
    failed: int
    waiting: int
    """Items whose output is to be submitted."""
    percent: float
    spent_usd: float | None
    """None where a call has no known price."""
    spent_tokens: int | None

    @property
    def is_over(self) -> bool:
        """Whether nothing more happens by itself."""
        return self.status in _OVER


@dataclass(frozen=True)
class HostedItem:
    """One execution of one record."""

    id: str
    record_id: str
    run_iteration: int
    status: str
    """pending, running, waiting, scoring, done, failed."""
    input: Json
    output: Json
    expected_output: Json
    error: str
    scores: dict[str, Json]
    """Evaluator -> what it gave; None where it failed."""
    score_errors: dict[str, str]
    """Evaluator -> why it failed."""


class Hosted:
    """The resource."""

    def __init__(self, client: Client | None = None) -> None:
        self._given = client

    def create(
        self,
        dataset_id: str,
        workflow: Sequence[Mapping[str, Json]],
        *,
        name: str = "",
        evaluators: Sequence[str] = (),
        runs: int = 1,
        concurrency: int = 15,
        budget_usd: float | None = None,
        budget_tokens: int | None = None,
        description: str = "",
        metadata: Mapping[str, Json] | None = None,
    ) -> HostedExperiment:
        """Begins an experiment over a dataset.

        Args:
            workflow: the steps, each {"type": ..., "config": {...}}; `prompt`, `completion`, ... make them.
            evaluators: slugs or ids, each with `:VERSION` where it is not to be the latest.

        Raises:
            NotFoundError, UsageError: something named is not there, or does not fit.
        """
        budget = {"usd": budget_usd, "tokens": budget_tokens}
        given: dict[str, Any] = {
            "dataset_id": dataset_id,
            "workflow": [dict(step) for step in workflow],
            "evaluator_ids": list(evaluators),
            "runs": runs,
            "concurrency": concurrency,
            "name": name or None,
            "description": description or None,
            "metadata": dict(metadata or {}) or None,
            "budget": {key: value for key, value in budget.items() if value is not None} or None,
        }
        body = {key: value for key, value in given.items() if value is not None}
        return _experiment(self._ask("POST", "", body))

    def list(self) -> list[HostedExperiment]:
        """Newest first; experiments that ran elsewhere are left out."""
        return [_experiment(each) for each in self._pages("list/") if each.get("run_progress")]

    def get(self, experiment_id: str) -> HostedExperiment:
        """Raises NotFoundError: there is none that the service runs."""
        found = self._ask("GET", _path(experiment_id))
        if not found.get("run_progress"):
            raise NotFoundError(
                f"The experiment {experiment_id!r} was not run by the service; `evalspan query` shows "
                "its results."
            )
        return _experiment(found)

    def wait(
        self,
        experiment_id: str,
        *,
        timeout: float | None = None,
        seen: Callable[[HostedExperiment], object] = lambda _: None,
    ) -> HostedExperiment:
        """Waits until nothing more happens by itself; `seen` is told now and then how it stands.

        Raises:
            ServiceError: that took longer than `timeout` seconds.
        """
        begun, pause = time.monotonic(), 0.1
        while True:
            found = self.get(experiment_id)
            seen(found)
            if found.is_over:
                return found
            if timeout is not None and time.monotonic() - begun > timeout:
                raise ServiceError(f"The experiment {found.id} is {found.status} after {timeout:g} s.")
            time.sleep(pause)
            pause = min(pause * 1.5, 2.0)

    def cancel(self, experiment_id: str) -> HostedExperiment:
        """Raises ConflictError where it is over already."""
        return _experiment(self._ask("POST", _path(experiment_id, "cancel")))

    def resume(
        self, experiment_id: str, *, budget_usd: float | None = None, budget_tokens: int | None = None
    ) -> HostedExperiment:
        """Runs what is left: what failed, was cancelled, or met the budget, which may be another now."""
        budget = {"usd": budget_usd, "tokens": budget_tokens}
        stated = {key: value for key, value in budget.items() if value is not None}
        body = {"budget": stated} if stated else {}
        return _experiment(self._ask("POST", _path(experiment_id, "runs"), body))

    def items(self, experiment_id: str) -> Iterator[HostedItem]:
        """Every item, whole; by run iteration, then in the order of the dataset's records."""
        for each in self._pages(_path(experiment_id, "logs", "list"), values=1):
            yield _item(each)

    def score_errors(self, experiment_id: str) -> dict[str, tuple[int, str]]:
        """Evaluator -> how many of its scores failed, and why one of them did."""
        found = self._ask("GET", _path(experiment_id, "logs", "summary"))["score_errors"]
        return {name: (int(each["count"]), str(each["error_message"])) for name, each in found.items()}

    def submit(
        self,
        experiment_id: str,
        item_id: str,
        output: Json,
        *,
        metadata: Mapping[str, Json] | None = None,
        metrics: Mapping[str, Json] | None = None,
    ) -> None:
        """Hands in the output of an item that waits; its evaluators run afterwards.

        Args:
            metrics: latency in seconds, prompt_tokens, completion_tokens, cost in dollars.
        """
        given = {"output": output, "metadata": dict(metadata or {}), "metrics": dict(metrics or {})}
        body = {key: value for key, value in given.items() if key == "output" or value}
        self._ask("PATCH", _path(experiment_id, "logs", item_id), body)

    def dataset_id(self, project: str, dataset: str) -> str:
        """The id of a dataset, which is named by its name in a project, or by its id.

        Raises:
            NotFoundError: there is none.
        """
        if not dataset:  # an empty filter takes any
            raise NotFoundError("No dataset is named: its name or id is ''.")
        client = self._client()
        found = client.find_dataset(client.project(project), dataset)
        if found is not None:
            return found.id
        try:
            return str(client.respan("GET", f"/datasets/{quote(dataset, safe='')}/")["id"])
        except NotFoundError:
            raise NotFoundError(f"There is no dataset {dataset!r} in the project {project!r}.") from None

    @staticmethod
    def prompt(prompt: str, version: int | None = None) -> dict[str, Json]:
        """A step: the input's variables into a prompt; None is the deployed version."""
        return {"type": "prompt", "config": {"prompt_id": prompt, "version": version}}

    @staticmethod
    def completion(model: str, **parameters: Json) -> dict[str, Json]:
        """A step: the input's messages to a model."""
        return {"type": "completion", "config": {"model": model, **parameters}}

    @staticmethod
    def custom() -> dict[str, Json]:
        """A step, and the only one: outputs are submitted."""
        return {"type": "wait", "config": {}}

    @staticmethod
    def duplicate() -> dict[str, Json]:
        """A step: the output that the row holds already."""
        return {"type": "duplicate", "config": {}}

    def _client(self) -> Client:
        return self._given or lifecycle.start().client

    def _ask(self, method: str, path: str, body: dict[str, Any] | None = None, **query: Any) -> Any:
        return self._client().respan(method, _ROOT + path, body, **query)

    def _pages(self, path: str, **query: Any) -> Iterator[dict[str, Any]]:
        number = 1
        while found := self._ask("GET", path, page=number, **query)["results"]:
            yield from found
            number += 1


def _path(*parts: str) -> str:
    return "".join(f"{quote(part, safe='')}/" for part in parts)


def _experiment(found: dict[str, Any]) -> HostedExperiment:
    stands: dict[str, Any] = found.get("run_progress") or {}
    return HostedExperiment(
        id=str(found["id"]),
        name=str(found["name"]),
        status=str(found.get("run_status") or found["status"]),
        error=str(found.get("error_message") or ""),
        percent=float(found.get("progress") or 0.0),
        spent_usd=stands.get("spent_usd"),
        spent_tokens=stands.get("spent_tokens"),
        **{name: int(stands.get(name) or 0) for name in ("total", "done", "failed", "waiting")},
    )


def _item(found: dict[str, Any]) -> HostedItem:
    given: dict[str, dict[str, Any]] = found.get("scores") or {}
    return HostedItem(
        id=str(found["id"]),
        record_id=str(found["record_id"]),
        run_iteration=int(found["run_iteration"]),
        status=str(found.get("run_status") or found["status"]),
        input=found.get("input"),
        output=found.get("output"),
        expected_output=found.get("expected_output"),
        error=str(found.get("error_message") or ""),
        scores={name: _value(score) for name, score in given.items()},
        score_errors={
            name: str(score["error_message"]) for name, score in given.items() if score.get("error_message")
        },
    )


def _value(score: dict[str, Any]) -> Json:
    kinds = ("numerical", "boolean", "string", "categorical", "json")
    return next((score[f"{kind}_value"] for kind in kinds if score.get(f"{kind}_value") is not None), None)


hosted: Final = Hosted()
