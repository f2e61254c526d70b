"""The HTTP application: every face over one store."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncGenerator

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware
from starlette.routing import BaseRoute, Mount, Route

from evalspan.access import Keys
from evalspan.api import experiments, gentrace, health, metrics, openapi, opik, pages, respan, sql
from evalspan.api.bodies import Bodies
from evalspan.api.errors import HANDLERS
from evalspan.api.guard import Door, Turnstile
from evalspan.api.scope import Catalogs
from evalspan.api.sweeper import Sweeper
from evalspan.api.telemetry import Telemetry
from evalspan.api.telemetry.queries import Queries
from evalspan.api.telemetry.requests import Requests
from evalspan.ingest import GrpcServer, Ingest, otlp_routes
from evalspan.jobs import Jobs
from evalspan.settings import Settings
from evalspan.store import Store


def create_app(store: Store, settings: Settings, *, export_metrics: bool = False) -> Starlette:
    """The application. It does not own `store`; its lifespan starts and drains the ingest.

    `app.state.grpc_port` is the bound OTLP/gRPC port while it runs, or 0.
    """
    keys = Keys.of(settings)
    turnstile = Turnstile(settings.query_concurrency, settings.query_concurrency_per_key)
    telemetry = Telemetry(store, settings, export=export_metrics)
    ingest = Ingest(store, settings, telemetry.meter)
    sweeper = Sweeper(store, settings)
    jobs = Jobs(store, settings, ingest)

    @contextlib.asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncGenerator[None, None]:
        grpc = GrpcServer(ingest, settings, keys) if settings.grpc_port >= 0 else None
        app.state.grpc_port = await grpc.start() if grpc else 0
        sweeper.start()
        await run_in_threadpool(jobs.start)
        try:
            yield
        finally:
            await run_in_threadpool(jobs.stop)
            await run_in_threadpool(sweeper.stop)
            if grpc:
                await grpc.stop()
            ingest.close()
            telemetry.close()

    routes: list[BaseRoute] = [
        *otlp_routes(ingest, settings),
        *experiments.routes(),
        *gentrace.routes(ingest, settings),
        *opik.routes(),
        *respan.routes(),
        *sql.routes(),
        *health.routes(),
        *metrics.routes(),
        *openapi.routes(),
        *pages.routes(),
    ]
    paths = [route.path for route in routes if isinstance(route, Route | Mount)]
    app = Starlette(
        routes=routes,
        middleware=[
            Middleware(Requests, meter=telemetry.meter, paths=paths),
            Middleware(Door, keys=keys, turnstile=turnstile),
            Middleware(Bodies, budget=ingest.budget, limit=settings.max_body_bytes),
        ],
        exception_handlers=HANDLERS,
        lifespan=lifespan,
    )
    app.state.store = store
    app.state.settings = settings
    app.state.ingest = ingest
    app.state.jobs = jobs
    app.state.telemetry = telemetry
    app.state.queries = Queries(telemetry.meter)
    app.state.catalogs = Catalogs(store)
    app.state.lookups = {}
    return app
