"""LLM calls, seen at the httpx and httpx2 transports and recorded as GenAI spans.

`install()` covers every client of the process, those that exist already included. The one rule of
this package: nothing in it may break, delay or change the call that it watches. What it cannot
read it leaves out, counts (`troubles()`) and says once in the log.

One wire format is one file under `formats/`.
"""

from evalspan.capture.transports import install, uninstall
from evalspan.capture.trouble import troubles

__all__ = ["install", "troubles", "uninstall"]
