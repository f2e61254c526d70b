"""OTLP/JSON from bytes.

`google.protobuf.json_format` alone does not do: it reads trace and span ids, which are hex here, as
base64, and gives them 24 silently wrong bytes. Items are read one by one, so that a bad one is
rejected and its neighbours are kept; a bad resource or scope costs the items below it. Unknown fields
are ignored; enum names and snake case, which senders must not use, are understood all the same.
"""

from __future__ import annotations

import base64
import json
import reprlib
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
_UNREADABLE: Final = "it is not valid OTLP/JSON"
_BAD: Final = (ParseError, ValueError, TypeError, RecursionError)
_LONGEST: Final = 300  # characters of a message that quotes the body
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
            group = _add(getattr(request, parts.groups), _head(group_form, "resource"))
            for scope_form in _objects(group_form, parts.scope_groups):
                scopes = None if isinstance(group, str) else getattr(group, parts.scope_groups)
                scope = group if scopes is None else _add(scopes, _head(scope_form, "scope"))
                for item_form in _list(scope_form, parts.items):
                    item = scope if isinstance(scope, str) else _add(getattr(scope, parts.items), item_form)
                    if isinstance(item, str):
                        findings.reject(_UNREADABLE, f"{_name(item_form)}: {item}", _count(signal, item_form))
    except ValueError as error:
        raise Undecodable(f"The body is not an {request.DESCRIPTOR.name}: {error}") from None
    return request


def _load(body: bytes) -> Object:
    try:
        root: Json = orjson.loads(body) if body.strip() else {}
    except orjson.JSONDecodeError:
        root = _load_leniently(body)
    if not isinstance(root, dict):
        raise Undecodable(f"The body is JSON, but not an object: {reprlib.repr(root)}.")
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


def _add(items: Any, form: Json) -> Message | str:
    """One more message of a repeated field, or what is wrong with its form."""
    message = items.add()
    try:
        for place in _with_ids(form):
            _hex_ids(place)
        return ParseDict(form, message, ignore_unknown_fields=True)
    except _BAD as error:
        del items[-1]
        return _said(str(error))


def _head(form: Object, name: str) -> Object:
    """What the items below share; they themselves are read one by one."""
    schema = {key: form[key] for key in ("schemaUrl", "schema_url") if key in form}
    return {name: form.get(name) or {}, **schema}


def _name(form: Json) -> str:
    found: Json = form
    if isinstance(form, dict):
        item = cast("Object", form)
        found = item.get("name") or item.get("eventName") or ""
    return _said(found) if isinstance(found, str) else reprlib.repr(found)


def _said(text: str) -> str:
    """Fit for an answer: short, and without lone surrogates."""
    return text[:_LONGEST].encode("utf-8", "replace").decode()


def _count(signal: Signal, form: Json) -> int:
    """How many items a form stands for: of a metric its points, however they are written."""
    if signal is not Signal.METRICS or not isinstance(form, dict):
        return 1
    metric = cast("Object", form)
    kinds: list[Json] = [metric[name] for name in _DATA if isinstance(metric.get(name), dict)]
    points: list[Json] = [kind.get("dataPoints") or kind.get("data_points") for kind in kinds]
    return max(1, sum(len(cast("list[Json]", found)) for found in points if isinstance(found, list)))


def _with_ids(form: Json) -> Iterator[Object]:
    """Every object of an item that holds trace or span ids."""
    if not isinstance(form, dict):
        raise TypeError("it is not an object")
    form = cast("Object", form)
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
            raise ValueError(f"{name} is not hex: {reprlib.repr(value)}") from None


def _objects(form: Object, name: str) -> list[Object]:
    """A list of objects by its name in either spelling; absent and null are empty."""
    found = _list(form, name)
    for item in found:
        if not isinstance(item, dict):
            raise ValueError(f"{name} holds something that is not an object: {reprlib.repr(item)}")
    return cast("list[Object]", found)


def _list(form: Object, name: str) -> list[Json]:
    head, *tail = name.split("_")
    spellings = {head + "".join(part.title() for part in tail), name}
    given: list[Json] = [form[spelling] for spelling in spellings if form.get(spelling) is not None]
    if len(given) > 1:
        raise ValueError(f"{name} stands there in two spellings")
    value: Json = given[0] if given else []
    if not isinstance(value, list):
        raise ValueError(f"{name} is not a list: {reprlib.repr(value)}")
    return cast("list[Json]", value)
