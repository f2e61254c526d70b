"""What a user does with prompts; the last line is what the client saw."""

import json

import opik

client = opik.Opik(project_name="words")
first = client.create_prompt("greeting", "Hello {{name}}", metadata={"tone": "warm"})
same = client.create_prompt("greeting", "Hello {{name}}", metadata={"tone": "warm"})
second = client.create_prompt("greeting", "Good day, {{name}}", metadata={"tone": "stiff"})
jinja = client.create_prompt(
    "jinja", "{% if a %}{{ a }}{% endif %}", type=opik.PromptType.JINJA2, description="d", tags=["t"]
)
chat = client.create_chat_prompt("talk", [{"role": "system", "content": "Be {{manner}}."}])
latest = client.get_prompt("greeting", no_cache=True)
client.set_prompt_environments("greeting", ["production"], version="v1")
deployed = client.get_prompt("greeting", environment="production", no_cache=True)
print(
    json.dumps(
        {
            "versions": [first.version, same.version, second.version, jinja.version, chat.version],
            "same": first.version_id == same.version_id,
            "latest": [latest.prompt, latest.metadata, latest.format(name="Li")],
            "old": client.get_prompt("greeting", version="v1", no_cache=True).prompt,
            "by_commit": client.get_prompt("greeting", commit=first.commit, no_cache=True).prompt,
            "deployed": deployed.version,
            "jinja": [jinja.type == opik.PromptType.JINJA2, jinja.tags, jinja.format(a="x")],
            "chat": client.get_chat_prompt("talk", no_cache=True).format({"manner": "kind"}),
            "history": [each.version for each in client.get_prompt_history("greeting")],
            "found": [each.version for each in client.get_prompt_history("greeting", search="good DAY")],
            "missing": client.get_prompt("nothing", no_cache=True),
            "searched": sorted(each.name for each in client.search_prompts()),
        }
    )
)
