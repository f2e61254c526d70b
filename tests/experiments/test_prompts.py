"""Prompts and their versions, on both engines, and how messages are filled."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from evalspan.errors import ConflictError, NotFoundError, ReadOnlyError, UsageError
from evalspan.experiments import Catalog, templates
from evalspan.experiments.prompt_versions import PromptContent
from evalspan.experiments.prompts import Prompts, usable_version
from evalspan.store import Store


def content(text: str = "{{ question }}", **fields: Any) -> PromptContent:
    return PromptContent.model_validate(
        {"messages": [{"role": "user", "content": text}], "model": "m", **fields}
    )


@pytest.fixture
def project(store: Store) -> str:
    return Catalog(store).projects.get_or_create("p").project_id


def test_a_version_is_a_draft_until_the_next_one_is_made(store: Store, project: str) -> None:
    prompts = Prompts(store)
    identity = prompts.create(project, "Q&A helper").prompt_id
    first = prompts.add_version(identity, content("one"))
    assert (first.version, first.readonly, first.is_deployed) == (1, False, False)
    prompts.edit_version(identity, 1, {"temperature": 0.5})
    prompts.add_version(identity, content("two"))
    assert prompts.version(identity, 1).temperature == 0.5
    with pytest.raises(ReadOnlyError, match="Version 1 of prompt 'q-a-helper' is read-only"):
        prompts.edit_version(identity, 1, {"temperature": 1})


def test_only_a_read_only_version_can_be_deployed_and_used(store: Store, project: str) -> None:
    prompts = Prompts(store)
    slug = prompts.create(project, "greeter").slug
    prompts.add_version(slug, content("one"))
    with pytest.raises(UsageError, match="has no deployed version"):
        usable_version(store, slug)
    with pytest.raises(UsageError, match=r"Version 1 .* is a draft"):
        prompts.deploy(slug, 1)
    prompts.add_version(slug, content("two"))
    assert prompts.deploy(slug, 1).is_deployed
    assert usable_version(store, slug).version == 1
    with pytest.raises(UsageError, match=r"Version 2 .* is a draft"):
        usable_version(store, slug, 2)
    prompts.commit(slug, "better")
    assert (usable_version(store, slug, 2).description, usable_version(store, slug).version) == ("better", 1)
    prompts.deploy(slug, 2)
    assert [each.is_deployed for each in prompts.versions(slug)] == [False, True, False]


def test_a_version_that_is_deployed_as_it_is_made_is_read_only_at_once(embedded_store: Store) -> None:
    project = Catalog(embedded_store).projects.get_or_create("p").project_id
    prompts = Prompts(embedded_store)
    slug = prompts.create(project, "greeter").slug
    made = prompts.add_version(slug, content("one"), deploy=True)
    assert (made.readonly, made.is_deployed) == (True, True)
    with pytest.raises(UsageError, match="has no draft"):
        prompts.commit(slug)
    with pytest.raises(UsageError, match="is live; deploy another one first"):
        prompts.remove_version(slug, 1)


def test_the_number_of_a_removed_version_is_not_given_again(embedded_store: Store) -> None:
    project = Catalog(embedded_store).projects.get_or_create("p").project_id
    prompts = Prompts(embedded_store)
    slug = prompts.create(project, "greeter").slug
    for text in ("one", "two"):
        prompts.add_version(slug, content(text))
    prompts.remove_version(slug, 2)
    assert prompts.version(slug, 1).readonly
    with pytest.raises(NotFoundError, match=r"Prompt version 2 not found: .* has the versions 1\."):
        prompts.version(slug, 2)
    assert prompts.add_version(slug, content("three")).version == 3


def test_services_that_add_versions_at_once_agree_on_the_numbers(store: Store, project: str) -> None:
    slug = Prompts(store).create(project, "busy").slug
    with ThreadPoolExecutor(4) as pool:
        made = pool.map(lambda n: Prompts(store).add_version(slug, content(f"text {n}")), range(8))
        numbers = sorted(each.version for each in made)
    assert numbers == list(range(1, 9))
    texts = {str(each.messages[0].content) for each in Prompts(store).versions(slug)}
    assert texts == {f"text {n}" for n in range(8)}


def test_a_slug_belongs_to_one_prompt_of_a_project(store: Store, project: str) -> None:
    prompts = Prompts(store)
    first = prompts.create(project, "Same name")
    second = prompts.create(project, "Same name")
    assert first.slug == "same-name" != second.slug
    with pytest.raises(ConflictError, match="a prompt 'same-name' in this project already"):
        prompts.create(project, "other", slug="same-name")
    with ThreadPoolExecutor(4) as pool:
        made = list(pool.map(lambda n: Prompts(store).create(project, f"Raced {n % 2}").slug, range(6)))
    assert len(set(made)) == 6
    prompts.remove(first.slug)
    assert prompts.create(project, "again", slug="same-name").prompt_id != first.prompt_id


def test_a_project_sees_its_own_prompts_alone(embedded_store: Store) -> None:
    projects = Catalog(embedded_store).projects
    for name in ("a", "b"):
        Prompts(embedded_store.within(name)).create(projects.get_or_create(name).project_id, "shared name")
    assert [each.slug for each in Prompts(embedded_store.within("a")).find()] == ["shared-name"]
    Prompts(embedded_store.within("a")).add_version("shared-name", content(), deploy=True)
    assert Prompts(embedded_store.within("b")).versions("shared-name") == []
    with pytest.raises(UsageError, match="Several projects have a prompt 'shared-name'"):
        Prompts(embedded_store).get("shared-name")


def test_messages_are_filled_part_by_part() -> None:
    version = PromptContent.model_validate(
        {
            "messages": [
                {"role": "system", "content": "You help {{ who.name }}.", "name": "guide"},
                {"role": "user", "content": [
                    {"type": "text", "text": "{{ who }}"},
                    {"type": "image_url", "image_url": {"url": "{{ picture }}"}},
                ]},
                {"role": "assistant", "content": None},
            ],
            "variables": {"who": "object", "picture": "string", "tone": "kind"},
        }
    )  # fmt: skip
    filled = templates.render(version, {"who": {"name": "Ada"}, "picture": "data:,x"})
    assert filled == [
        {"role": "system", "content": "You help Ada.", "name": "guide"},
        {"role": "user", "content": [
            {"type": "text", "text": '{"name": "Ada"}'},
            {"type": "image_url", "image_url": {"url": "data:,x"}},
        ]},
        {"role": "assistant", "content": None},
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"name": "A"}, "Missing variable 'age': the record's input has name"),
        (
            {"name": "A", "age": 3, "agee": 4},
            "Unknown variable 'agee': the prompt knows age, mood, name, tone",
        ),
        ({"name": 5, "age": 3}, "'name' is declared as string; the record has 5"),
        ({"name": "A", "age": True}, "'age' is declared as number; the record has True"),
        ({"name": "A", "age": "3"}, "'age' is declared as number; the record has '3'"),
        ({"name": "A", "age": 3}, r"^Message 1 \(user\): 'mood' is undefined"),
    ],
    ids=["missing", "unknown", "number", "boolean", "text", "undeclared"],
)
def test_a_variable_that_does_not_fit_is_named(given: dict[str, Any], told: str) -> None:
    declared = {"name": "string", "age": "number", "tone": {"type": "string", "default": "kind"}}
    version = content("{{ name }} {{ tone }} {{ mood }}", variables=declared)
    with pytest.raises(UsageError, match=told):
        templates.render(version, given)


@pytest.mark.parametrize(
    ("declaration", "said"),
    [
        ("strin", "did you mean 'string'"),
        ("int", "did you mean 'number'"),
        ({"type": "strin"}, "did you mean 'string'"),
        ({"type": "date"}, "there are array, boolean"),
        ({"type": "number", "default": "x"}, "declared as number; its default is 'x'"),
    ],
)
def test_a_declaration_that_is_a_mistake_is_refused(
    embedded_store: Store, declaration: Any, said: str
) -> None:
    project = Catalog(embedded_store).projects.get_or_create("p").project_id
    prompts = Prompts(embedded_store)
    slug = prompts.create(project, "declared").slug
    with pytest.raises(UsageError, match=said):
        prompts.add_version(slug, content("{{ a }}", variables={"a": declaration}))


def test_a_default_needs_no_type() -> None:
    declared: dict[str, Any] = {"a": {"default": None}, "b": {"default": "strin"}, "c": "json"}
    version = content("{{ a }}|{{ b }}|{{ c }}", variables=declared)
    templates.check_variables(version.variables)
    assert templates.render(version, {})[0]["content"] == "|strin|json"


def test_a_message_that_is_no_template_is_refused_when_the_version_is_made(embedded_store: Store) -> None:
    project = Catalog(embedded_store).projects.get_or_create("p").project_id
    prompts = Prompts(embedded_store)
    slug = prompts.create(project, "broken").slug
    with pytest.raises(UsageError, match=r"Message 1 \(user\), line 1: .*'endfor'"):
        prompts.add_version(slug, content("{% for a in b %}\n"))
    assert prompts.versions(slug) == []
