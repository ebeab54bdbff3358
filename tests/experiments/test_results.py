"""Where results go: a directory of their own, `latest` beside it, and who may read them."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from experiments import results
from experiments.errors import UserError

NOW = datetime(2030, 1, 2, 3, 4, 5, tzinfo=UTC)


def test_each_run_gets_a_directory_of_its_own(tmp_path: Path) -> None:
    first = results.new_directory("packet-flow", tmp_path, NOW)
    second = results.new_directory("packet-flow", tmp_path, NOW)
    assert first == tmp_path / "packet-flow" / "2030-01-02T03-04-05Z"
    assert second.name == "2030-01-02T03-04-05Z-2"


def test_latest_points_to_the_newest_that_is_complete(tmp_path: Path) -> None:
    first = results.new_directory("packet-flow", tmp_path, NOW)
    results.finish(first)
    broken_off = results.new_directory("packet-flow", tmp_path, NOW)
    link = tmp_path / "packet-flow" / "latest"
    assert link.resolve() == first.resolve()
    results.finish(broken_off)
    assert link.resolve() == broken_off.resolve()


def test_something_else_called_latest_is_left_alone(tmp_path: Path) -> None:
    directory = results.new_directory("packet-flow", tmp_path, NOW)
    (directory.parent / "latest").write_text("mine")
    results.finish(directory)
    assert (directory.parent / "latest").read_text() == "mine"


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
def test_under_sudo_results_belong_to_who_typed_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SUDO_UID", "12345")
    monkeypatch.setenv("SUDO_GID", "12346")
    directory = results.new_directory("packet-flow", tmp_path / "results", NOW)
    (directory / "result.json").write_text("{}")
    results.finish(directory)
    for path in (directory, directory / "result.json", directory.parent, directory.parent / "latest"):
        assert (path.lstat().st_uid, path.lstat().st_gid) == (12345, 12346)
    # The folder that was there before stays whose it was.
    assert tmp_path.stat().st_uid == os.geteuid()


def test_the_environment_may_say_where(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(results.VARIABLE, str(tmp_path / "elsewhere"))
    assert results.new_directory("packet-flow", None, NOW).parent == tmp_path / "elsewhere" / "packet-flow"


def test_a_place_that_cannot_be_written_is_told_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match=r"results cannot be written to .*--out"):
        results.new_directory("packet-flow", tmp_path / "file", NOW)


def test_versions_and_machine_are_known() -> None:
    assert {"python", "flowpath", "ryu", "networkx"} <= results.versions().keys()
    assert results.machine()["processors"] >= 1
