"""The face is there, says no in a form of its own, and reads what its clients compress."""

from __future__ import annotations

import httpx


def test_the_ping_that_decides_whether_the_client_sends_is_answered_200(opik: httpx.Client) -> None:
    assert opik.get("/is-alive/ping").status_code == 200
    version = opik.get("/is-alive/ver").json()["version"]
    assert tuple(map(int, version.split("."))) >= (2, 2, 8)
    assert opik.get("/v1/private/auth/workspace").json() == {"workspace_name": "default"}


def test_what_is_not_served_is_said_in_the_shape_that_its_clients_show(opik: httpx.Client) -> None:
    refused = opik.get("/v1/private/nothing-here")
    assert refused.status_code == 404
    assert refused.json()["code"] == 404
    assert refused.json()["errors"] == [refused.json()["message"]]
