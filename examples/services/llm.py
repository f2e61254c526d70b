"""Stands for an LLM, so that the example runs without a key: the OpenAI wire, canned answers.

python llm.py 8090
"""

from __future__ import annotations

import json
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count

ANSWERS = {"Which topic": "capital", "Answer from": "Lima", "Is this right": "yes"}
USAGE = {"Which topic": (11, 1), "Answer from": (23, 2), "Is this right": (17, 1)}
numbers = count(1)


class Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        prompt = str(asked["messages"][-1]["content"])
        kind = next(start for start in ANSWERS if prompt.startswith(start))
        tokens_in, tokens_out = USAGE[kind]
        choice = {"index": 0, "message": {"role": "assistant", "content": ANSWERS[kind]}}
        body = {
            "id": f"chatcmpl-{next(numbers)}",
            "model": asked["model"],
            "choices": [choice],
            "usage": {"prompt_tokens": tokens_in, "completion_tokens": tokens_out},
        }
        data = json.dumps(body).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


if __name__ == "__main__":
    ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
