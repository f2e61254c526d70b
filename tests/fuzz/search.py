"""Targets under atheris, each in a process of its own: `python -m fuzz.search SECONDS TARGET ...`.

They are forked from one, since to instrument the code takes 5 s. What a target raises is kept by the
line that raised it, and the search goes on: libFuzzer alone would stop at the first. Hangs and memory
beyond the limit do end it, with a file that has the input.
"""

from __future__ import annotations

import importlib
import os
import sys
import traceback
from collections.abc import Callable
from hashlib import blake2b
from pathlib import Path
from typing import Any, Final

from fuzz import engine

WORK: Final = engine.ROOT / ".cache" / "fuzz"
_INSTRUMENTED: Final = ["evalspan", "google.protobuf.json_format", "google.protobuf.internal", "lark"]
_LIMITS: Final = (
    "-timeout=20",
    "-rss_limit_mb=3072",
    "-max_len=8192",
    "-print_final_stats=1",
    "-verbosity=0",
)


def main(seconds: str, names: list[str]) -> None:
    sys.path.append(str(engine.folder()))
    atheris: Any = importlib.import_module("atheris")
    with atheris.instrument_imports(include=_INSTRUMENTED):
        targets = importlib.import_module("fuzz.targets")
        words = importlib.import_module("fuzz.words")
    WORK.mkdir(parents=True, exist_ok=True)
    tokens = WORK / "words.txt"
    tokens.write_text("".join(words.entries()), encoding="utf-8")
    for name in names:
        child = os.fork()
        if not child:
            target = targets.TARGETS[name]
            corpus, findings = prepared(name, target.seeds())
            options = [f"-max_total_time={seconds}", f"-artifact_prefix={findings}/", f"-dict={tokens}"]
            _write_to(log(name))
            atheris.Setup([sys.argv[0], str(corpus), *options, *_LIMITS], kept(target.run, findings))
            atheris.Fuzz()
        os.waitpid(child, 0)


def log(name: str) -> Path:
    """What libFuzzer writes of a target."""
    return WORK / f"{name}.log"


def _write_to(file: Path) -> None:
    opened = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(opened, 1)
    os.dup2(opened, 2)


def prepared(name: str, seeds: Any) -> tuple[Path, Path]:
    """The folders of the inputs that reached new code, and of the findings."""
    corpus, findings = WORK / "corpus" / name, WORK / "findings" / name
    for made in (corpus, findings):
        made.mkdir(parents=True, exist_ok=True)
    for number, seed in enumerate(seeds):
        (corpus / f"seed-{number}").write_bytes(seed)
    return corpus, findings


def kept(run: Callable[[bytes], object], findings: Path) -> Callable[[bytes], None]:
    """A target whose failures become files: the first input of each, and its traceback."""

    def guarded(data: bytes) -> None:
        try:
            run(data)
        except Exception as error:
            *_, place = [*traceback.extract_tb(error.__traceback__)]
            ours = [
                frame for frame in traceback.extract_tb(error.__traceback__) if "evalspan" in frame.filename
            ]
            place = ours[-1] if ours else place
            mark = f"{type(error).__name__}-{Path(place.filename).stem}-{place.lineno}"
            file = findings / f"{mark}-{blake2b(mark.encode(), digest_size=4).hexdigest()}"
            if not file.exists():
                file.write_bytes(data)
                file.with_suffix(".txt").write_text("".join(traceback.format_exception(error))[-8000:])

    return guarded


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
