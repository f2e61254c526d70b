"""docs/security.md: its commands run, in the order in which they stand."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

import pytest

from evalspan.api.server import Service
from evalspan.settings import Settings
from support.certificates import certificate
from support.command import Evalspan
from support.markdown import blocks

PAGE = "docs/security.md"


@pytest.fixture
def commands() -> tuple[list[str], list[str]]:
    """(those of keys, the one of TLS)."""
    keys, tls = (block.strip().splitlines() for block in blocks(PAGE, "sh"))
    return keys[1:], tls


def test_the_commands_of_keys_make_list_and_revoke_them(
    evalspan: Evalspan, tmp_path: Path, commands: tuple[list[str], list[str]]
) -> None:
    file = {"EVALSPAN_KEYS_FILE": str(tmp_path / "keys.json")}
    made = [evalspan(*shlex.split(line)[1:], **file) for line in commands[0]]
    assert [each.returncode for each in made] == [0] * 4, [each.stderr for each in made]
    created, listed = made[:2], made[2].stdout
    assert all(each.stdout.startswith("evs_") for each in created)
    assert not any(each.stdout.strip() in listed + each.stderr for each in created)
    assert "collector" in listed
    left = json.loads(evalspan("keys", "list", "--format", "json", **file).stdout)
    assert [(key["name"], key["project"], key["roles"]) for key in left] == [
        ("dashboard", "checkout", "read")
    ]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("list",), "EVALSPAN_KEYS_FILE"),
        (("list", "--keys-file", "nowhere.json"), "nowhere.json"),
        (("create", "--role", "owner"), "owner"),
        (("create", "--keys-file", "k.json"), "--role"),
        (("create", "--role", "read", "--keys-file", "k.json", "--expires", "tomorrow"), "tomorrow"),
        (("create", "--role", "read", "--keys-file", "k.json", "--expires", "2020-01-01"), "has passed"),
        (("revoke", "nobody", "--keys-file", "k.json"), "k.json"),
    ],
)
def test_a_wrong_command_says_what_is_wrong(
    evalspan: Evalspan, arguments: tuple[str, ...], said: str
) -> None:
    refused = evalspan("keys", *arguments)
    assert refused.returncode == 2
    assert said in refused.stderr


def test_the_command_of_tls_serves_it(tmp_path: Path, commands: tuple[list[str], list[str]]) -> None:
    (line,) = commands[1]
    flags = shlex.split(line)[2:]
    made = certificate(tmp_path, "service")
    assert flags[1::2] == [Path(made.certificate).name, Path(made.key).name]
    given = {flag.removeprefix("--").replace("-", "_"): str(tmp_path / name) for flag, name in
             zip(flags[::2], flags[1::2], strict=True)}  # fmt: skip
    settings = Settings(store=f"chdb://{tmp_path / 'store'}", http_port=0, grpc_port=-1, **given)  # pyright: ignore[reportArgumentType] (options by name)
    with Service(settings) as service:
        assert service.endpoint.startswith("https://")
