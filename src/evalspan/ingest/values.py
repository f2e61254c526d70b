"""OTLP attribute values as text, and back: `encode` loses nothing, `decode` proves it.

A string is stored as it is. Every other value is stored as text beside the name of its type: `int`,
`double`, `bool`, `bytes` (base64), `array`, `map`, `null`. Nested values are plain JSON wherever
JSON holds them exactly; where it does not (bytes, NaN and infinities, a repeated key) the type is
`otlp` and the text is the AnyValue of OTLP/JSON.

An attribute whose text is a column of its own (`input`, `output`, `expected_output`) is not stored
twice: it is taken out of the map, and its type names the column, as in `string@input`.
"""

from __future__ import annotations

import base64
import math
from collections.abc import Iterable, Mapping
from typing import Any, Final

import orjson
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, ArrayValue, KeyValue, KeyValueList

Json = Any

STRING: Final = ""
INT: Final = "int"
DOUBLE: Final = "double"
BOOL: Final = "bool"
BYTES: Final = "bytes"
ARRAY: Final = "array"
MAP: Final = "map"
NULL: Final = "null"
OTLP: Final = "otlp"


class _InexactError(Exception):
    """Plain JSON cannot hold this value."""


def encode(value: AnyValue) -> tuple[str, str]:
    """(text, type) of a value; the type of a string is ''."""
    kind = value.WhichOneof("value")
    match kind:
        case "double_value":
            return _double_text(value.double_value), DOUBLE
        case "int_value":
            return str(value.int_value), INT
        case "string_value":
            return value.string_value, STRING
        case "bool_value":
            return "true" if value.bool_value else "false", BOOL
        case "bytes_value":
            return base64.b64encode(value.bytes_value).decode(), BYTES
        case "array_value" | "kvlist_value":
            try:
                return orjson.dumps(_plain(value)).decode(), ARRAY if kind == "array_value" else MAP
            except _InexactError:
                return orjson.dumps(_to_otlp(value)).decode(), OTLP
        case None:
            return "null", NULL
        case _:  # string_value_strindex: an index into a table that only profiles carry
            return orjson.dumps(_to_otlp(value)).decode(), OTLP


def decode(text: str, type: str = STRING) -> AnyValue:
    """The value that `encode` made `text` of.

    Raises:
        ValueError: `type` is not one of ours, or the text does not fit it.
    """
    match type:
        case "":
            return AnyValue(string_value=text)
        case "int":
            return AnyValue(int_value=int(text))
        case "double":
            return AnyValue(double_value=float(text))
        case "bool":
            return AnyValue(bool_value=text == "true")
        case "bytes":
            return AnyValue(bytes_value=base64.b64decode(text))
        case "array" | "map":
            return _from_plain(orjson.loads(text))
        case "null":
            return AnyValue()
        case "otlp":
            return _from_otlp(orjson.loads(text))
        case _:
            raise ValueError(f"{type!r} is not the type of an attribute value.")


def encode_all(items: Iterable[KeyValue]) -> tuple[dict[str, str], dict[str, str]]:
    """Attributes as two maps: the texts, and the types of those that are not strings.

    A key that comes twice keeps its last value.
    """
    texts: dict[str, str] = {}
    types: dict[str, str] = {}
    for item in items:
        key, value = item.key, item.value
        text = value.string_value
        if text:  # nine of ten attributes: skip the look at the oneof
            type = STRING
        elif (number := value.int_value) != 0:  # and most of the others
            text, type = str(number), INT
        else:
            text, type = encode(value)
        texts[key] = text
        if type:
            types[key] = type
        elif key in types:
            del types[key]
    return texts, types


def move(texts: dict[str, str], types: dict[str, str], key: str, column: str) -> None:
    """Take an attribute out of the maps, leaving word that `column` holds its text."""
    del texts[key]
    types[key] = f"{types.get(key) or 'string'}@{column}"


def decode_all(
    texts: Mapping[str, str], types: Mapping[str, str], row: Mapping[str, str] | None = None
) -> list[KeyValue]:
    """The attributes that the two maps were made of. `row` has the columns that some moved to."""
    items = [KeyValue(key=key, value=decode(text, types.get(key, STRING))) for key, text in texts.items()]
    for key, type in types.items():
        kind, at, column = type.partition("@")
        if at:
            value = decode((row or {})[column], STRING if kind == "string" else kind)
            items.append(KeyValue(key=key, value=value))
    return items


def object_text(items: Mapping[str, str]) -> str:
    """A map of texts as one JSON object."""
    return orjson.dumps(items).decode()


def as_json(text: str, type: str) -> Json:
    """What an attribute says, as plain Python: for reading, not for keeping (bytes stay base64)."""
    match type:
        case "" | "bytes":
            return text
        case "int":
            return int(text)
        case "double":
            return float(text)
        case "otlp":
            return _readable(decode(text, type))
        case _:
            return orjson.loads(text)


def _double_text(number: float) -> str:
    if math.isfinite(number):
        return repr(number)
    return "NaN" if number != number else ("Infinity" if number > 0 else "-Infinity")


def _plain(value: AnyValue) -> Json:
    """The value as JSON that reads back as the same value."""
    match value.WhichOneof("value"):
        case "string_value":
            return value.string_value
        case "int_value":
            return value.int_value
        case "double_value" if math.isfinite(value.double_value):
            return value.double_value  # written with a point or an exponent, so it reads back as a double
        case "bool_value":
            return value.bool_value
        case "array_value":
            return [_plain(item) for item in value.array_value.values]
        case "kvlist_value":
            plain = {item.key: _plain(item.value) for item in value.kvlist_value.values}
            if len(plain) != len(value.kvlist_value.values):
                raise _InexactError
            return plain
        case None:
            return None
        case _:
            raise _InexactError


def _readable(value: AnyValue) -> Json:
    """The value as JSON for people: bytes as base64, what JSON has no number for as text."""
    match value.WhichOneof("value"):
        case "array_value":
            return [_readable(item) for item in value.array_value.values]
        case "kvlist_value":
            return {item.key: _readable(item.value) for item in value.kvlist_value.values}
        case _:
            text, type = encode(value)
            return text if type == DOUBLE and text[-1] in "Ny" else as_json(text, type)


def _from_plain(plain: Json) -> AnyValue:
    match plain:
        case bool():
            return AnyValue(bool_value=plain)
        case int():
            return AnyValue(int_value=plain)
        case float():
            return AnyValue(double_value=plain)
        case str():
            return AnyValue(string_value=plain)
        case list():
            return AnyValue(array_value=ArrayValue(values=[_from_plain(item) for item in plain]))  # pyright: ignore[reportUnknownVariableType] (JSON)
        case dict():
            pairs = [KeyValue(key=key, value=_from_plain(item)) for key, item in plain.items()]  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType] (JSON)
            return AnyValue(kvlist_value=KeyValueList(values=pairs))
        case _:
            return AnyValue()


def _to_otlp(value: AnyValue) -> Json:
    match value.WhichOneof("value"):
        case "string_value":
            return {"stringValue": value.string_value}
        case "int_value":
            return {"intValue": str(value.int_value)}
        case "double_value":
            number = value.double_value
            return {"doubleValue": number if math.isfinite(number) else _double_text(number)}
        case "bool_value":
            return {"boolValue": value.bool_value}
        case "bytes_value":
            return {"bytesValue": base64.b64encode(value.bytes_value).decode()}
        case "array_value":
            return {"arrayValue": {"values": [_to_otlp(item) for item in value.array_value.values]}}
        case "kvlist_value":
            pairs = [{"key": item.key, "value": _to_otlp(item.value)} for item in value.kvlist_value.values]
            return {"kvlistValue": {"values": pairs}}
        case "string_value_strindex":
            return {"stringValueStrindex": value.string_value_strindex}
        case _:
            return {}


def _from_otlp(form: Mapping[str, Json]) -> AnyValue:
    for name, content in form.items():
        match name:
            case "stringValue":
                return AnyValue(string_value=content)
            case "intValue":
                return AnyValue(int_value=int(content))
            case "doubleValue":
                return AnyValue(double_value=float(content))
            case "boolValue":
                return AnyValue(bool_value=content)
            case "bytesValue":
                return AnyValue(bytes_value=base64.b64decode(content))
            case "arrayValue":
                return AnyValue(
                    array_value=ArrayValue(values=[_from_otlp(item) for item in content["values"]])
                )
            case "kvlistValue":
                pairs = [
                    KeyValue(key=pair["key"], value=_from_otlp(pair["value"])) for pair in content["values"]
                ]
                return AnyValue(kvlist_value=KeyValueList(values=pairs))
            case "stringValueStrindex":
                return AnyValue(string_value_strindex=content)
            case _:
                raise ValueError(f"{name!r} is not a field of an OTLP AnyValue.")
    return AnyValue()
