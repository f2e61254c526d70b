"""`@evalspan.experiment(pipeline_id=...)`: a function whose evals are one experiment each time it is called.

A pipeline is a project: `pipeline_id` is a project's id, `project` its name.
"""

from __future__ import annotations

import functools
import inspect
import os
import uuid
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from typing import Any, ParamSpec

from evalspan.errors import UsageError
from evalspan.model import Json
from evalspan.sdk import lifecycle
from evalspan.sdk.calls import Limits, is_async, name_of
from evalspan.sdk.result import ExperimentResult
from evalspan.sdk.scope import Scope
from evalspan.sdk.session import open_scope
from evalspan.sdk.threads import Threads

P = ParamSpec("P")

DEFAULT = "default"


class Plan:
    """What an experiment will be called, where it belongs, and how its cases run."""

    def __init__(
        self,
        *,
        pipeline_id: str | uuid.UUID | None = None,
        project: str | None = None,
        name: str | None = None,
        description: str = "",
        metadata: Mapping[str, Json] | None = None,
        tags: Sequence[str] = (),
        timeout: float | None = None,
        retries: int = 2,
    ) -> None:
        """Raises UsageError for what makes no sense."""
        if isinstance(tags, str):
            raise UsageError(f"tags={tags!r} must be a list of strings.")
        self._project_id = project_id_of(pipeline_id)
        if self._project_id and project:
            raise UsageError(f"Give pipeline_id={pipeline_id!r} or project={project!r}, not both.")
        self._project = project
        self._name = name
        self._described = {"description": description, "metadata": dict(metadata or {}), "tags": list(tags)}
        self._limits = Limits.checked(timeout, retries)

    def decorate(
        self, body: Callable[P, Awaitable[Any]]
    ) -> Callable[P, Coroutine[Any, Any, ExperimentResult]]:
        """The function with an experiment around each call.

        Raises:
            UsageError: it cannot await.
        """
        if not callable(body) or not is_async(body):
            raise UsageError(
                "@evalspan.experiment without dataset= stands above an `async def`, in which evals are "
                f"awaited, not above {body!r:.80}."
            )
        name = self._name or name_of(body)

        @functools.wraps(body)
        async def run(*args: P.args, **kwargs: P.kwargs) -> ExperimentResult:
            return await self._run(name, lambda: body(*args, **kwargs))

        return run

    async def _run(self, name: str, body: Callable[[], Awaitable[Any]]) -> ExperimentResult:
        refuse_if_disabled()
        runtime = lifecycle.start()
        project = self._project or runtime.settings.project
        described = {"name": name, **self._described}
        threads = Threads()
        try:
            session = await threads.run(
                lambda: open_scope(runtime.client, project, self._project_id, described)
            )
            scope = Scope(session, runtime, threads, described, self._limits)
            return await scope.run(body)
        finally:
            threads.close()


def plan_of(given: Mapping[str, Any]) -> Plan:
    """A plan of arguments that somebody gave.

    Raises:
        UsageError: there is no such argument, or it makes no sense.
    """
    known = inspect.signature(Plan).parameters
    for name in given:
        if name not in known:
            raise UsageError(
                f"@evalspan.experiment has no {name}= without dataset=; it takes {', '.join(known)}, and "
                "evaluators go to eval or eval_dataset."
            )
    return Plan(**given)


def project_id_of(pipeline_id: object) -> str:
    """The project's id; '' for the default pipeline, which is the project of the settings.

    Raises:
        UsageError: it is no id.
    """
    if pipeline_id is None or pipeline_id == DEFAULT:
        return ""
    if isinstance(pipeline_id, str | uuid.UUID):
        try:
            return str(uuid.UUID(str(pipeline_id)))
        except ValueError:
            pass
    raise UsageError(
        f"pipeline_id={pipeline_id!r} is not the id of a project: a UUID or 'default'. A project's name goes "
        "to project=."
    )


def refuse_if_disabled() -> None:
    """Raises UsageError where OpenTelemetry is switched off."""
    if os.environ.get("OTEL_SDK_DISABLED", "").strip().lower() == "true":
        raise UsageError("OTEL_SDK_DISABLED=true: an experiment could not record anything. Unset it.")
