"""The control side of the service: projects, datasets, experiments, and SQL, over HTTP.

A call is tried again while the service is away or busy; an answer that says no is an error at once.
"""

from __future__ import annotations

import json
import random
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, cast
from urllib.parse import quote

import httpx
from opentelemetry.instrumentation.utils import suppress_instrumentation

from evalspan import trust
from evalspan.errors import AccessError, ConflictError, NotFoundError, ServiceError, TooLargeError, UsageError
from evalspan.model import Json, Record, dump

_API = "/api/v2/llm-obs/v1"
_REQUEST_TIMEOUT = 60.0
_CHUNK_BYTES = 4 * 1024 * 1024
_CHUNK_RECORDS = 1000
_PAGE = 5000
_ERRORS = {401: AccessError, 403: AccessError, 404: NotFoundError, 409: ConflictError, 413: TooLargeError}

Attributes = dict[str, Any]


@dataclass(frozen=True)
class Entity:
    """A project, dataset or experiment as the service describes it."""

    id: str
    attributes: Attributes


class Client:
    """Thread-safe, and without connections kept open: a run makes a handful of calls."""

    def __init__(self, endpoint: str, api_key: str = "", *, patience: float) -> None:
        """`patience`: how long a call is repeated while the service is away, in seconds."""
        self._patience = patience
        self.endpoint = endpoint.rstrip("/")
        self._headers = {"authorization": f"Bearer {api_key}"} if api_key else {}
        self._verify = trust.verify()

    def project(self, name: str) -> str:
        """The id of the project of that name, created where there is none."""
        return self._create("/projects", "projects", {"name": name, "description": ""}).id

    def project_name(self, project_id: str) -> str:
        """The name of the project of that id.

        Raises:
            NotFoundError: there is none.
        """
        found, _ = self._page("/projects", {"filter[id]": project_id})
        if not project_id or not found:
            raise NotFoundError(f"There is no project (pipeline) {project_id!r}.")
        return str(found[0].attributes["name"])

    def dataset(self, project_id: str, name: str, description: str, metadata: Mapping[str, Any]) -> Entity:
        """The dataset of that name, created where there is none."""
        given = {"name": name, "description": description, "metadata": dict(metadata)}
        return self._create(f"/{project_id}/datasets", "datasets", given)

    def find_dataset(self, project_id: str, name: str) -> Entity | None:
        found, _ = self._page(f"/{project_id}/datasets", {"filter[name]": name})
        return found[0] if found else None

    def records(
        self, project_id: str, dataset_id: str, version: int | None, tags: Iterable[str]
    ) -> list[Record]:
        """The records of a version (None: the current one) that carry all the tags, the oldest first."""
        parameters: dict[str, Any] = {"filter[tags]": list(tags)}
        if version is not None:
            parameters["filter[version]"] = version
        found = list(self._pages(f"/{project_id}/datasets/{dataset_id}/records", parameters))
        # The service lists the newest first; a dataset reads in the order it was written.
        found.sort(key=lambda e: (str(e.attributes.get("created_at")), e.attributes.get("position") or 0))
        return [_record(entity) for entity in found]

    def put_records(self, project_id: str, dataset_id: str, records: Iterable[Record]) -> int | None:
        """Adds records and replaces those whose id is there; the new version, None if all is as it was."""
        version: int | None = None
        for chunk in _chunks(records):
            change = {
                "insert_records": [record.model_dump() for record in chunk],
                # By id only: two records of the same content are two records.
                "deduplicate": False,
                "create_new_version": version is None,
            }
            body = _envelope("datasets", change, dataset_id)
            changed = self._send("POST", f"{_API}/{project_id}/datasets/{dataset_id}/batch_update", body)[
                "data"
            ]
            if changed:
                version = int(changed[0]["attributes"]["version"])
        return version

    def create_experiment(self, attributes: Attributes) -> Entity:
        return self._create("/experiments", "experiments", attributes)

    def update_experiment(
        self, experiment_id: str, changes: Mapping[str, Json], patience: float | None = None
    ) -> Entity:
        body = _envelope("experiments", dict(changes), experiment_id)
        path = f"{_API}/experiments/{quote(experiment_id, safe='')}"
        return _entity(self._send("PATCH", path, body, patience=patience)["data"])

    def find_experiments(self, **filters: str) -> list[Entity]:
        """By `id`, `name` (unique), `experiment` (logical name), `project_id`; without `aggregate_data`."""
        parameters = {f"filter[{name}]": value for name, value in filters.items()}
        return list(self._pages("/experiments", parameters | {"include[aggregate_data]": "false"}))

    def search(self, experiment_id: str, query: str, *, texts: bool = False) -> Iterator[Attributes]:
        """What a query in the search language finds: runs, or records over their runs."""
        parameters = {"query": query, "texts": str(texts).lower(), "page[limit]": _PAGE}
        for entity in self._pages(f"/experiments/{quote(experiment_id, safe='')}/search", parameters):
            yield entity.attributes

    def compare(self, a: str, b: str, **parameters: Any) -> Attributes:
        """The comparison of two experiments, by their ids. `parameters`: run_a, run_b, texts, ..."""
        path = f"{_API}/experiments/{quote(a, safe='')}/compare/{quote(b, safe='')}"
        given = {name: value for name, value in parameters.items() if value is not None}
        return _entity(self._request("GET", path, params=given).json()["data"]).attributes

    def sql(self, query: str, **parameters: str | int) -> Iterator[dict[str, Any]]:
        """The rows of a read-only query with ClickHouse parameters (`{name:Type}`)."""
        given = {f"param_{name}": str(value) for name, value in parameters.items()}
        response = self._request(
            "POST", "/sql", content=query.encode(), params=given | {"format": "JSONEachRow"}
        )
        for line in response.text.split("\n"):
            if line:
                yield json.loads(line)

    def respan(self, method: str, path: str, body: Attributes | None = None, **parameters: Any) -> Any:
        """The answer of an operation of the Respan face; `path` is what stands below its `/api`. What may
        have arrived is asked again only where that changes nothing."""
        response = self._request(
            method,
            f"/respan/api{path}",
            content=dump(body or {}).encode() if method != "GET" else None,
            params={name: value for name, value in parameters.items() if value is not None},
            headers={"content-type": "application/json"},
            repeats=method in ("GET", "PUT", "DELETE"),
        )
        return response.json() if response.content else None

    def _create(self, path: str, kind: str, attributes: Attributes) -> Entity:
        return _entity(self._send("POST", _API + path, _envelope(kind, attributes))["data"])

    def _pages(self, path: str, parameters: Mapping[str, Any]) -> Iterator[Entity]:
        cursor = ""
        while True:
            entities, cursor = self._page(
                path, {**parameters, **({"page[cursor]": cursor} if cursor else {})}
            )
            yield from entities
            if not cursor:
                return

    def _page(self, path: str, parameters: Mapping[str, Any]) -> tuple[list[Entity], str]:
        answer = self._request("GET", _API + path, params=dict(parameters)).json()
        meta: dict[str, Any] = answer.get("meta") or {}
        after = str(meta.get("after") or "")
        return [_entity(item) for item in answer["data"]], after

    def _send(self, method: str, path: str, body: str, patience: float | None = None) -> Any:
        headers = {"content-type": "application/json"}
        return self._request(method, path, content=body.encode(), headers=headers, patience=patience).json()

    def _request(
        self, method: str, path: str, *, patience: float | None = None, headers: Any = None,
        repeats: bool = True, **options: Any,
    ) -> httpx.Response:  # fmt: skip
        """One call, with patience for a service that is away or busy.

        Raises:
            ServiceError, and what the service's answer stands for.
        """
        deadline = time.monotonic() + (self._patience if patience is None else patience)
        pause = 0.1
        while True:
            trouble = f"{self.endpoint} is not answering"
            try:
                with (
                    suppress_instrumentation(),
                    httpx.Client(timeout=_REQUEST_TIMEOUT, verify=self._verify) as http,
                ):
                    response = http.request(
                        method, self.endpoint + path, headers=self._headers | (headers or {}), **options
                    )
                if response.status_code not in (429, 502, 503, 504):
                    return _checked(response)
                trouble = f"{self.endpoint} is busy: HTTP {response.status_code} {_detail(response)}"
            except httpx.ConnectError as error:
                trouble = f"Cannot reach the service at {self.endpoint}: {error}"
            except httpx.HTTPError as error:
                # The request may have arrived; only what can be repeated is.
                trouble = f"{method} {self.endpoint}{path} failed: {type(error).__name__} {error}"
                if not repeats or (method == "POST" and path.endswith("/experiments")):
                    raise ServiceError(trouble) from None
            if time.monotonic() + pause > deadline:
                raise ServiceError(
                    f"{trouble}. Is it running (`evalspan serve`), is EVALSPAN_ENDPOINT right?"
                )
            time.sleep(pause * random.uniform(0.8, 1.2))
            pause = min(pause * 2, 2.0)


def _checked(response: httpx.Response) -> httpx.Response:
    if response.is_success:
        return response
    where = f"{response.request.method} {response.request.url.path}"
    kind = _ERRORS.get(response.status_code, UsageError if response.is_client_error else ServiceError)
    raise kind(f"{_detail(response)} ({where}: HTTP {response.status_code})")


def _source(error: dict[str, Any]) -> dict[str, Any]:
    return error.get("source") or {}


def _detail(response: httpx.Response) -> str:
    """What the errors of an answer say, or its text."""
    try:
        if "error" in response.json():  # as the Respan face has it
            return str(response.json()["error"])
        errors = cast("list[dict[str, Any]]", response.json()["errors"])
        return "; ".join(
            " ".join(
                filter(None, [str(e.get("detail") or e.get("title")), str(_source(e).get("pointer") or "")])
            )
            for e in errors
        )
    except (ValueError, KeyError, TypeError, AttributeError):
        return response.text[:300]


def _entity(data: Any) -> Entity:
    return Entity(str(data["id"]), data.get("attributes") or {})


def _record(entity: Entity) -> Record:
    given = entity.attributes
    return Record(
        id=entity.id,
        input=given["input"],
        expected_output=given.get("expected_output"),
        metadata=given.get("metadata") or {},
        tags=given.get("tags") or [],
    )


def _envelope(kind: str, attributes: Attributes, entity_id: str = "") -> str:
    identity = {"id": entity_id} if entity_id else {}
    return dump({"data": {"type": kind, **identity, "attributes": attributes}})


def _chunks(records: Iterable[Record]) -> Iterator[list[Record]]:
    """Requests of a bounded number of records and bytes; a giant record goes alone."""
    chunk: list[Record] = []
    size = 0
    for record in records:
        weight = len(dump(record.model_dump()))
        if chunk and (len(chunk) >= _CHUNK_RECORDS or size + weight > _CHUNK_BYTES):
            yield chunk
            chunk, size = [], 0
        chunk.append(record)
        size += weight
    if chunk:
        yield chunk
