"""What `evalspan run` starts: the script, as `python SCRIPT ARGS` would run it, with our exit codes.

python -m evalspan.cli.script SCRIPT [ARGS]
"""

from __future__ import annotations

import os
import runpy
import signal
import sys

from evalspan.errors import EvalspanError


def run(script: str, arguments: list[str]) -> int:
    """The exit code: 1 where a record failed in one of the script's experiments."""
    # The parent ignores the interrupt so that the service outlives the script; ignoring is inherited.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    sys.argv = [script, *arguments]
    sys.path.insert(0, os.path.dirname(os.path.abspath(script)))
    try:
        runpy.run_path(script, run_name="__main__")
    except EvalspanError as error:
        print(f"evalspan: {error}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        return 130
    return _verdict()


def _verdict() -> int:
    from evalspan.sdk import finished  # only now it is known whether the script used it

    failed = [(result.name, len(result.failures)) for result in finished() if result.failures]
    for name, count in failed:
        print(f"evalspan: {count} failed in experiment {name!r}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(run(sys.argv[1], sys.argv[2:]))
