"""The Collector's manifest and configuration."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import httpx
import pytest

from evalspan.settings import Settings
from support.collector import CONFIG, Collector, binary
from support.markdown import ROOT


def validate(config: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(binary()), "validate", "--config", str(config)], capture_output=True, text=True, check=False
    )


def test_the_configuration_is_valid() -> None:
    assert validate(CONFIG).returncode == 0


def test_what_the_distribution_has_not_is_refused(tmp_path: Path) -> None:
    config = tmp_path / "config.yaml"
    config.write_text(CONFIG.read_text().replace("memory_limiter", "batch"))
    done = validate(config)
    assert done.returncode != 0
    assert "batch" in done.stderr


def test_the_distribution_has_what_the_configuration_uses_and_no_more() -> None:
    listed = subprocess.run([str(binary()), "components"], capture_output=True, text=True, check=True)
    has = set(re.findall(r"- name: (\w+)", listed.stdout))
    config = re.sub(r"#.*", "", CONFIG.read_text()).partition("\nservice:")[0]
    uses = set(re.findall(r"^  (\w+):", config, flags=re.MULTILINE))
    assert has == uses


def test_every_module_is_pinned_and_the_collectors_own_are_of_one_version() -> None:
    modules = re.findall(r"gomod: (\S+) (v\S+)", (ROOT / "collector" / "builder.yaml").read_text())
    versions = {
        version for module, version in modules if "/confmap/" not in module and "local/" not in module
    }
    assert len(modules) == (ROOT / "collector" / "builder.yaml").read_text().count("gomod:")
    assert len(versions) == 1


def test_it_accepts_no_larger_message_than_the_service_does() -> None:
    text = CONFIG.read_text()
    service = Settings.model_fields["max_body_bytes"].default
    assert int(re.findall(r"max_request_body_size: (\d+)", text)[0]) == service
    assert int(re.findall(r"max_recv_msg_size_mib: (\d+)", text)[0]) * 2**20 == service


@pytest.mark.parametrize("signal", ["traces", "logs", "metrics"])
def test_a_body_over_the_limit_is_refused_before_it_is_acknowledged(
    collector: Collector, signal: str
) -> None:
    answer = httpx.post(
        f"{collector.http}/v1/{signal}",
        content=b"\0" * (64 * 2**20 + 1),
        headers={"content-type": "application/x-protobuf"},
    )
    assert answer.status_code in {400, 413}
    assert collector.queued() == 0


def test_its_own_metrics_say_how_much_waits(collector: Collector) -> None:
    assert collector.queued() == 0
    assert collector.metric("otelcol_exporter_queue_capacity") > 0


def test_the_page_lists_every_variable_of_the_configuration_with_its_default() -> None:
    asked = set(re.findall(r"\$\{env:(\w+):-([^}]*)\}", CONFIG.read_text()))
    rows = re.findall(
        r"^\| (`[A-Z].*?) \| (`.*?) \|", (ROOT / "docs" / "collector.md").read_text(), flags=re.M
    )
    listed = {
        pair
        for names, defaults in rows
        for pair in zip(re.findall(r"`(\w+)`", names), re.findall(r"`(.*?)`", defaults), strict=True)
    }
    assert listed == asked
