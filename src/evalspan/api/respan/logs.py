"""`/api/v2/experiments/{id}/logs/`: what each row came to, and handing in outputs that were waited for.

A list cuts texts to `preview_length`, or to EVALSPAN_RESPAN_PREVIEW characters where the request says
nothing, and says so: `is_truncated`, `truncated_fields`, and a `message` with the page. Not cut unless asked
is an input that a program is to work on, one whose output is waited for. The detail is never cut. With
`values=1`, which our own SDK sends, they are whole, and JSON instead of its text: so the text "4" and the
number 4 differ.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final
from urllib.parse import urlencode

from starlette.responses import Response, StreamingResponse

from evalspan.api.envelope import Body
from evalspan.api.respan import filters, log_items, span_tree
from evalspan.api.respan.call import Call, Operation, answer
from evalspan.api.respan.log_items import Log
from evalspan.api.respan.operators import moment, truth
from evalspan.api.respan.page import envelope, given_filters, option, paging, sorting
from evalspan.api.respan.values import ordered
from evalspan.errors import UsageError
from evalspan.jobs import Metrics, Submission
from evalspan.model import Json


class SubmissionBody(Body):
    """What is handed in for a log; only what is given changes."""

    input: Json = None
    output: Json = None
    name: str | None = None
    metadata: dict[str, Json] | None = None
    metrics: Metrics | None = None


def find(call: Call) -> Response:
    if truth(call.body.get("is_exporting")) or truth(call.query.get("export", "")):
        return _exporting(call)
    experiment_id, page = _experiment(call), paging(call)
    found, asked = selected(call, experiment_id)
    shown = page.of(found)
    log_items.fill(call, experiment_id, shown)
    detail = truth(option(call, "detail") or "")
    results = _detailed(call, experiment_id, shown) if detail else _previews(call, shown)
    said = _explained(call, experiment_id) if not found else _cut(results)
    return envelope(call, results, len(found), page, asked.described(), **said)


def get(call: Call) -> Response:
    return answer(_one(call))


def submit(call: Call) -> Response:
    """Hand in an output; the evaluators run after the answer."""
    body = call.model(SubmissionBody)
    experiment_id = _experiment(call)
    given: dict[str, Any] = {name: getattr(body, name) for name in body.model_fields_set}
    if not given:
        raise UsageError(
            f"There is none of {', '.join(SubmissionBody.model_fields)} in the body.", pointer="/output"
        )
    call.jobs.submit_output(call.catalog, experiment_id, call.path["log_id"], Submission(**given))
    return answer(_one(call))


def export(call: Call) -> Response:
    """Every log that is asked for, whole, a line each."""
    experiment_id = _experiment(call)
    found, _ = selected(call, experiment_id, given_filters(call))
    log_items.fill(call, experiment_id, found)
    lines = (json.dumps(log_items.rendered(log), ensure_ascii=False, default=str) + "\n" for log in found)
    name = {"content-disposition": f'attachment; filename="experiment-{experiment_id}.jsonl"'}
    return StreamingResponse(lines, media_type="application/x-ndjson", headers=name)


def selected(call: Call, experiment_id: str, given: Json = None) -> tuple[list[Log], filters.Filter]:
    """The logs that the filters and the time range ask for, in order: as `sort_by` says, else by run
    iteration and record, so that whoever pages while rows run meets each once."""
    asked = filters.parse(call.body.get("filters") if given is None else given, known=known, fold=True)
    field, descending = sorting(call, "")
    logs = log_items.read(call, experiment_id)
    if log_items.needs_texts([*asked.fields(), field]):
        log_items.fill(call, experiment_id, logs)
    chosen = asked.select(_within(call, logs), log_items.get)
    if not field:
        return list(chosen), asked
    return ordered(
        chosen, lambda log: log_items.get(log, field), field, descending=descending, known=known(field)
    ), asked


def known(field: str) -> bool:
    return field.partition(".")[0] in log_items.FIELDS


def _within(call: Call, logs: list[Log]) -> list[Log]:
    """From `start_time` on, before `end_time`; what has not begun has no time."""
    first, last = call.query.get("start_time"), call.query.get("end_time")
    if first:
        since = moment(first)
        logs = [log for log in logs if log["start_time"] and log["start_time"] >= since]
    if last:
        until = moment(last)
        logs = [log for log in logs if log["start_time"] and log["start_time"] < until]
    return logs


def _experiment(call: Call) -> str:
    """The id of the path. Raises NotFoundError."""
    return call.catalog.experiments.get(call.path["experiment_id"]).experiment_id


def _one(call: Call) -> dict[str, Any]:
    experiment_id = _experiment(call)
    (log,) = log_items.read(call, experiment_id, call.path["log_id"])
    log_items.fill(call, experiment_id, [log])
    (shown,) = _detailed(call, experiment_id, [log])
    return shown


def _detailed(call: Call, experiment_id: str, shown: Sequence[Log]) -> list[dict[str, Any]]:
    trees = span_tree.read(call.store, experiment_id, shown)
    return [{**log_items.rendered(log), "span_tree": trees[log["id"]]} for log in shown]


def _previews(call: Call, shown: Sequence[Log]) -> list[dict[str, Any]]:
    if truth(option(call, "values") or ""):
        return [log_items.rendered(log, values=True) for log in shown]
    given = option(call, "preview_length")
    if given is None:
        usual = call.settings.respan_preview
        return [
            log_items.rendered(log, usual, whole={"input"} if log["run_status"] == "waiting" else ())
            for log in shown
        ]
    try:
        length = int(str(given))
    except ValueError:
        length = 0
    return [log_items.rendered(log, length) for log in shown]


def _cut(results: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """That texts are not whole, where it is so."""
    number = sum(1 for each in results if each["is_truncated"])
    if not number:
        return {}
    return {
        "message": f"{number} of these {len(results)} logs are cut (truncated_fields says what of them); "
        "fetch a log by its id, or list with preview_length=0, for the whole text."
    }


def _explained(call: Call, experiment_id: str) -> dict[str, Any]:
    """Why a list is empty."""
    experiment = call.catalog.experiments.get(experiment_id)
    progress = call.jobs.progress(call.catalog, [experiment_id]).get(experiment_id)
    if call.body.get("filters") or call.query.get("start_time") or call.query.get("end_time"):
        return {"message": "No log meets the filters and the time range."}
    if progress and progress.status == "draft":
        return {
            "message": "The experiment is a draft: give it a dataset and a workflow, then POST its runs/."
        }
    if progress and progress.error:
        return {"message": f"The experiment failed before its first row: {progress.error}"}
    if progress and not progress.total:
        return {"message": f"The dataset {experiment.dataset_id!r} has no rows."}
    return {"message": "No row of this experiment has run yet; try again shortly."}


def _exporting(call: Call) -> Response:
    _experiment(call)
    path = call.request.url.path.rstrip("/").removesuffix("/list") + "/export/"
    asked = {name: option(call, name) for name in ("start_time", "end_time", "sort_by")}
    chosen = {name: str(value) for name, value in asked.items() if value}
    if call.body.get("filters"):
        chosen["filters"] = json.dumps(call.body["filters"])
    link = str(call.request.url.replace(path=path, query=urlencode(chosen)))
    return answer({"message": f"The export is ready to be fetched: {link}", "download_url": link})


_LOGS: Final = "/api/v2/experiments/{experiment_id}/logs/"
OPERATIONS = (
    Operation("GET POST", _LOGS, find),
    Operation("GET POST", _LOGS + "list/", find),
    Operation("GET", _LOGS + "export/", export),
    Operation("GET", _LOGS + "{log_id}/", get),
    Operation("PATCH", _LOGS + "{log_id}/", submit),
)
