"""A small experiment with something of everything: failures, absent scores, unknown usage, odd texts."""

from __future__ import annotations

from evalspan.store import Store
from support.rows import Row, add, case, experiment, llm, score

TOPICS = ["math", "50%_off", 'it\'s a \\ "day"', "", "été", "two\nlines"]


def fill(store: Store) -> None:
    """Experiment e1: r0 to r5 in three runs, of which some did not happen; e2 is another one."""
    add(store, experiment("e1", metadata={"commit": "abc123"}), experiment("e2"))
    for number, topic in enumerate(TOPICS):
        for run in range(1, 4 if number % 2 else 3):
            add(store, *_execution(number, topic, run))
    add(store, case("r9", experiment="e2"), score("other", 1.0, "r9", experiment="e2"))


def _execution(number: int, topic: str, run: int) -> list[Row]:
    record, failed = f"r{number}", number == 2 and run == 1
    rows = [
        case(
            record,
            run,
            status="error" if failed else "ok",
            status_message="Timeout: 30% done" if failed else "",
            input=f'{{"q": "{topic}"}}',
            output="" if failed else f'"Answer {number + run}"',
            metadata={"topic": topic, "level": str(number)} if number != 5 else {},
            tags=[f"difficulty:{['easy', 'hard', 'mid_1'][number % 3]}", "plain", f"odd:{topic}"],
            duration_ns=int(1e6 * (number + 1) * run),
        )
    ]
    if number != 3:
        unknown = number == 4 and run == 2
        tokens = None if unknown else (10 * number * run, 5)
        rows.append(llm(record, run, tokens=tokens, cost=None if unknown else f"0.00{number}"))
    if not failed:
        rows.append(score("exact", [0.0, 1.0, 1 / 3][(number + run) % 3], record, run))
        if number != 4:
            rows.append(score("judge", ["good", "bad", "50%_sure"][number * run % 3], record, run))
    return rows
