"""The demo's questions, and the two pretended models that answer them.

The answers are written down here, wrong ones included, so that the demo shows the same table on
every machine: which attempts of which model are wrong stands beside each question.
"""

from __future__ import annotations

import threading
from collections import Counter
from typing import Any, NamedTuple

from evalspan.demo.llm import Messages

SMALL, LARGE = "pretend-small", "pretend-large"


class Question(NamedTuple):
    topic: str
    text: str
    right: str
    wrong: str
    small_fails: tuple[int, ...] = ()
    large_fails: tuple[int, ...] = ()


QUESTIONS = (
    Question("capitals", "What is the capital of Peru?", "Lima", "Cusco"),
    Question("capitals", "What is the capital of Kenya?", "Nairobi", "Mombasa", small_fails=(2,)),
    Question("capitals", "What is the capital of Australia?", "Canberra", "Sydney", (1, 2, 3), (3,)),
    Question("capitals", "What is the capital of Canada?", "Ottawa", "Toronto", small_fails=(1,)),
    Question("capitals", "What is the capital of Norway?", "Oslo", "Bergen"),
    Question("capitals", "What is the capital of Vietnam?", "Hanoi", "Saigon", large_fails=(1, 2, 3)),
    Question("arithmetic", "What is 7 times 8?", "56", "54"),
    Question("arithmetic", "What is 17 times 23?", "391", "381", (1, 2, 3)),
    Question("arithmetic", "What is 144 divided by 12?", "12", "14"),
    Question("arithmetic", "What is 1000 minus 387?", "613", "623", small_fails=(1, 2)),
    Question("arithmetic", "What is 15 percent of 240?", "36", "32", (1, 2), (2,)),
    Question("arithmetic", "What is the square of 25?", "625", "225"),
)
_BY_TEXT = {question.text: question for question in QUESTIONS}
_OPENINGS = ("Sure.", "I think this is it:", "Certainly!")

RECORDS: list[dict[str, Any]] = [
    {
        "id": f"{question.topic}-{number}",
        "input": {"question": question.text},
        "expected_output": question.right,
        "metadata": {"topic": question.topic},
        "tags": [f"topic:{question.topic}"],
    }
    for number, question in enumerate(QUESTIONS, 1)
]


class Models:
    """Both models: the n-th time that one is asked a question is its n-th attempt."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._asked: Counter[tuple[str, str]] = Counter()

    def answer(self, model: str, messages: Messages) -> str:
        question = _BY_TEXT[messages[-1]["content"]]
        with self._lock:
            self._asked[model, question.text] += 1
            attempt = self._asked[model, question.text]
        fails = {SMALL: question.small_fails, LARGE: question.large_fails}[model]
        opening = _OPENINGS[(attempt // 2 + len(question.text)) % len(_OPENINGS)]
        return f"{opening}\n{question.wrong if attempt in fails else question.right}"
