"""The write-ahead journal: the last first, the rest in spite of failures, nothing lost that is still to be undone."""

from __future__ import annotations

import pytest

from experiments.machine import journal
from experiments.machine.journal import Journal


@pytest.fixture
def book(tmp_path):
    directory = tmp_path / "12-345-1"
    directory.mkdir()
    return Journal(directory)


def test_undoing_goes_from_the_last_to_the_first_and_leaves_no_journal(book):
    undone = []
    for number in range(3):
        book.add("thing", number=number)
    assert book.undo({"thing": lambda run, entry: undone.append((run, entry["number"]))}) == []
    assert undone == [("12-345-1", 2), ("12-345-1", 1), ("12-345-1", 0)]
    assert not book.directory.exists()


def test_what_cannot_be_undone_is_told_and_kept_for_the_next_time(book):
    undone = []

    def stuck(run, entry):
        raise OSError("device busy")

    def fine(run, entry):
        undone.append(entry["kind"])

    for kind in ("first", "stuck", "last"):
        book.add(kind)
    assert book.undo({"first": fine, "stuck": stuck, "last": fine}) == ["stuck: device busy"]
    assert undone == ["last", "first"]
    assert [entry["kind"] for entry in book.entries()] == ["stuck"]
    assert book.undo({"stuck": fine}) == []


def test_a_last_line_cut_short_announced_nothing(book):
    book.add("thing", number=1)
    with (book.directory / "journal").open("a") as file:
        file.write('{"kind": "thing", "numb')
    assert [entry["number"] for entry in book.entries()] == [1]


def test_a_run_that_died_before_its_first_line_leaves_a_directory_that_goes(book):
    assert journal.runs(book.directory.parent) == [book]
    assert book.undo({}) == []
    assert journal.runs(book.directory.parent) == []
    assert journal.runs(book.directory / "never") == []
