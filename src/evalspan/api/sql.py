"""`POST /sql`: a read-only query, answered in any ClickHouse output format."""

from __future__ import annotations

from functools import partial

from starlette.concurrency import iterate_in_threadpool, run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import BaseRoute, Route

from evalspan.api.envelope import read_body
from evalspan.api.scope import store
from evalspan.api.telemetry.queries import Queries
from evalspan.errors import TooLargeError, UsageError

MAX_QUERY_BYTES = 262_144  # ClickHouse's own max_query_size
_MEDIA_TYPES = {
    "json": "application/json",
    "csv": "text/csv; charset=utf-8",
    "parquet": "application/vnd.apache.parquet",
    "arrow": "application/vnd.apache.arrow.file",
    "tabseparated": "text/tab-separated-values; charset=utf-8",
    "tsv": "text/tab-separated-values; charset=utf-8",
    "xml": "application/xml",
    "markdown": "text/markdown; charset=utf-8",
    "pretty": "text/plain; charset=utf-8",
}


def routes() -> list[BaseRoute]:
    return [Route("/sql", query, methods=["POST"])]


async def query(request: Request) -> Response:
    """Body: the statement. URL parameters: `format` (default JSONEachRow) and `param_NAME=value`."""
    body = await read_body(request)
    if len(body) > MAX_QUERY_BYTES:
        raise TooLargeError(f"The query is over {MAX_QUERY_BYTES} bytes.")
    try:
        statement = body.decode().strip().rstrip(";")
    except UnicodeDecodeError as error:
        raise UsageError(f"The query is not UTF-8: {error}.") from None
    if not statement:
        raise UsageError("The request body holds no query; POST the SQL text itself.")
    output_format = request.query_params.get("format", "JSONEachRow")
    if not output_format.isalnum():
        raise UsageError(f"format={output_format!r} is not the name of a ClickHouse output format.")
    parameters = {
        name.removeprefix("param_"): value
        for name, value in request.query_params.items()
        if name.startswith("param_")
    }
    queries: Queries = request.app.state.queries
    read = partial(store(request).read, statement, parameters, output_format=output_format)
    chunks = await run_in_threadpool(queries.measured, read)
    return StreamingResponse(iterate_in_threadpool(chunks), media_type=media_type(output_format))


def media_type(output_format: str) -> str:
    """By the start of a ClickHouse format's name; plain bytes for the rest."""
    lowered = output_format.lower()
    if lowered.startswith("jsoneachrow") or "eachrow" in lowered:
        return "application/x-ndjson"
    return next(
        (kind for start, kind in _MEDIA_TYPES.items() if lowered.startswith(start)),
        "application/octet-stream",
    )
