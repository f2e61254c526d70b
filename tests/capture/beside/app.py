"""An experiment whose task calls a model while another instrumentation records the call as well.

Run as `python app.py WHICH MODEL_URL` with `EVALSPAN_ENDPOINT` set; a process of its own, because these
instrumentations change the client library for good.
"""

from __future__ import annotations

import importlib
import sys
from typing import Any

import openai
from opentelemetry.sdk.trace import TracerProvider

import evalspan

OTHERS = {
    "genai": "opentelemetry.instrumentation.genai.openai",
    "openinference": "openinference.instrumentation.openai",
    "openllmetry": "opentelemetry.instrumentation.openai",
}


def instrument(which: str) -> None:
    """As the package's own documentation says to."""
    if which == "alone":
        evalspan.init()
    elif which == "logfire":
        import logfire

        logfire.configure(send_to_logfire=False, console=False)
        logfire.instrument_openai()
        evalspan.init()
    else:
        provider = TracerProvider()
        importlib.import_module(OTHERS[which]).OpenAIInstrumentor().instrument(tracer_provider=provider)
        evalspan.init(tracer_provider=provider)


def main(which: str, url: str) -> None:
    instrument(which)
    client = openai.OpenAI(base_url=url, api_key="k")
    messages: Any = [{"role": "user", "content": "one two"}]

    def ask(input_data: str) -> str:
        plain = client.chat.completions.create(model="gpt-4o", messages=messages)
        stream = client.chat.completions.create(
            model="gpt-4o", messages=messages, stream=True, stream_options={"include_usage": True}
        )
        for _ in stream:
            pass
        return plain.choices[0].message.content or ""

    result = evalspan.experiment(name=which, task=ask, dataset=[{"input": "x"}]).run()
    print(result.experiment_id)


main(*sys.argv[1:])
