"""Prompts through the real client, and what two writers make of one."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import httpx

from support.opik_client import Run

API = "/v1/private/prompts"


def test_a_user_keeps_versions_of_prompts_and_finds_each_again(run: Run) -> None:
    seen = run("prompts")
    assert seen["versions"] == ["v1", "v1", "v2", "v1", "v1"]
    assert seen["same"] is True
    assert seen["latest"] == ["Good day, {{name}}", {"tone": "stiff"}, "Good day, Li"]
    assert seen["old"] == seen["by_commit"] == "Hello {{name}}"
    assert seen["deployed"] == "v1"
    assert seen["jinja"] == [True, ["t"], "x"]
    assert seen["chat"] == [{"role": "system", "content": "Be kind."}]
    assert (seen["history"], seen["found"]) == (["v2", "v1"], ["v2"])
    assert seen["missing"] is None
    assert seen["searched"] == ["greeting", "jinja", "talk"]


def test_versions_that_are_added_at_once_have_numbers_of_their_own(opik: httpx.Client) -> None:
    def add(number: int) -> str:
        body = {"name": "busy", "version": {"template": f"t {number}"}}
        return opik.post(f"{API}/versions", json=body).json()["version_number"]

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(add, range(4))) == ["v1", "v2", "v3", "v4"]


def test_a_mask_is_found_by_its_id_only(opik: httpx.Client) -> None:
    made = [
        opik.post(
            f"{API}/versions", json={"name": "masked", "version": {"template": "t", "version_type": kind}}
        )
        for kind in ("prompt_version", "mask")
    ]
    plain, mask = (each.json() for each in made)
    assert mask["version_number"] is None
    assert opik.get(f"{API}/versions/{mask['id']}").json()["version_type"] == "mask"
    listed = opik.get(f"{API}/{plain['prompt_id']}/versions").json()["content"]
    assert [each["id"] for each in listed] == [plain["id"]]


def test_a_prompt_that_is_deleted_is_gone_with_its_versions(opik: httpx.Client) -> None:
    assert opik.post(API, json={"name": "gone", "template": "t"}).status_code == 201
    assert opik.post(API, json={"name": "gone", "template": "t"}).status_code == 409
    found = opik.post(f"{API}/versions/retrieve", json={"name": "gone"}).json()
    assert opik.delete(f"{API}/{found['prompt_id']}").status_code == 204
    assert opik.post(f"{API}/versions/retrieve", json={"name": "gone"}).status_code == 404
    assert opik.get(f"{API}/versions/{found['id']}").status_code == 404
    again = opik.post(f"{API}/versions", json={"name": "gone", "version": {"template": "u"}}).json()
    assert again["id"] != found["id"]


def test_a_name_that_a_prompt_gave_up_is_free_for_another(opik: httpx.Client) -> None:
    def version(name: str) -> dict[str, str]:
        return opik.post(f"{API}/versions", json={"name": name, "version": {"template": "t"}}).json()

    first = version("early")
    assert opik.put(f"{API}/{first['prompt_id']}", json={"name": "late"}).status_code == 204
    assert version("early")["prompt_id"] != first["prompt_id"]
    assert version("late")["prompt_id"] == first["prompt_id"]
