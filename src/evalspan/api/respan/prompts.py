"""`/api/prompts/`: prompts, their versions, commits and deployments."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Final, cast

from pydantic import Field, ValidationError
from starlette.responses import Response

from evalspan.api.envelope import Body
from evalspan.api.respan.call import Call, Operation, answer, nothing
from evalspan.api.respan.listing import counted, listed
from evalspan.errors import EvalspanError, NotFoundError, UsageError
from evalspan.experiments.prompt_versions import PromptContent, PromptVersion, check_names
from evalspan.experiments.prompts import Prompt, Prompts
from evalspan.model import Json

FIELDS: Final = frozenset(
    {"id", "prompt_id", "prompt_slug", "name", "description", "starred", "tags", "created_at", "updated_at",
     "current_version", "live_version", "is_deleted"}
)  # fmt: skip
VERSION_FIELDS: Final = frozenset(
    {"version", "description", "model", "readonly", "is_deployed", "created_at"}
)
MAX_VERSIONS: Final = 500
MAX_BULK: Final = 100
# What a bulk update may not touch: it is for how the model is asked, not for what.
_CONTENT: Final = frozenset({"messages", "variables", "description"})


class PromptBody(Body):
    name: Annotated[str, Field(min_length=1, max_length=1000)]
    description: str | None = None
    prompt_slug: str | None = None
    tags: list[Json] | None = None


class VersionBody(Body):
    deploy: bool | None = None


class CommitBody(Body):
    description: str | None = None


class DeploymentBody(Body):
    version: int


class BulkBody(Body):
    requests: list[dict[str, Json]] = Field(min_length=1, max_length=MAX_BULK)


def create(call: Call) -> Response:
    body = call.model(PromptBody)
    made = Prompts(call.store).create(
        call.project().project_id,
        body.name,
        body.description or "",
        slug=body.prompt_slug or "",
        tags=body.tags,
    )
    return answer(rendered(made, []), 201)


def find(call: Call) -> Response:
    return listed(call, _all(call), FIELDS, "-current_version__updated_at")


def summary(call: Call) -> Response:
    return counted(call, _all(call), FIELDS)


def get(call: Call) -> Response:
    return answer(_one(call))


def update(call: Call) -> Response:
    Prompts(call.store).update(call.path["prompt_id"], call.body)
    return answer(_one(call))


def delete(call: Call) -> Response:
    Prompts(call.store).remove(call.path["prompt_id"])
    return nothing()


def add_version(call: Call) -> Response:
    check_names(call.body)
    content, deploy = call.model(PromptContent), call.model(VersionBody).deploy
    made = Prompts(call.store).add_version(call.path["prompt_id"], content, deploy=bool(deploy))
    return answer(rendered_version(made), 201)


def versions(call: Call) -> Response:
    found = [rendered_version(each) for each in Prompts(call.store).versions(call.path["prompt_id"])]
    return listed(call, found, VERSION_FIELDS, "-version", MAX_VERSIONS)


def version(call: Call) -> Response:
    return answer(rendered_version(Prompts(call.store).version(call.path["prompt_id"], _number(call))))


def edit_version(call: Call) -> Response:
    """`deploy` alone may be said of a version that is read-only."""
    prompts, identity, number = Prompts(call.store), call.path["prompt_id"], _number(call)
    check_names(call.body)
    deploy = call.model(VersionBody).deploy
    changes = {key: value for key, value in call.body.items() if key in PromptContent.model_fields}
    if changes:
        prompts.edit_version(identity, number, changes)
    if deploy:
        return answer(rendered_version(prompts.deploy(identity, number)))
    found = prompts.version(identity, number)
    if deploy is False and found.is_deployed:
        raise UsageError("A deployed version stays until another one is deployed.", pointer="/deploy")
    return answer(rendered_version(found))


def delete_version(call: Call) -> Response:
    Prompts(call.store).remove_version(call.path["prompt_id"], _number(call))
    return nothing()


def commit(call: Call) -> Response:
    note = call.model(CommitBody).description
    return answer(rendered_version(Prompts(call.store).commit(call.path["prompt_id"], note or "")), 201)


def deploy(call: Call) -> Response:
    number = call.model(DeploymentBody).version
    return answer(rendered_version(Prompts(call.store).deploy(call.path["prompt_id"], number)), 201)


def bulk(call: Call) -> Response:
    """Each item by itself, in order: one that fails leaves the others done."""
    requests = call.model(BulkBody).requests
    errors: list[dict[str, Any]] = []
    done: set[tuple[str, str]] = set()
    for index, item in enumerate(requests):
        try:
            _act(Prompts(call.store), item, done)
        except (EvalspanError, ValidationError) as error:
            told = error.errors()[0]["msg"] if isinstance(error, ValidationError) else str(error)
            errors.append({"index": index, "error": told})
    status = 400 if len(errors) == len(requests) else 200
    counts = {"success_count": len(requests) - len(errors), "error_count": len(errors)}
    return answer({**counts, "errors": errors}, status)


def _act(prompts: Prompts, item: Mapping[str, Json], done: set[tuple[str, str]]) -> None:
    action, identity = str(item.get("action")), str(item.get("prompt_id") or "")
    body = cast("dict[str, Json]", item.get("body") or {})
    if not isinstance(body, dict):  # pyright: ignore[reportUnnecessaryIsInstance] (JSON)
        raise UsageError(f"body must be an object, not {body!r:.80}.", pointer="/requests")
    if (action, identity) in done:
        raise UsageError(f"Prompt {identity!r} has a {action} in this request already.")
    versions = prompts.versions(identity)
    match action:
        case "update":
            refused = sorted(_CONTENT & body.keys())
            if refused or not body:
                raise UsageError(
                    f"An update in bulk takes how the model is asked, not {refused or 'nothing'}."
                )
            if not versions:
                raise UsageError(f"Prompt {identity!r} has no version.")
            prompts.edit_version(identity, versions[0].version, body)
            return
        case "commit":
            prompts.commit(identity, str(body.get("description") or ""))
        case "deploy":
            committed = [each.version for each in versions if each.readonly]
            if not committed:
                raise UsageError(f"Prompt {identity!r} has no committed version.")
            prompts.deploy(identity, committed[0])
        case _:
            raise UsageError(f"action {action!r} is not update, commit or deploy.", pointer="/requests")
    done.add((action, identity))


def _number(call: Call) -> int:
    given = call.path["version"]
    if not given.isdecimal() or len(given) > 9:
        raise NotFoundError(f"Prompt version {given} not found: versions are numbers.")
    return int(given)


def _one(call: Call) -> dict[str, Any]:
    prompts = Prompts(call.store)
    found = prompts.get(call.path["prompt_id"])
    return rendered(found, prompts.versions(found.prompt_id))


def _all(call: Call) -> list[dict[str, Any]]:
    prompts = Prompts(call.store)
    versions = prompts.all_versions()
    return [rendered(each, versions.get(each.prompt_id, [])) for each in prompts.find()]


def rendered(prompt: Prompt, versions: list[PromptVersion]) -> dict[str, Any]:
    """A prompt as it is answered; its versions newest first."""
    live = next((each for each in versions if each.is_deployed), None)
    return {
        "id": prompt.prompt_id,
        "prompt_id": prompt.prompt_id,
        "name": prompt.name,
        "description": prompt.description,
        "prompt_slug": prompt.slug,
        "tags": prompt.tags,
        "starred": prompt.starred,
        "current_version": _brief(versions[0] if versions else None),
        "live_version": _brief(live),
        "is_deleted": False,
        "created_at": prompt.created_at.isoformat(),
        "updated_at": prompt.updated_at.isoformat(),
    }


def _brief(version: PromptVersion | None) -> dict[str, Any] | None:
    if version is None:
        return None
    return {
        "version": version.version,
        "model": version.model,
        "updated_at": version.updated_at.isoformat(),
    }


def rendered_version(version: PromptVersion) -> dict[str, Any]:
    """A version as it is answered."""
    content = PromptContent.model_dump(version, mode="json", include=set(PromptContent.model_fields))
    return {
        **content,
        "id": version.version_id,
        "prompt_version_id": version.version_id,
        "prompt_id": version.prompt_id,
        "version": version.version,
        "readonly": version.readonly,
        "is_deployed": version.is_deployed,
        "edited_by": None,
        "created_at": version.created_at.isoformat(),
        "updated_at": version.updated_at.isoformat(),
    }


OPERATIONS = (
    Operation("POST", "/api/prompts/", create),
    Operation("GET", "/api/prompts/", find),
    Operation("GET POST", "/api/prompts/list/", find),
    Operation("GET POST", "/api/prompts/summary/", summary),
    Operation("POST", "/api/prompts/bulk/", bulk),
    Operation("GET", "/api/prompts/{prompt_id}/", get),
    Operation("PATCH PUT", "/api/prompts/{prompt_id}/", update),
    Operation("DELETE", "/api/prompts/{prompt_id}/", delete),
    Operation("POST", "/api/prompts/{prompt_id}/versions/", add_version),
    Operation("GET", "/api/prompts/{prompt_id}/versions/", versions),
    Operation("GET", "/api/prompts/{prompt_id}/versions/{version}/", version),
    Operation("PATCH", "/api/prompts/{prompt_id}/versions/{version}/", edit_version),
    Operation("DELETE", "/api/prompts/{prompt_id}/versions/{version}/", delete_version),
    Operation("POST", "/api/prompts/{prompt_id}/commits/", commit),
    Operation("POST", "/api/prompts/{prompt_id}/deployments/", deploy),
)
