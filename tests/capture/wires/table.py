"""The table of docs/capture.md: per client and wire, what was recorded of the calls of the tests."""

from __future__ import annotations

from collections.abc import Callable

from capture.wires import wire as w
from capture.wires.client import Client
from capture.wires.observe import Seen, observe, offered, usage
from evalspan import attributes as a

WAYS = ("sync", "async")


def _counted(name: str, count: int) -> Callable[[Seen], bool]:
    return lambda seen: seen.only.get(name) == count


def _tokens(seen: Seen) -> bool:
    made = seen.only[a.OPERATION_NAME] == "embeddings" or seen.only.get(a.USAGE_OUTPUT_TOKENS) == w.OUTPUT
    return made and seen.only.get(a.USAGE_INPUT_TOKENS) == w.INPUT


def _called(seen: Seen) -> bool:
    calls = [part for part in seen.parts() if part["type"] == "tool_call"]
    return [(call["name"], call["arguments"]) for call in calls] == [(w.TOOL, w.ARGUMENTS)]


def _streamed(seen: Seen) -> bool:
    return _tokens(seen) and a.RESPONSE_TIME_TO_FIRST_CHUNK in seen.only


def _retried(seen: Seen) -> bool:
    return [call.get(a.ERROR_TYPE) for call in seen.calls] == ["429", None]


def _failed(*kinds: str) -> Callable[[Seen], bool]:
    """Each attempt did, where the client retries unasked."""
    return lambda seen: (
        {call.get(a.ERROR_TYPE) in kinds for call in seen.calls} == {True}
        and (set(seen.statuses) == {"ERROR"})
    )


# Heading, scenario, whether it was recorded, and the fact that a wire must carry for it.
_COLUMNS: tuple[tuple[str, str, Callable[[Seen], bool], str], ...] = (
    ("tokens", "plain", _tokens, ""),
    ("cache read", "plain", _counted(a.USAGE_CACHE_READ_TOKENS, w.READ), a.USAGE_CACHE_READ_TOKENS),
    ("cache write", "plain", _counted(a.USAGE_CACHE_WRITE_TOKENS, w.WRITTEN), a.USAGE_CACHE_WRITE_TOKENS),
    ("reasoning", "plain", _counted(a.USAGE_REASONING_TOKENS, w.REASONING), a.USAGE_REASONING_TOKENS),
    ("tools", "tools", _called, ""),
    ("stream", "stream", _streamed, ""),
    ("tools in a stream", "streamed tools", _called, ""),
    ("gzip", "gzip", _tokens, ""),
    ("429, then 200", "429, then 200", _retried, ""),
    ("500", "500", _failed("500"), ""),
    ("cut stream", "cut stream", _failed("RemoteProtocolError", "ClientPayloadError"), ""),
)


def head() -> list[str]:
    """The two lines over the rows."""
    heads = ("client", "wire", *(column[0] for column in _COLUMNS))
    return [_line(heads), _line(["---"] * len(heads))]


def rows(clients: tuple[Client, ...]) -> list[str]:
    """A line of Markdown for each client, of calls made now."""
    return [
        _line([f"`{client.package}`", client.wire.name, *(_cell(client, *column[1:]) for column in _COLUMNS)])
        for client in clients
    ]


def _cell(client: Client, scenario: str, recorded: Callable[[Seen], bool], fact: str) -> str:
    if not offered(client, scenario) or (fact and fact not in usage(client)):
        return ""
    ways = [way for way in WAYS if _holds(recorded, observe(client, way, scenario))]
    return "yes" if len(ways) == len(WAYS) else " ".join([*ways, "only"]) if ways else "no"


def _holds(recorded: Callable[[Seen], bool], seen: Seen) -> bool:
    try:
        return recorded(seen)
    except (KeyError, ValueError):  # no span, or not what should be on it
        return False


def _line(cells: list[str] | tuple[str, ...]) -> str:
    return f"| {' | '.join(cells)} |"
