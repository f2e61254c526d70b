"""Every request of a load comes twice, in random order, over both protocols at once."""

from __future__ import annotations

import random
import threading
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from collector.load import Post, over_grpc, over_http
from ingest.build import log, logs, span, trace_id, traces
from support.service import ServiceProcess

EXECUTIONS = 40
EXPERIMENT = {"evalspan.experiment.id": "twice", "evalspan.experiment.name": "twice"}
Request = tuple[str, bytes]


def execution(number: int) -> list[Request]:
    """Four requests: the case, its call, and a score for each."""
    trace = trace_id()
    case = span(
        {**EXPERIMENT, "evalspan.record.id": f"r{number}", "evalspan.run_iteration": 1},
        trace_id=trace,
    )
    usage = {"gen_ai.usage.input_tokens": number, "gen_ai.usage.output_tokens": 1}
    call = span(
        {"gen_ai.operation.name": "chat", "gen_ai.request.model": "gpt-4o", **usage},
        trace_id=trace,
        parent_span_id=case.span_id,
    )
    scores = [
        log(
            {"gen_ai.evaluation.name": name, "gen_ai.evaluation.score.value": float(number)},
            event_name="gen_ai.evaluation.result",
            trace_id=trace,
            span_id=case.span_id,
        )
        for name in ("exact", "judge")
    ]
    return [("/v1/traces", traces(one).SerializeToString()) for one in (case, call)] + [
        ("/v1/logs", logs(one).SerializeToString()) for one in scores
    ]


def send(post: Post, requests: list[Request], statuses: list[int]) -> None:
    for path, body in requests:
        statuses.append(post(path, body))


def test_a_load_sent_twice_in_random_order_over_both_protocols_reads_as_one(tmp_path: Path) -> None:
    requests = [request for number in range(EXECUTIONS) for request in execution(number)]
    shuffled = random.Random(3).sample(requests * 2, len(requests) * 2)
    statuses: list[int] = []
    with ServiceProcess(tmp_path / "s", f"chdb://{tmp_path / 'store'}") as service, ExitStack() as opened:
        service.start()
        posts = [over_http(service.endpoint, opened) for _ in range(4)]
        posts += [over_grpc(f"127.0.0.1:{service.grpc_port}", opened) for _ in range(4)]
        threads = [
            threading.Thread(target=send, args=(post, shuffled[number::8], statuses))
            for number, post in enumerate(posts)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert statuses == [200] * len(shuffled)
        found = service.sql("SELECT record_id, total_tokens, scores FROM experiment_results")
    assert sorted(found, key=record) == sorted(map(expected, range(EXECUTIONS)), key=record)


def expected(number: int) -> dict[str, Any]:
    scores = {"exact": number, "judge": number}
    return {"record_id": f"r{number}", "total_tokens": number + 1, "scores": scores}


def record(row: dict[str, Any]) -> str:
    return str(row["record_id"])
