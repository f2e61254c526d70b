"""What the path tells of a call to Azure OpenAI, whose resources may have any host name.

The deployment stands in the path and is the model where the body does not name one.
"""

from __future__ import annotations

import re

from opentelemetry.util.types import AttributeValue

from evalspan import attributes as a

_DEPLOYMENT = re.compile(r"/openai/deployments/([^/]+)/")


def told_by(path: str) -> dict[str, AttributeValue | None]:
    """Provider and model of a path with a deployment; of any other path nothing."""
    found = _DEPLOYMENT.search(path)
    return {a.PROVIDER_NAME: "azure.ai.openai", a.REQUEST_MODEL: found[1]} if found else {}
