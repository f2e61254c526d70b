"""Finding runs and records of an experiment: `evalspan.search("my-pipeline@latest", "status:error")`."""

from __future__ import annotations

from typing import Any

from evalspan.errors import NotFoundError, UsageError
from evalspan.sdk import lifecycle
from evalspan.sdk.client import Client, Entity

_MOMENTS = {"@latest": 0, "@previous": 1}


def search(experiment: str, query: str = "", *, texts: bool = False) -> list[dict[str, Any]]:
    """The runs that a query finds, or the records where it asks about all their runs (docs/search.md).

    Args:
        experiment: an id, a unique name, a name that one experiment has; or the name of a pipeline
            with `@latest` or `@previous`.
        texts: with input, output and expected output.

    Raises:
        NotFoundError: there is no such experiment. UsageError: the query cannot be read.
    """
    client = lifecycle.start().client
    return list(client.search(find_experiment(client, experiment).id, query, texts=texts))


def find_experiment(client: Client, name: str) -> Entity:
    """The experiment that a name means.

    Raises:
        NotFoundError: there is none. UsageError: there are several; the message names them.
    """
    found = _candidates(client, name)
    if len(found) == 1:
        return found[0]
    if found:
        raise UsageError(
            f"{len(found)} experiments are called {name!r}: {_list(found)}. Give one's id or unique name, "
            f"or {name}@latest or {name}@previous."
        )
    for suffix, place in _MOMENTS.items():
        if name.endswith(suffix):
            found = _candidates(client, name.removesuffix(suffix))
            if len(found) > place:
                return found[place]
    raise NotFoundError(f"There is no experiment {name!r}: no id, unique name or pipeline.")


def _candidates(client: Client, name: str) -> list[Entity]:
    """Those whose id, unique name or pipeline it is, the newest first; an id is one alone."""
    if not name:
        return []
    if exact := client.find_experiments(id=name):
        return exact
    found = {
        item.id: item for key in ("name", "experiment") for item in client.find_experiments(**{key: name})
    }
    return sorted(found.values(), key=lambda item: str(item.attributes.get("created_at")), reverse=True)


def _list(found: list[Entity], most: int = 5) -> str:
    shown = [f"{item.id} ({item.attributes.get('name')})" for item in found[:most]]
    return ", ".join(shown) + (" and more" if len(found) > most else "")
