"""OTLP/JSON from bytes.

`google.protobuf.json_format` alone does not do: it reads trace and span ids, which are hex here, as
base64, and gives them 24 silently wrong bytes. Items are read one by one, so that a bad one is
rejected and its neighbours are kept. Unknown fields are ignored; enum names and snake case, which
senders must not use, are understood all the same.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from typing import Any, Final, cast

import orjson
from google.protobuf.json_format import ParseDict, ParseError
from google.protobuf.message import Message

from evalspan.ingest.receipt import Findings
from evalspan.ingest.signals import PARTS, Signal
from evalspan.ingest.wire import Undecodable

Json = Any
Object = dict[str, Any]

_IDS: Final = ("traceId", "spanId", "parentSpanId", "trace_id", "span_id", "parent_span_id")
_DATA: Final = ("gauge", "sum", "histogram", "exponentialHistogram", "summary", "exponential_histogram")


def parse(signal: Signal, body: bytes, findings: Findings) -> Any:
    """The export request in `body`.

    Raises:
        Undecodable: the body is no JSON object, or its outer structure is not that of a request.
    """
    parts = PARTS[signal]
    root = _load(body)
    request = parts.request()
    try:
        for group_form in _objects(root, parts.groups):
            group = getattr(request, parts.groups).add()
            _read({"resource": group_form.get("resource") or {}, **_schema(group_form)}, group)
            for scope_form in _objects(group_form, parts.scope_groups):
                scope_group = getattr(group, parts.scope_groups).add()
                _read({"scope": scope_form.get("scope") or {}, **_schema(scope_form)}, scope_group)
                items = getattr(scope_group, parts.items)
                for item_form in _objects(scope_form, parts.items):
                    _add_item(items, item_form, findings)
    except (ParseError, ValueError, TypeError) as error:
        raise Undecodable(f"The body is not an {request.DESCRIPTOR.name}: {error}") from None
    return request


def _load(body: bytes) -> Object:
    try:
        root: Json = orjson.loads(body) if body.strip() else {}
    except orjson.JSONDecodeError:
        root = _load_leniently(body)
    if not isinstance(root, dict):
        raise Undecodable(f"The body is JSON, but not an object: {str(root)[:100]!r}.")
    return cast("Object", root)


def _load_leniently(body: bytes) -> Json:
    """Broken UTF-8 becomes lone surrogates, which then fail in the one item that has them."""
    try:
        return json.loads(body.decode("utf-8", "surrogateescape"), object_pairs_hook=_with_clean_names)
    except (ValueError, RecursionError) as error:
        raise Undecodable(f"The body is not JSON: {error}") from None


def _with_clean_names(pairs: list[tuple[str, Json]]) -> Object:
    """A field whose name has a lone surrogate is an unknown field; protobuf fails on such a name."""
    return {name.encode("utf-8", "replace").decode(): value for name, value in pairs}


def _add_item(items: Any, form: Object, findings: Findings) -> None:
    item = items.add()
    try:
        for place in _with_ids(form):
            _hex_ids(place)
        _read(form, item)
    except (ParseError, ValueError, TypeError, RecursionError) as error:
        del items[-1]
        example = f"{form.get('name') or form.get('eventName') or ''!s}: {error}"
        findings.reject("it is not valid OTLP/JSON", example.encode("utf-8", "replace").decode())


def _read(form: Object, message: Message) -> Message:
    return ParseDict(form, message, ignore_unknown_fields=True)


def _with_ids(form: Object) -> Iterator[Object]:
    """Every object of an item that holds trace or span ids."""
    yield form
    yield from _objects(form, "links")
    for name in _DATA:
        if isinstance(data := form.get(name), dict):
            for point in _objects(cast("Object", data), "data_points"):
                yield from _objects(point, "exemplars")


def _hex_ids(form: Object) -> None:
    """Hex ids as the base64 that ParseDict reads bytes from."""
    for name in _IDS:
        value = form.get(name)
        if not value:
            continue
        try:
            form[name] = base64.b64encode(bytes.fromhex(value)).decode()
        except (ValueError, TypeError):
            raise ValueError(f"{name} is not hex: {value!r}") from None


def _schema(form: Object) -> Object:
    return {"schemaUrl": form["schemaUrl"]} if form.get("schemaUrl") else {}


def _objects(form: Object, name: str) -> list[Object]:
    """A list of objects by its name in either spelling; absent and null are empty."""
    head, *tail = name.split("_")
    value: Json = form.get(head + "".join(part.title() for part in tail)) or form.get(name) or []
    if not isinstance(value, list):
        raise ValueError(f"{name} is not a list: {str(value)[:100]!r}")
    for item in cast("list[Json]", value):
        if not isinstance(item, dict):
            raise ValueError(f"{name} holds something that is not an object: {str(item)[:100]!r}")
    return cast("list[Object]", value)
