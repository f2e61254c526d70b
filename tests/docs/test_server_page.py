"""The commands of docs/server.md exist as written; its grants are tested in tests/store/test_users.py."""

from __future__ import annotations

import re
import shlex

from evalspan.cli import evalspan
from evalspan.settings import Settings, environment_name
from support.markdown import ROOT, blocks

PAGE = "docs/server.md"


def test_every_command_of_the_page_can_be_given() -> None:
    lines = [
        line for block in blocks(PAGE, "sh") for line in block.splitlines() if line.startswith("evalspan ")
    ]
    assert len(lines) >= 4
    for line in lines:
        name, *arguments = shlex.split(line.split(" | ")[0])[1:]
        evalspan.commands[name].make_context(name, arguments).close()


def test_every_variable_of_the_page_is_a_setting() -> None:
    named = set(re.findall(r"EVALSPAN_[A-Z_]+", (ROOT / PAGE).read_text(encoding="utf-8")))
    assert named <= {environment_name(field) for field in Settings.model_fields}


def test_the_setting_for_clusters_that_clients_need_is_the_service_s_own() -> None:
    from evalspan.store.cluster import SETTINGS

    text = (ROOT / PAGE).read_text(encoding="utf-8")
    assert f"distributed_product_mode = '{SETTINGS['distributed_product_mode']}'" in text
