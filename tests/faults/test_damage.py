"""Part files that are cut, changed or gone: the service says what is missing, and serves nothing torn."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from faults.conftest import PARTS, ROWS
from ingest.build import span, traces
from support.command import environment
from support.service import ServiceProcess


def cut(part: Path) -> None:
    os.truncate(part / "data.bin", (part / "data.bin").stat().st_size // 2)


def emptied(part: Path) -> None:
    for file in part.iterdir():
        file.unlink()


def zero_length(part: Path) -> None:
    """What a power cut may leave of files that were never flushed."""
    for file in part.iterdir():
        os.truncate(file, 0)


def half_written(part: Path) -> None:
    """An insert that was killed: ClickHouse writes below a name of its own, and renames at the end."""
    unfinished = part.parent / f"tmp_insert_{part.name}"
    shutil.copytree(part, unfinished)
    cut(unfinished)


def span_parts(store: Path) -> list[Path]:
    """The folders of the parts of spans_data."""
    columns = sorted(store.glob("store/*/*/all_*/columns.txt"))
    return [file.parent for file in columns if "parent_span_id" in file.read_text(encoding="utf-8")]


def test_parts_that_cannot_be_read_are_named_at_every_start_and_the_others_are_served(
    service: ServiceProcess, tmp_path: Path
) -> None:
    parts = span_parts(tmp_path / "store")
    for harm, part in zip((cut, emptied, zero_length), parts, strict=False):
        harm(part)
    for start in (1, 2):
        service.start()
        assert service.log.count("has lost rows of spans_data") == 3 * start
        assert all(f"broken-on-start_{part.name}" in service.log for part in parts[:3])
        found = service.sql("SELECT record_id, output, scores['judge'] AS judge FROM experiment_results")
        assert len(found) == len({row["record_id"] for row in found}) == ROWS
        service.stop()


def test_parts_that_cannot_be_read_are_in_readyz_in_the_metrics_and_said_by_the_doctor(
    service: ServiceProcess, tmp_path: Path
) -> None:
    doctor = [sys.executable, "-m", "evalspan", "doctor", "--no-probe"]
    for part in span_parts(tmp_path / "store")[:2]:
        cut(part)
    service.start()
    ready = httpx.get(f"{service.endpoint}/readyz")
    assert ready.status_code == 200
    assert ready.json()["store"] == {"damaged_parts": {"spans": 2}}
    metrics = httpx.get(f"{service.endpoint}/metrics").text
    assert 'evalspan_store_damaged_parts{table="spans"} 2' in metrics
    assert 'evalspan_store_damaged_parts{table="evaluations"} 0' in metrics
    clean = environment(EVALSPAN_STORE=f"chdb://{tmp_path / 'store'}", EVALSPAN_ENDPOINT=service.endpoint)
    told = subprocess.run(doctor, env=clean, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert told.returncode == 1
    assert "The store has lost rows of spans: 2 parts could not be read." in told.stdout
    service.stop()
    told = subprocess.run(doctor, env=clean, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert told.stdout.count("set it aside as") == 2


def test_what_a_kill_may_leave_beside_whole_rows_changes_nothing(
    service: ServiceProcess, tmp_path: Path
) -> None:
    parts = span_parts(tmp_path / "store")
    (parts[0] / "checksums.txt").unlink()
    half_written(parts[1])
    service.start()
    assert "has lost rows" not in service.log
    found = service.sql("SELECT record_id FROM experiment_results")
    assert len(found) == len({row["record_id"] for row in found}) == PARTS * ROWS


def test_a_changed_byte_is_an_error_of_the_query_that_reads_it_and_never_a_row(
    service: ServiceProcess, tmp_path: Path
) -> None:
    file = span_parts(tmp_path / "store")[1] / "data.bin"
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)
    service.start()
    with pytest.raises(httpx.HTTPStatusError) as refused:
        service.sql("SELECT sum(cityHash64(tuple(*))) AS whole FROM spans_data")
    assert "Checksum doesn't match" in refused.value.response.text
    assert str(file) in refused.value.response.text
    with pytest.raises(httpx.HTTPError):  # rows may be under way by then: the answer breaks off
        service.sql("SELECT * FROM spans_data")


def test_a_part_whose_stamps_cannot_be_read_is_no_reason_for_a_client_to_drop_its_spans(
    service: ServiceProcess, tmp_path: Path
) -> None:
    file = span_parts(tmp_path / "store")[1] / "data.bin"
    file.write_bytes(bytes(file.stat().st_size))
    service.start()
    body = traces(span()).SerializeToString()
    answer = httpx.post(
        f"{service.endpoint}/v1/traces", content=body, headers={"content-type": "application/x-protobuf"}
    )
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
    assert str(file).encode() in answer.content


def test_a_table_whose_definition_is_cut_refuses_the_start_and_names_the_file(
    service: ServiceProcess, tmp_path: Path
) -> None:
    [file] = (tmp_path / "store").glob("store/*/*/spans_data.sql")
    os.truncate(file, 100)
    with pytest.raises(RuntimeError, match="ended at once"):
        service.start()
    assert f"{file.parent.name}/{file.name}" in service.log
