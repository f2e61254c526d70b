"""Every call of the client's resources, by the sync and the async one in turn; prints what came back."""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Any

import gentrace

TAG = sys.argv[1]


def plain(item: Any) -> Any:
    return json.loads(item.to_json(use_api_names=True))


async def main() -> None:
    gentrace.init()
    one = gentrace.pipelines.create(slug=f"{TAG}-Alpha", display_name="First")
    two = await gentrace.pipelines_async.create(slug=f"{TAG}-beta", folder_id="f1")
    again = gentrace.pipelines.create(slug=f"{TAG}-Alpha", display_name="Second")
    archived = await gentrace.pipelines_async.update(two.id, is_archived=True, display_name="Beta")
    restored = gentrace.pipelines.update(two.id, is_archived=False, display_name=None)
    slugs: dict[str, list[str]] = {}
    for name, asked in {
        "equal": f"{TAG}-beta",
        "contains": {"contains": f"{TAG}-"},
        "starts": {"starts_with": f"{TAG}-alpha", "mode": "insensitive"},
        "case": {"starts_with": f"{TAG}-alpha"},
        "ends": {"ends_with": "-beta", "contains": TAG},
        "search": {"search": f"alpha {TAG}", "mode": "insensitive"},
        "in": {"in": [f"{TAG}-beta", "absent"]},
        "not in": {"not_in": [f"{TAG}-beta"], "contains": TAG},
    }.items():
        found = gentrace.pipelines.list(slug=asked).data
        slugs[name] = [pipeline.slug for pipeline in found]
    folder = [pipeline.id for pipeline in (await gentrace.pipelines_async.list(folder_id="f1")).data]

    data = gentrace.datasets.create(name="d1", description="about", pipeline_id=one.id, is_golden=True)
    old = await gentrace.datasets_async.create(name="d2", description=None, pipeline_slug=one.slug)
    old = gentrace.datasets.update(old.id, is_archived=True, name="d2 old", description="gone")
    live = [each.id for each in (await gentrace.datasets_async.list(pipeline_id=one.id)).data]
    every = [each.id for each in gentrace.datasets.list(pipeline_slug=one.slug, archived=True).data]
    golden = gentrace.pipelines.retrieve(one.id).golden_dataset_id

    case = gentrace.test_cases.create(
        dataset_id=data.id, name="c1", inputs={"q": [1, {"a": None}]}, expected_outputs={"n": 1.5}
    )
    twin = await gentrace.test_cases_async.create(
        dataset_id=data.id, name="c1", inputs={"q": [1, {"a": None}]}
    )
    same = await gentrace.test_cases_async.retrieve(case.id)
    cases = [each.id for each in gentrace.test_cases.list(pipeline_id=one.id).data]
    gentrace.test_cases.delete(twin.id)
    await gentrace.test_cases_async.delete(twin.id)
    left = [each.id for each in (await gentrace.test_cases_async.list(dataset_id=data.id)).data]
    try:
        gentrace.test_cases.retrieve(twin.id)
        gone = None
    except gentrace.NotFoundError as error:
        gone = error.body

    run = await gentrace.experiments_async.create(pipeline_id=one.id, name="run", metadata={"k": [1]})
    other = gentrace.experiments.create(pipeline_id=one.id, name="run")
    bare = gentrace.experiments.create(pipeline_id="default")
    changed = gentrace.experiments.update(run.id, name="renamed", metadata={"k": 2}, status="EVALUATING")
    named = await gentrace.experiments_async.update(bare.id, name="run")
    listed = [each.id for each in (await gentrace.experiments_async.list(pipeline_id=one.id)).data]
    default = [each.id for each in gentrace.experiments.list(pipeline_id="default").data]
    me = gentrace.organizations.retrieve("me")
    mine = await gentrace.organizations_async.retrieve(me.id)
    print(
        json.dumps(
            {
                "one": plain(one), "two": plain(two), "again": plain(again), "archived": plain(archived),
                "restored": plain(restored), "slugs": slugs, "folder": folder, "golden": golden,
                "data": plain(data), "old": plain(old), "live": live, "every": every,
                "case": plain(case), "twin": twin.id, "same": plain(same), "cases": cases, "left": left,
                "gone": gone, "run": plain(run), "other": plain(other), "bare": plain(bare),
                "changed": plain(changed), "named": plain(named), "listed": listed, "default": default,
                "fetched": plain(gentrace.experiments.retrieve(run.id)), "me": plain(me), "mine": plain(mine),
            }
        )
    )  # fmt: skip


asyncio.run(main())
