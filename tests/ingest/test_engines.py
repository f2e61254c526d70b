"""The ingest on both engines of the store, and without one."""

from __future__ import annotations

import pytest

from evalspan.errors import StoreUnavailable
from evalspan.ingest import Ingest, Signal
from evalspan.settings import load
from evalspan.store import Store
from ingest.build import Service, event, log, logs, span, trace_id, traces


@pytest.mark.parametrize("store", ["embedded", "server", "cluster"], indirect=True)
async def test_telemetry_goes_in_on_both_engines_and_on_two_shards(store: Store) -> None:
    opened = Ingest(store, load({}, {}))
    trace = trace_id()
    case = {"n": 1, "evalspan.experiment.name": "both", "list": [1, b"x"]}
    one = span(case, trace_id=trace, events=[event("e", {"k": 1})])
    one.links.add(trace_id=trace_id(), span_id=b"\1" * 8)
    score = log(
        {"gen_ai.evaluation.name": "ok", "gen_ai.evaluation.score.value": 0.5},
        event_name="gen_ai.evaluation.result",
        trace_id=trace,
    )
    for _ in range(2):
        await opened.export(Signal.TRACES, traces(one))
        await opened.export(Signal.LOGS, logs(score, log()))
    opened.close()
    assert store.query("SELECT attributes['n'] AS n, events[1].attributes['k'] AS k FROM spans") == [
        {"n": "1", "k": "1"}
    ]
    assert store.query("SELECT scores FROM experiment_results") == [{"scores": {"ok": 0.5}}]
    assert store.query("SELECT count() AS n FROM logs") == [{"n": 1}]


async def test_a_store_that_closed_is_transient_trouble(embedded_store: Store) -> None:
    with Service(embedded_store) as running:
        embedded_store.close()
        with pytest.raises(StoreUnavailable):
            await running.ingest.export(Signal.TRACES, traces(span()))
