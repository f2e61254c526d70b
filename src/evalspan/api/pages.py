"""The pages for people: `/`, and the one that `experiment.url` leads to."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from typing import Any

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from evalspan.api.envelope import blocking
from evalspan.api.scope import catalog
from evalspan.store import sql

_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 72rem; padding: 0 1rem }
body { color: #1b1f24 }
table { border-collapse: collapse; width: 100%; margin: 1rem 0 }
th, td { text-align: left; padding: .35rem .6rem; border-bottom: 1px solid #d8dee4; vertical-align: top }
td.n, th.n { text-align: right; font-variant-numeric: tabular-nums }
td { max-width: 26rem; overflow-wrap: anywhere } code { background: #f3f4f6; padding: .1rem .3rem }
.bar { background: #2f6feb; height: .6rem; border-radius: .2rem } .muted { color: #6a737d }
@media (prefers-color-scheme: dark) {
body { background: #0d1117; color: #e6edf3 } code { background: #21262d }
th, td { border-color: #30363d } }
"""


def routes() -> list[BaseRoute]:
    return [
        Route("/", home, methods=["GET"]),
        Route("/experiments", blocking(experiments_page), methods=["GET"]),
        Route("/experiments/{experiment_id}", blocking(experiment_page), methods=["GET"]),
    ]


async def home(_request: Request) -> Response:
    return RedirectResponse("/experiments")


def experiments_page(request: Request) -> Response:
    found = catalog(request).experiments.find(limit=200).items
    rows = [
        [
            f'<a href="/experiments/{escape(item.experiment_id)}">{escape(item.experiment_name)}</a>',
            escape(item.project),
            escape(item.dataset),
            escape(item.status or "received"),
            item.created_at.strftime("%Y-%m-%d %H:%M"),
        ]
        for item in found
    ]
    body = _table(["experiment", "project", "dataset", "status", "created (UTC)"], rows)
    return _page("Experiments", body if rows else "<p>No experiment yet.</p>")


def experiment_page(request: Request) -> Response:
    """The summary by evaluator, then the first hundred results."""
    store = catalog(request).store
    experiment = catalog(request).experiments.get(request.path_params["experiment_id"])
    parameters = {"experiment_id": experiment.experiment_id}
    summary = store.query(sql("queries/page_summary"), parameters)
    results = store.query(sql("queries/page_results"), parameters)
    head = (
        f"<p>{escape(experiment.description)}</p><p class=muted>project {escape(experiment.project)}, "
        f"dataset {escape(experiment.dataset)}, {escape(experiment.status or 'received')}, "
        f"{experiment.created_at:%Y-%m-%d %H:%M} UTC</p>"
    )
    body = head + _summary_table(summary) + _results_table(results)
    query = f"SELECT * FROM experiment_results WHERE experiment_id = '{experiment.experiment_id}'"
    return _page(experiment.experiment_name, f"{body}<p>All of it: <code>{escape(query)}</code></p>")


def _summary_table(rows: Sequence[dict[str, Any]]) -> str:
    cells = [
        [
            escape(row["evaluator"]),
            _number(row["mean"]) if row["mean"] is not None else escape(row["mode"] or ""),
            _bar(row["mean"], row["type"]),
            _number(row["spread"]),
            str(row["n_scores"]),
            str(row["n_errors"]),
        ]
        for row in rows
    ]
    return _table(["evaluator", "mean or mode", "", "spread over records", "scores", "errors"], cells)


def _results_table(rows: Sequence[dict[str, Any]]) -> str:
    names = sorted({name for row in rows for name in (*row["scores"], *row["labels"])})
    cells = [
        [
            escape(row["record_id"]),
            str(row["run_iteration"]),
            escape(row["input"]),
            escape(row["error"] or row["output"]),
            *(_number(row["scores"].get(name)) or escape(row["labels"].get(name) or "") for name in names),
        ]
        for row in rows
    ]
    return _table(["record", "run", "input", "output", *map(escape, names)], cells)


def _bar(mean: float | None, kind: str) -> str:
    """Only for what has a natural scale from 0 to 1."""
    if mean is None or kind != "boolean":
        return ""
    return f'<div class=bar style="width:{max(0.0, min(1.0, mean)) * 10:.2f}rem"></div>'


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.4g}"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    top = "".join(f"<th>{name}</th>" for name in head)
    body = "".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in rows)
    return f"<table><thead><tr>{top}</tr></thead><tbody>{body}</tbody></table>"


def _page(title: str, body: str) -> Response:
    return HTMLResponse(
        f"<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content='width=device-width'>"
        f"<title>{escape(title)} · evalspan</title><style>{_STYLE}</style>"
        f"<body><p><a href='/experiments'>evalspan</a></p><h1>{escape(title)}</h1>{body}</body></html>"
    )
