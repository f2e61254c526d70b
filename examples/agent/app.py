"""A weather assistant: `GET /ask?question=...` lets a model decide whether to call the weather tool.

It knows nothing of tracing. `LLM_URL` is an OpenAI-compatible endpoint, `WEATHER_URL` a weather service.
"""

from __future__ import annotations

import json
import os
from typing import Any

import httpx
import openai
from fastapi import FastAPI

TOOLS: Any = [
    {
        "type": "function",
        "function": {
            "name": "weather",
            "description": "The weather in a city.",
            "parameters": {
                "type": "object",
                "properties": {"city": {"type": "string"}},
                "required": ["city"],
            },
        },
    }
]
MAX_TURNS = 5

app = FastAPI()
model = openai.AsyncOpenAI(base_url=os.environ["LLM_URL"], api_key=os.environ.get("LLM_API_KEY", "none"))


async def weather(city: str) -> str:
    """What the weather service says of a city."""
    async with httpx.AsyncClient() as client:
        response = await client.get(os.environ["WEATHER_URL"], params={"city": city})
        return response.text


@app.get("/ask")
async def ask(question: str) -> dict[str, str]:
    """The agent loop: as long as the model calls tools, run them and ask again."""
    messages: list[Any] = [{"role": "user", "content": question}]
    for _ in range(MAX_TURNS):
        reply = await model.chat.completions.create(model="gpt-4o-mini", messages=messages, tools=TOOLS)
        said: Any = reply.choices[0].message
        if not said.tool_calls:
            return {"answer": said.content or ""}
        messages.append(said.model_dump(exclude_none=True))
        for call in said.tool_calls:
            found = await weather(**json.loads(call.function.arguments))
            messages.append({"role": "tool", "tool_call_id": call.id, "content": found})
    return {"answer": "I could not find out."}
