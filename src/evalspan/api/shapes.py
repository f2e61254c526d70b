"""How each face says no: ours is JSON:API's, a vendor's is what its clients read.

A face is known by the beginning of its path, so that the door, which is before every face, refuses in
the right shape too.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from http import HTTPStatus
from typing import Any, Final

Details = Sequence[tuple[str, str]]
"""(what is wrong, JSON pointer to the field or '')."""


def json_api(status: int, details: Details) -> dict[str, Any]:
    title = HTTPStatus(status).phrase
    return {
        "errors": [
            {
                "status": str(status),
                "title": title,
                "detail": detail,
                **({"source": {"pointer": pointer}} if pointer else {}),
            }
            for detail, pointer in details
        ]
    }


def respan(_status: int, details: Details) -> dict[str, Any]:
    """Its clients read `error` or `detail`, depending on the status; both say the same."""
    text = " ".join(f"{pointer}: {detail}" if pointer.strip("/") else detail for detail, pointer in details)
    fields = {pointer: detail for detail, pointer in details if pointer}
    return {"error": text, "detail": text, **({"fields": fields} if fields else {})}


def opik(status: int, details: Details) -> dict[str, Any]:
    """Its clients show the body as it is."""
    texts = [f"{pointer}: {detail}" if pointer.strip("/") else detail for detail, pointer in details]
    return {"code": status, "message": " ".join(texts), "errors": texts}


def gentrace(_status: int, details: Details) -> dict[str, Any]:
    """Its client shows the body as it is."""
    texts = [f"{pointer}: {detail}" if pointer.strip("/") else detail for detail, pointer in details]
    return {"message": " ".join(texts), "errors": texts}


_FACES: Final[dict[str, Callable[[int, Details], dict[str, Any]]]] = {
    "/respan/": respan,
    "/opik/": opik,
    "/gentrace/": gentrace,
}


def body(path: str, status: int, details: Details) -> dict[str, Any]:
    """The body of a refusal on a path."""
    shape = next((shape for prefix, shape in _FACES.items() if path.startswith(prefix)), json_api)
    return shape(status, details)
