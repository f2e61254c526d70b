"""`evalspan.prompts` and `evalspan.evaluators`: what the service keeps for experiments that it runs itself.

Each method asks the service that `evalspan.init` named. See docs/prompts.md.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal
from urllib.parse import quote

from evalspan.errors import UsageError
from evalspan.model import Json
from evalspan.sdk import lifecycle
from evalspan.sdk.client import Client

EvaluatorType = Literal["llm", "rule", "human", "code"]
_VALUES: Final = {
    "numerical": "numerical_value",
    "percentage": "numerical_value",
    "boolean": "boolean_value",
    "text": "string_value",
    "comment": "string_value",
    "single_select": "categorical_value",
    "multi_select": "categorical_value",
    "categorical": "categorical_value",
    "json": "json_value",
}
_VERSION: Final = frozenset({"messages", "variables", "model", "description"})


@dataclass(frozen=True)
class StoredPrompt:
    id: str
    name: str
    slug: str
    description: str
    current_version: int | None
    """The newest one."""
    live_version: int | None
    """The deployed one, which experiments run."""


@dataclass(frozen=True)
class StoredVersion:
    """A version of a prompt."""

    version: int
    messages: list[dict[str, Json]]
    variables: dict[str, Json]
    model: str
    description: str
    readonly: bool
    is_deployed: bool
    fields: dict[str, Json] = field(repr=False)
    """All that the service says of it."""


@dataclass(frozen=True)
class StoredEvaluator:
    """A version of an evaluator; the draft, where none was asked for."""

    id: str
    slug: str
    name: str
    type: str
    score_value_type: str
    version: int
    is_read_only: bool
    fields: dict[str, Json] = field(repr=False)
    """All that the service says of it."""


@dataclass(frozen=True)
class Trial:
    """What an evaluator says of one case. `passed` is None where nothing says what passes."""

    value: Json
    passed: bool | None
    explanation: str
    error: str
    cost_usd: float | None


class _Resource:
    def __init__(self, kind: str, client: Client | None = None) -> None:
        self._kind = kind
        self._client = client

    def _ask(self, method: str, path: str = "", body: dict[str, Any] | None = None, **query: Any) -> Any:
        client = self._client or lifecycle.start().client
        return client.respan(method, f"/{self._kind}/{path}", body, **query)

    def _pages(self, path: str) -> Iterator[dict[str, Any]]:
        number = 1
        while found := self._ask("GET", path, page=number)["results"]:
            yield from found
            number += 1


class Prompts(_Resource):
    """The resource. A prompt is named by its id or its slug."""

    def __init__(self, client: Client | None = None) -> None:
        super().__init__("prompts", client)

    def list(self) -> list[StoredPrompt]:
        return [_prompt(each) for each in self._pages("")]

    def create(self, name: str, description: str = "", *, slug: str = "") -> StoredPrompt:
        """Raises ConflictError where the project has that slug."""
        given = {"name": name, "description": description, **({"prompt_slug": slug} if slug else {})}
        return _prompt(self._ask("POST", "", given))

    def get(self, prompt: str) -> StoredPrompt:
        """Raises NotFoundError."""
        return _prompt(self._ask("GET", _path(prompt)))

    def add_version(
        self,
        prompt: str,
        messages: Sequence[Mapping[str, Json]],
        *,
        model: str,
        variables: Mapping[str, Json] | None = None,
        deploy: bool = False,
        **parameters: Json,
    ) -> StoredVersion:
        """A new version, by which the one before becomes read-only; with `deploy`, it is live at once.

        Args:
            variables: name -> its type or its default.
            parameters: how the model is asked (`temperature`, `max_tokens`, `tools`, ...), and `description`.
        """
        given = {
            **parameters,
            "messages": [dict(message) for message in messages],
            "model": model,
            "variables": dict(variables or {}),
            "deploy": deploy,
        }
        return _version(self._ask("POST", _path(prompt, "versions"), given))

    def versions(self, prompt: str) -> list[StoredVersion]:
        """Newest first."""
        return [_version(each) for each in self._pages(_path(prompt, "versions"))]

    def commit(self, prompt: str, description: str = "") -> StoredVersion:
        """Makes the draft read-only, and a new draft that says the same; the committed version."""
        return _version(self._ask("POST", _path(prompt, "commits"), {"description": description}))

    def deploy(self, prompt: str, version: int) -> StoredVersion:
        """Makes a read-only version the live one."""
        return _version(self._ask("POST", _path(prompt, "deployments"), {"version": version}))

    def delete(self, prompt: str) -> None:
        """With its versions."""
        self._ask("DELETE", _path(prompt))


class Evaluators(_Resource):
    """The resource. An evaluator is named by its id or its slug; `SLUG:VERSION` names a version."""

    def __init__(self, client: Client | None = None) -> None:
        super().__init__("evaluators", client)

    def list(self) -> list[StoredEvaluator]:
        return [_evaluator(each) for each in self._pages("")]

    def create(
        self, name: str, type: EvaluatorType, score_value_type: str, *, slug: str = "", **fields: Json
    ) -> StoredEvaluator:
        """A draft. `fields` are those of docs/prompts.md: `llm_config`, `rule_config`, `score_config`, ..."""
        given = {**fields, "name": name, "type": type, "score_value_type": score_value_type}
        return _evaluator(self._ask("POST", "", given | ({"evaluator_slug": slug} if slug else {})))

    def get(self, evaluator: str) -> StoredEvaluator:
        """Raises NotFoundError."""
        return _evaluator(self._ask("GET", _path(evaluator)))

    def update(self, evaluator: str, **fields: Json) -> StoredEvaluator:
        """Changes the draft; of a configuration, the given keys."""
        return _evaluator(self._ask("PATCH", _path(evaluator), fields))

    def versions(self, evaluator: str) -> list[StoredEvaluator]:
        """Newest first; the first is the draft."""
        return [_evaluator(each) for each in self._pages(_path(evaluator, "versions"))]

    def commit(self, evaluator: str, description: str = "") -> StoredEvaluator:
        """Makes the draft read-only; the next draft."""
        given = {"version_description": description}
        return _evaluator(self._ask("POST", _path(evaluator, "versions"), given))

    def run(
        self,
        evaluator: str,
        output: Json,
        *,
        input: Json = None,
        expected_output: Json = None,
        metadata: Mapping[str, Json] | None = None,
    ) -> Trial:
        """Tries the evaluator on one case; nothing of it is recorded but the call of a model."""
        case = {"input": input, "output": output, "expected_output": expected_output}
        given = {"inputs": {**case, "metadata": dict(metadata or {})}}
        answer = self._ask("POST", _path(evaluator, "run"), given)
        kind = answer["evaluator"]["score_value_type"]
        return Trial(
            value=answer[_VALUES[kind]],
            passed=answer["is_passed"],
            explanation=answer["explanation"] or "",
            error=answer["error_message"] or "",
            cost_usd=answer["cost"],
        )

    def score(self, evaluator: str, log_id: str, value: Json, explanation: str = "") -> None:
        """Gives a log (by its trace id) a person's score; a second one replaces it.

        Raises:
            UsageError: the value is none of the evaluator's type. NotFoundError.
        """
        kind = self.get(evaluator).score_value_type
        if kind not in _VALUES:
            raise UsageError(f"Scores of type {kind!r} are not known to this version of evalspan.")
        client = self._client or lifecycle.start().client
        given = {"evaluator_id": evaluator, _VALUES[kind]: value, "explanation": explanation}
        client.respan("POST", f"/logs/{quote(log_id, safe='')}/scores/", given)

    def delete(self, evaluator: str) -> None:
        """With its versions. The scores that it gave are kept."""
        self._ask("DELETE", _path(evaluator))


prompts = Prompts()
evaluators = Evaluators()


def _path(reference: str, below: str = "") -> str:
    if not reference:
        raise UsageError("Name a prompt or an evaluator by its id or slug, not by ''.")
    return f"{quote(reference, safe=':')}/{below}/" if below else f"{quote(reference, safe=':')}/"


def _prompt(given: dict[str, Any]) -> StoredPrompt:
    current, live = given["current_version"], given["live_version"]
    return StoredPrompt(
        id=given["id"],
        name=given["name"],
        slug=given["prompt_slug"],
        description=given["description"],
        current_version=current and current["version"],
        live_version=live and live["version"],
    )


def _version(given: dict[str, Any]) -> StoredVersion:
    names = (*_VERSION, "version", "readonly", "is_deployed")
    return StoredVersion(**{name: given[name] for name in names}, fields=given)


def _evaluator(given: dict[str, Any]) -> StoredEvaluator:
    names = ("id", "name", "type", "score_value_type", "version", "is_read_only")
    return StoredEvaluator(
        **{name: given[name] for name in names}, slug=given["evaluator_slug"], fields=given
    )
