"""`evalspan.experiments`: to list, create, retrieve and update."""

from __future__ import annotations

import uuid
from typing import assert_type

import pytest

import evalspan
from evalspan import ExperimentResult, Row, UsageError, eval, experiment, experiments
from evalspan.errors import ConflictError, NotFoundError
from evalspan.sdk.lifecycle import Runtime
from evalspan.sdk.resources import ExperimentList, StoredExperiment


async def test_an_experiment_is_created_retrieved_updated_and_listed(runtime: Runtime) -> None:
    pipeline = runtime.client.project("resources")
    made = await experiments.create(
        pipeline_id=pipeline, name="Prompt optimization", metadata={"temperature": 0.7, "model": "small"}
    )
    assert_type(made, StoredExperiment)
    assert (made.pipeline_id, made.metadata) == (pipeline, {"temperature": 0.7, "model": "small"})
    assert await experiments.retrieve(made.id) == made
    changed = await experiments.update(made.id, name="Renamed", metadata={"version": 2}, status="EVALUATING")
    assert (changed.name, changed.metadata, changed.status) == ("Renamed", {"version": 2}, "completed")
    assert changed.created_at == made.created_at < changed.updated_at
    second = await experiments.create(pipeline_id=pipeline)
    listed = await experiments.list(pipeline_id=pipeline)
    assert_type(listed, ExperimentList)
    assert [each.id for each in listed.data] == [second.id, made.id]
    assert {made.id, second.id} <= {each.id for each in await experiments.list()}


async def test_what_ran_in_a_pipeline_is_listed_there(runtime: Runtime) -> None:
    pipeline = uuid.UUID(runtime.client.project("listed"))

    @experiment(pipeline_id=pipeline, metadata={"commit": "abc"})
    async def ran() -> None:
        assert_type(await eval("one", lambda: 1), Row)

    result = await ran()
    assert_type(result, ExperimentResult)
    [found] = await experiments.list(pipeline_id=pipeline)
    assert (found.id, found.experiment, found.status) == (result.experiment_id, "ran", "completed")
    assert (found.metadata, found.url) == ({"commit": "abc"}, result.url)


async def test_the_default_pipeline_is_the_project_of_the_settings(runtime: Runtime) -> None:
    evalspan.init(project="by-default")
    made = await experiments.create(name="there")
    assert [each.id for each in await experiments.list(pipeline_id="default")] == [made.id]
    assert runtime.client.project("by-default") == made.pipeline_id


async def test_what_is_not_there_is_an_error(runtime: Runtime) -> None:
    nobody = "00000000-0000-4000-8000-000000000000"
    for asked in (experiments.retrieve(nobody), experiments.update(nobody, name="x")):
        with pytest.raises(NotFoundError, match=nobody):
            await asked
    with pytest.raises(NotFoundError, match=nobody):
        await experiments.create(pipeline_id=nobody)
    for wrong in (experiments.list(pipeline_id="named"), experiments.retrieve(""), experiments.update("")):
        with pytest.raises(UsageError):
            await wrong


async def test_a_name_that_is_taken_is_refused_to_an_update(runtime: Runtime) -> None:
    first = await experiments.create(name="taken")
    second = await experiments.create(name="taken")
    assert second.name != first.name
    with pytest.raises(ConflictError, match="taken"):
        await experiments.update(second.id, name="taken")


def test_the_resource_stands_beside_the_services_package_of_its_name() -> None:
    from evalspan.experiments import Experiments

    assert Experiments.__module__ == "evalspan.experiments.experiments"
    assert evalspan.experiments is experiments
