"""Lists of things that are few enough to be read whole: filtered, sorted and paged here."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from starlette.responses import Response

from evalspan.api.respan import filters
from evalspan.api.respan.call import Call, answer
from evalspan.api.respan.page import MAX_SIZE, envelope, paging, sorting
from evalspan.api.respan.values import look_up, ordered

Item = Mapping[str, Any]


def listed(
    call: Call,
    items: Sequence[Item],
    fields: Collection[str],
    default: str,
    largest: int = MAX_SIZE,
    *,
    fold: bool = False,
) -> Response:
    """One page of the items.

    Args:
        fields: those that can be asked for.
        default: how the items are sorted where nothing is said.
        fold: `contains` ignores case.
    """
    asked = filters.parse(call.body.get("filters"), known=lambda name: _known(name, fields), fold=fold)
    page = paging(call, largest=largest)
    given, descending = sorting(call, default)
    field = given.replace("__", ".")
    found = ordered(
        asked.select(items, look_up), lambda item: look_up(item, field), field, descending=descending,
        known=_known(field, fields),
    )  # fmt: skip
    return envelope(call, page.of(found), len(found), page, asked.described())


def counted(call: Call, items: Sequence[Item], fields: Collection[str], *, fold: bool = False) -> Response:
    """How many of the items are asked for."""
    asked = filters.parse(call.body.get("filters"), known=lambda name: _known(name, fields), fold=fold)
    return answer({"total_count": len(asked.select(items, look_up))})


def _known(name: str, fields: Collection[str]) -> bool:
    return name.replace("__", ".").partition(".")[0] in fields
