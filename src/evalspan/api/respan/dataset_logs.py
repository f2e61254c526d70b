"""`/api/datasets/{id}/logs/`: the rows of a dataset, single and in bulk, and rows taken from logs.

What the vendor does in the background is done here before the answer: the answer is the receipt.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from urllib.parse import urlencode

from pydantic import ValidationError
from starlette.responses import Response, StreamingResponse

from evalspan.api.respan import filters, rows
from evalspan.api.respan.call import Call, Operation, answer, nothing
from evalspan.api.respan.operators import moment, truth
from evalspan.api.respan.page import envelope, given_filters, option, paging, sorting
from evalspan.api.respan.rows import RowBody, RowPatch
from evalspan.api.respan.values import look_up, ordered, parsed
from evalspan.errors import UsageError
from evalspan.experiments import Dataset
from evalspan.model import Json, Record
from evalspan.store import sql

MAX_BULK: Final = 500
MAX_IMPORT: Final = 100_000
_FORMATS: Final = {".csv": "text/csv; charset=utf-8", ".jsonl": "application/x-ndjson"}


@dataclass(frozen=True)
class Wanted:
    """Which logs are to become rows."""

    start: datetime
    end: datetime
    asked: filters.Filter
    share: float
    """Percent."""

    @classmethod
    def of(cls, start: str | None, end: str | None, given: Json, share: float | None) -> Wanted | None:
        """None where no time range is given. Raises UsageError."""
        if not start and not end:
            return None
        if not start or not end:
            raise UsageError("start_time and end_time are both needed.", pointer="/start_time")
        asked = filters.parse(given, known=_known)
        return cls(moment(start), moment(end), asked, 100.0 if share is None else share)


def take(call: Call, dataset: Dataset, wanted: Wanted) -> int:
    """Make rows of the logs; how many they were.

    Raises:
        UsageError: they are too many.
    """
    whole = dataset.metadata.get("respan", {}).get("granularity") == "traces"
    found = call.store.query(
        sql("queries/respan_logs"),
        {
            "start": wanted.start,
            "end": wanted.end,
            "share": wanted.share,
            "traces": whole,
            "limit": MAX_IMPORT + 1,
        },
    )
    if len(found) > MAX_IMPORT:
        raise UsageError(
            f"The time range holds more than {MAX_IMPORT} logs; narrow it, or sample.", pointer="/start_time"
        )
    logs = wanted.asked.select([_log(row) for row in found], look_up)
    if logs:
        records = [RowBody.model_validate(log).record() for log in logs]
        call.catalog.records.change(dataset.dataset_id, insert=records, deduplicate=False, new_version=False)
    return len(logs)


def create(call: Call) -> Response:
    record = call.model(RowBody).record()
    changed = call.catalog.records.change(
        call.path["dataset_id"], insert=[record], deduplicate=False, new_version=False
    )
    return answer({"message": "Dataset log created successfully", "unique_id": changed.records[0].id}, 201)


def bulk(call: Call) -> Response:
    given = call.body.get("logs")
    if not isinstance(given, list) or not 1 <= len(given) <= MAX_BULK:  # pyright: ignore[reportUnknownArgumentType] (JSON)
        raise UsageError(f"logs must be a list of 1 to {MAX_BULK} rows.", pointer="/logs")
    records, errors = _read(given)  # pyright: ignore[reportUnknownArgumentType] (JSON)
    dataset = call.catalog.datasets.get(call.path["dataset_id"])
    if records:
        call.catalog.records.change(dataset.dataset_id, insert=records, deduplicate=False, new_version=False)
    outcome = {"success_count": len(records), "error_count": len(errors), "errors": errors}
    return answer(
        outcome if records else {**outcome, "detail": "No row could be read."}, 201 if records else 400
    )


def find(call: Call) -> Response:
    if truth(call.body.get("is_exporting")):
        return _exporting(call)
    page = paging(call)
    found, asked = _selected(call, "-created_at")
    names = [name.strip() for name in str(option(call, "include_fields") or "").split(",") if name.strip()]
    shown = [_narrowed(rows.rendered(row), names) for row in page.of(found)]
    return envelope(call, shown, len(found), page, asked.described())


def get(call: Call) -> Response:
    return answer(rows.rendered(rows.values(_row(call))))


def update(call: Call) -> Response:
    change = call.model(RowPatch).update(_row(call), replace=call.request.method == "PUT")
    call.catalog.records.change(call.path["dataset_id"], update=[change], new_version=False)
    return get(call)


def delete(call: Call) -> Response:
    call.catalog.records.change(call.path["dataset_id"], delete=[_row(call).id], new_version=False)
    return nothing()


def take_in(call: Call) -> Response:
    body = call.body
    share = body.get("sampling_percentage")
    if share is not None and (
        isinstance(share, bool) or not isinstance(share, int | float) or not 0 < share <= 100
    ):
        raise UsageError(
            f"sampling_percentage={share!r} is not between 1 and 100.", pointer="/sampling_percentage"
        )
    wanted = Wanted.of(body.get("start_time"), body.get("end_time"), body.get("filters"), share)
    if wanted is None:
        raise UsageError("start_time and end_time are needed.", pointer="/start_time")
    count = take(call, call.catalog.datasets.get(call.path["dataset_id"]), wanted)
    return answer({"message": f"{count} logs were added to the dataset.", "count": count})


def take_out(call: Call) -> Response:
    everything = truth(call.body.get("is_deleting_all_logs"))
    if not everything and not call.body.get("filters"):
        raise UsageError("Give filters, or is_deleting_all_logs: true.", pointer="/filters")
    found = [] if everything else _selected(call, "-created_at")[0]
    dataset = call.path["dataset_id"]
    ids = (
        [each.id for each in call.catalog.records.all(dataset)]
        if everything
        else [row["id"] for row in found]
    )
    if ids:
        call.catalog.records.change(dataset, delete=ids, new_version=False)
    return answer({"message": f"{len(ids)} logs were deleted from the dataset.", "count": len(ids)})


def summary(call: Call) -> Response:
    found, _ = _selected(call, "-created_at")
    return answer(
        {
            "number_of_requests": len(found),
            "total_cost": _total(found, "cost"),
            "total_tokens": _total(found, "total_request_tokens"),
            "total_prompt_tokens": _total(found, "prompt_tokens"),
            "total_completion_tokens": _total(found, "completion_tokens"),
            "avg_latency": _mean(found, "latency"),
            "avg_tps": 0.0,
            "avg_ttft": 0.0,
            "scores": {},
        }
    )


def export(call: Call) -> Response:
    """The rows as a file, as the answer to `is_exporting` says."""
    suffix = call.query.get("export_format", ".jsonl")
    if suffix not in _FORMATS:
        raise UsageError(f"export_format={suffix!r} is not .csv or .jsonl.", pointer="/export_format")
    found, _ = _selected(call, "-created_at", given_filters(call))
    lines = _csv(found) if suffix == ".csv" else _jsonl(found)
    name = {"content-disposition": f'attachment; filename="dataset{suffix}"'}
    return StreamingResponse(lines, media_type=_FORMATS[suffix], headers=name)


def _exporting(call: Call) -> Response:
    call.catalog.datasets.get(call.path["dataset_id"])
    chosen = {"export_format": call.body.get("export_format") or ".jsonl"}
    if option(call, "sort_by"):
        chosen["sort_by"] = str(option(call, "sort_by"))
    if call.body.get("filters"):
        chosen["filters"] = json.dumps(call.body["filters"])
    path = call.request.url.path.rstrip("/").removesuffix("/list") + "/export/"
    link = str(call.request.url.replace(path=path, query=urlencode(chosen)))
    return answer({"message": f"The export is ready to be fetched: {link}", "download_url": link})


def _selected(call: Call, order: str, given: Json = None) -> tuple[list[dict[str, Any]], filters.Filter]:
    asked = filters.parse(call.body.get("filters") if given is None else given, known=_known)
    found = [rows.values(each) for each in call.catalog.records.all(call.path["dataset_id"])]
    field, descending = sorting(call, order)
    chosen = asked.select(found, look_up)
    if (field, descending) == ("created_at", True):
        return chosen, asked  # as they are read
    return ordered(
        chosen, lambda row: look_up(row, field), field, descending=descending, known=_known(field)
    ), asked


def _row(call: Call) -> rows.StoredRecord:
    return rows.one(call.catalog.records, call.path["dataset_id"], call.path["unique_id"])


def _read(given: list[Json]) -> tuple[list[Record], list[dict[str, Any]]]:
    records: list[Record] = []
    errors: list[dict[str, Any]] = []
    for index, each in enumerate(given):
        try:
            records.append(RowBody.model_validate(each).record())
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            place = ".".join(map(str, first["loc"]))
            errors.append({"index": index, "error": f"{place}: {first['msg']}" if place else first["msg"]})
    return records, errors


def _log(row: Mapping[str, Any]) -> dict[str, Any]:
    """A span as a row."""
    metrics = {
        "prompt_tokens": row["input_tokens"],
        "completion_tokens": row["output_tokens"],
        "total_tokens": row["total_tokens"],
        "cost": row["cost"],
        "latency": row["duration_ns"] / 1e9,
    }
    return {
        "input": parsed(row["input"]) if row["input"] else "",
        "output": parsed(row["output"]),
        "metrics": {name: value for name, value in metrics.items() if value is not None},
        "model": row["model"] or None,
        "log_type": "workflow" if row["span_type"] != "LLM" else "chat",
        "status": "error" if row["status"] == "error" else "success",
        "trace_unique_id": row["trace_id"],
        "span_unique_id": row["span_id"],
        "span_name": row["name"],
        "customer_identifier": row["user_id"] or None,
        "thread_identifier": row["session_id"] or None,
        "error_message": row["status_message"] or None,
    }


def _narrowed(row: dict[str, Any], names: list[str]) -> dict[str, Any]:
    if not names:
        return row
    return {name: row.get(name) for name in dict.fromkeys(("id", "unique_id", *names))}


def _total(found: list[dict[str, Any]], name: str) -> float | int:
    """Of the rows that say it."""
    return sum(row[name] for row in found if isinstance(row[name], int | float))


def _mean(found: list[dict[str, Any]], name: str) -> float:
    said = [row[name] for row in found if isinstance(row[name], int | float) and abs(row[name]) < 1e300]
    return sum(said) / len(said) if said else 0.0


def _jsonl(found: list[dict[str, Any]]) -> Iterator[str]:
    return (json.dumps(rows.rendered(row), ensure_ascii=False) + "\n" for row in found)


def _csv(found: list[dict[str, Any]]) -> Iterator[str]:
    columns = ("id", "input", "output", "expected_output", "metadata", "model", "created_at")
    for line in [columns, *([rows.rendered(row).get(name) for name in columns] for row in found)]:
        buffer = io.StringIO()
        texts = [
            json.dumps(cell, ensure_ascii=False) if isinstance(cell, dict | list) else cell for cell in line
        ]
        csv.writer(buffer).writerow(texts)
        yield buffer.getvalue()


def _known(field: str) -> bool:
    return field.partition(".")[0] in rows.FIELDS


_ROWS: Final = "/api/datasets/{dataset_id}/logs/"
OPERATIONS = (
    Operation("POST", _ROWS, create),
    Operation("GET", _ROWS, find),
    Operation("GET POST", _ROWS + "list/", find),
    Operation("GET POST", _ROWS + "summary/", summary),
    Operation("GET", _ROWS + "export/", export),
    Operation("POST", _ROWS + "bulk/", bulk),
    Operation("POST", _ROWS + "import/", take_in),
    Operation("DELETE", _ROWS + "import/", take_out),
    Operation("GET", _ROWS + "{unique_id}/", get),
    Operation("PUT PATCH", _ROWS + "{unique_id}/", update),
    Operation("DELETE", _ROWS + "{unique_id}/", delete),
)
