"""What the service says: its store, the key, its clock, its version, and what it could not keep."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from email.utils import parsedate_to_datetime
from importlib.metadata import version
from importlib.resources import files
from typing import Any, Final

import httpx

from evalspan import trust
from evalspan.cli.doctor.finding import Finding, ok, problem, warning

_SKEW: Final = 5.0  # seconds; the header of an answer has whole ones
_FULL: Final = 0.8
_LITTLE_DISK: Final = 1024**3
_LINE: Final = re.compile(r"(\w+)(?:\{(.*)\})? (\S+)")
_LABEL: Final = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')
_SINCE: Final = "since the service started"

Samples = list[tuple[str, dict[str, str], float]]


class Service:
    """A service that answers, and the calls that its checks make."""

    def __init__(self, endpoint: str, api_key: str) -> None:
        self._key = api_key
        headers = {"authorization": f"Bearer {api_key}"} if api_key else {}
        self._client = httpx.Client(
            base_url=endpoint.rstrip("/"), headers=headers, timeout=20, verify=trust.verify()
        )

    def close(self) -> None:
        self._client.close()

    def checks(self) -> Iterator[Finding]:
        """Every check but the one that sends something."""
        yield from self._ready()
        yield from self._may_read()
        yield from self._may_send()
        yield from self._clock()
        yield from self._metrics()

    def rows(self, name: str, **parameters: str) -> list[dict[str, Any]]:
        """The rows of one of the doctor's queries.

        Raises:
            httpx.HTTPError: the service refused it, or did not answer.
        """
        statement = (files("evalspan.cli.doctor") / f"sql/{name}.sql").read_text("utf-8")
        query = {f"param_{key}": value for key, value in parameters.items()}
        answer = self._client.post("/sql", content=statement, params={**query, "format": "JSON"})
        answer.raise_for_status()
        found: list[dict[str, Any]] = answer.json()["data"]
        return found

    def _ready(self) -> Iterator[Finding]:
        answer = self._client.get("/readyz")
        if answer.status_code == 200:
            yield ok("store", "The service reaches its store.")
        else:
            yield problem(
                "store",
                f"The service does not reach its store: {_detail(answer)}",
                "Look at its log, and at ClickHouse.",
            )

    def _may_read(self) -> Iterator[Finding]:
        answer = self._client.post("/sql", content="SELECT 1")
        if answer.status_code == 401:
            yield self._no_key(answer)
        elif answer.status_code == 403:
            yield warning(
                "key", f"The key may not read: {_detail(answer)}", "Results need a key with the role read."
            )
        elif answer.status_code != 200:
            yield problem("query", f"SELECT 1 fails: {_detail(answer)}", "Look at the service's log.")
        else:
            keyless = (
                not self._key or httpx.post(answer.url, content="SELECT 1", verify=trust.verify()).is_success
            )
            yield ok("key", f"The service {'asks for no key' if keyless else 'takes the key'}.")

    def _no_key(self, answer: httpx.Response) -> Finding:
        if self._key:
            return problem(
                "key",
                f"The service does not know this API key: {_detail(answer)}",
                "Set EVALSPAN_API_KEY to one of its keys.",
            )
        return problem("key", f"The service asks for an API key: {_detail(answer)}", "Set EVALSPAN_API_KEY.")

    def _may_send(self) -> Iterator[Finding]:
        answer = self._client.post("/v1/traces", json={})
        if answer.status_code == 403:
            yield problem(
                "key", f"The key may not send: {_detail(answer)}", "Sending needs a key with the role ingest."
            )
        elif answer.status_code not in (200, 401):
            yield problem("ingest", f"An empty export fails: {_detail(answer)}", "Look at the service's log.")

    def _clock(self) -> Iterator[Finding]:
        began = time.time()
        answer = self._client.get("/healthz")
        middle = (began + time.time()) / 2
        if "date" not in answer.headers:
            return
        skew = parsedate_to_datetime(answer.headers["date"]).timestamp() + 0.5 - middle
        if abs(skew) > _SKEW:
            ahead = "ahead of" if skew > 0 else "behind"
            yield warning(
                "clock",
                f"The service's clock is {abs(skew):.0f} s {ahead} this one.",
                "Let NTP set both; times of spans are of the machine that made them.",
            )
        else:
            yield ok("clock", "The service's clock agrees with this one.")
        try:
            found = self.rows("future_spans")
        except httpx.HTTPError:  # no right to read, or too much to read: nothing is known
            return
        for row in found:
            yield warning(
                "clock",
                f"{row['n']} spans of {row['service_name']!r} start in the future: {row['latest']}.",
                "Set the clock of the machine that sends them.",
            )

    def _metrics(self) -> Iterator[Finding]:
        answer = self._client.get("/metrics")
        if answer.status_code != 200:
            if answer.status_code != 401:  # said before
                yield warning("losses", f"The service's counters are not shown: {_detail(answer)}")
            return
        samples = [
            (found[1], dict(_LABEL.findall(found[2] or "")), float(found[3]))
            for found in map(_LINE.fullmatch, answer.text.splitlines())
            if found
        ]
        yield _version(samples)
        yield from _damaged(samples)
        yield from _memory(samples)
        yield from _losses(samples)


def _version(samples: Samples) -> Finding:
    told = [labels.get("service_version", "") for name, labels, _ in samples if name == "target_info"]
    theirs = told[0] if told else "of unknown version"
    ours = version("evalspan")
    if theirs == ours:
        return ok("version", f"The service is evalspan {theirs}, as is this.")
    return warning(
        "version", f"The service is evalspan {theirs}, this is {ours}.", "Install the same version of both."
    )


def _losses(samples: Samples) -> Iterator[Finding]:
    found = [*_rejected(samples), *_trouble(samples)]
    yield from found or [ok("losses", f"The service kept all that it received {_SINCE}.")]


def _memory(samples: Samples) -> Iterator[Finding]:
    values = {name: value for name, labels, value in samples if not labels}
    held, most = values.get("process_memory_usage_bytes"), values.get("evalspan_memory_limit_bytes")
    if held is None or most is None:
        return
    told = (
        f"The service holds {held / 2**20:,.0f} MiB of memory; by its settings at most {most / 2**20:,.0f}."
    )
    if held > most:
        yield warning("memory", told, "This should not be: please report it, with its settings.")
    else:
        yield ok("memory", told)


def _damaged(samples: Samples) -> Iterator[Finding]:
    for name, labels, value in samples:
        if name == "evalspan_store_damaged_parts" and value:
            yield problem(
                "store",
                f"The store has lost rows of {labels['table']}: {value:.0f} parts could not be read.",
                "The service's log names them, and says what to do.",
            )


def _rejected(samples: Samples) -> Iterator[Finding]:
    for name, labels, value in samples:
        if name == "evalspan_receiver_rejected_total" and value:
            yield warning(
                "losses",
                f"{value:.0f} {labels['item'].replace('_', ' ')} were rejected {_SINCE}: {labels['reason']}.",
                "Mend the sender; its answers name an example.",
            )


def _trouble(samples: Samples) -> Iterator[Finding]:
    values = {name: value for name, labels, value in samples if not labels}
    if failed := values.get("evalspan_receiver_failed_requests_total"):
        yield warning(
            "losses",
            f"{failed:.0f} requests were not stored {_SINCE}; who did not send them again lost them.",
            "Its log says why.",
        )
    if refused := values.get("evalspan_queue_refusals_total"):
        yield warning(
            "losses",
            f"{refused:.0f} requests met a full queue {_SINCE}.",
            "Where it grows: a faster store, more services, or a larger EVALSPAN_MAX_PENDING_BYTES.",
        )
    if blind := values.get("evalspan_mapping_llm_spans_without_tokens_total"):
        yield warning(
            "losses",
            f"{blind:.0f} LLM spans came without token usage {_SINCE}; their tokens and costs are NULL.",
            "Streams need the provider's usage option (EVALSPAN_CAPTURE_STREAM_USAGE).",
        )
    if values.get("evalspan_queue_size_bytes", 0) > _FULL * values.get("evalspan_queue_limit_bytes", 1):
        yield warning("losses", "The service's queue is nearly full.", "Its store is too slow for this load.")
    if values.get("evalspan_store_disk_available_bytes", _LITTLE_DISK) < _LITTLE_DISK:
        yield problem("disk", "The store's disk has less than 1 GiB left.", "Make room.")


def _detail(answer: httpx.Response) -> str:
    """What an answer says of itself, in our error shape or OTLP's."""
    try:
        told = answer.json()
        return str(told["message"] if "message" in told else told["errors"][0]["detail"])
    except (ValueError, LookupError, TypeError):
        return f"HTTP {answer.status_code} {answer.text[:200]}"
