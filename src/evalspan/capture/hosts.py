"""Which provider answers at which host (`gen_ai.provider.name`), where the path alone does not say.

Many providers speak OpenAI's protocol; the host tells them apart. An unknown host gets the
provider whose protocol it speaks. Providers that the conventions do not name have the name that
genai-prices knows them by.
"""

from __future__ import annotations

import re

# A name that starts with a dot or a dash stands for every host that ends so.
_PROVIDERS = {
    "api.openai.com": "openai",
    ".api.openai.com": "openai",
    ".openai.azure.com": "azure.ai.openai",
    ".cognitiveservices.azure.com": "azure.ai.openai",
    ".services.ai.azure.com": "azure.ai.inference",
    ".models.ai.azure.com": "azure.ai.inference",
    "api.anthropic.com": "anthropic",
    "api.cerebras.ai": "cerebras",
    "api.cohere.ai": "cohere",
    "api.cohere.com": "cohere",
    "api.deepseek.com": "deepseek",
    "api.fireworks.ai": "fireworks",
    "generativelanguage.googleapis.com": "gcp.gemini",
    "aiplatform.googleapis.com": "gcp.vertex_ai",
    "-aiplatform.googleapis.com": "gcp.vertex_ai",
    "api.groq.com": "groq",
    "api.mistral.ai": "mistral_ai",
    "codestral.mistral.ai": "mistral_ai",
    "api.moonshot.ai": "moonshot_ai",
    "api.moonshot.cn": "moonshot_ai",
    "openrouter.ai": "openrouter",
    "api.perplexity.ai": "perplexity",
    "api.together.ai": "together",
    "api.together.xyz": "together",
    "api.x.ai": "x_ai",
    ".api.x.ai": "x_ai",
    "ollama.com": "ollama",
}
_AWS = "aws.bedrock"
_BEDROCK = re.compile(
    r"bedrock-(?:runtime|mantle)(?:-fips)?\.[a-z0-9-]+\.(?:amazonaws\.com(?:\.cn)?|api\.aws)$"
)
_SUFFIXES = tuple(name for name in _PROVIDERS if name[0] in ".-")


def provider(host: str, otherwise: str) -> str:
    """The provider at a host."""
    host = host.lower()
    if _BEDROCK.match(host):
        return _AWS
    suffix = next((suffix for suffix in _SUFFIXES if host.endswith(suffix)), "")
    return _PROVIDERS.get(suffix or host, otherwise)


def known() -> frozenset[str]:
    """Every provider that a host can tell."""
    return frozenset({*_PROVIDERS.values(), _AWS})
