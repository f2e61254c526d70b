"""The Respan face, below `/respan`: what its unmodified clients call, over our own entities.

A client's base URL is `http://HOST:PORT/respan`; its paths begin with `/api`. See docs/respan.md.
"""

from __future__ import annotations

from starlette.routing import BaseRoute, Mount

from evalspan.api.respan import (
    dataset_logs,
    datasets,
    eval_reports,
    evaluators,
    experiments,
    log_summary,
    logs,
    prompts,
    scores,
)
from evalspan.api.respan.call import PREFIX, Operation
from evalspan.api.respan.call import routes as operation_routes

OPERATIONS: tuple[Operation, ...] = (
    *datasets.OPERATIONS,
    *dataset_logs.OPERATIONS,
    *eval_reports.OPERATIONS,
    *prompts.OPERATIONS,
    *evaluators.OPERATIONS,
    *experiments.OPERATIONS,
    *log_summary.OPERATIONS,
    *logs.OPERATIONS,
    *scores.OPERATIONS,
)


def routes() -> list[BaseRoute]:
    return [Mount(PREFIX, routes=operation_routes(OPERATIONS))]
