"""Asking a switch for its tables, with a switch on paper at the other end of the socket."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from experiments import switch_tables
from experiments.errors import UserError
from experiments.switch_tables import SwitchTables

Message = tuple[int, bytes]
Answer = Callable[[int, bytes], list[Message]]


def message(kind: int, body: bytes) -> bytes:
    return struct.pack("!BBHI", 4, kind, 8 + len(body), 1) + body


def stats(priority: int, match: bytes, packets: int) -> bytes:
    """One ``ofp_flow_stats`` without instructions."""
    fixed = struct.pack("!BxIIHHHH4xQQQ", 0, 1, 0, priority, 60, 0, 0, 0xAB, packets, 0)
    body = fixed + match
    return struct.pack("!H", len(body) + 2) + body


IN_PORT_1 = struct.pack("!HHIII", 1, 12, 0x80000004, 1, 0)
ANYTHING = struct.pack("!HHI", 1, 4, 0)


def tables(kind: int, _: bytes) -> list[Message]:
    """Two rules, in two parts, with an echo request between them."""
    if kind == 18:
        part = struct.pack("!HH4x", 1, 1) + stats(1, IN_PORT_1, 7)
        last = struct.pack("!HH4x", 1, 0) + stats(0, ANYTHING, 3)
        return [(19, part), (2, b"alive?"), (19, last)]
    return [(21, b"")] if kind == 20 else []


@pytest.fixture
def paper_switch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[Answer], list[Message]]]:
    """Starts the switch s1 that answers as told; what it was told is in the list."""
    monkeypatch.setattr(switch_tables, "RUN_DIRECTORY", tmp_path)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.bind(str(tmp_path / "s1.mgmt"))
    listener.listen()
    threads: list[threading.Thread] = []

    def start(answer: Answer) -> list[Message]:
        heard: list[Message] = []
        threads.append(threading.Thread(target=serve, args=(listener, answer, heard)))
        threads[0].start()
        return heard

    yield start
    for thread in threads:
        thread.join(timeout=10)
        assert not thread.is_alive()
    listener.close()


def serve(listener: socket.socket, answer: Answer, heard: list[Message]) -> None:
    connection, _ = listener.accept()
    # The client hangs up when it has read enough, with or without something left to read.
    with connection, connection.makefile("rb") as stream, suppress(ConnectionError):
        while header := stream.read(8):
            _, kind, length, _ = struct.unpack("!BBHI", header)
            body = stream.read(length - 8)
            heard.append((kind, body))
            answers = answer(kind, body)
            if answers == [(-1, b"")]:
                return
            connection.sendall(b"".join(message(*each) for each in answers))


def test_rules_are_read_from_all_parts(paper_switch: Callable[[Answer], list[Message]]) -> None:
    heard = paper_switch(tables)
    with SwitchTables("s1") as switch:
        entries = switch.entries()
    rules = [entry.rule for entry in entries]
    assert [(rule.priority, dict(rule.match), rule.packets) for rule in rules] == [(1, {"in_port": 1}, 7), (0, {}, 3)]
    assert (rules[0].cookie, rules[0].idle_timeout) == (0xAB, 60)
    assert [entry.match for entry in entries] == [IN_PORT_1, ANYTHING]
    assert heard[0][0] == 0
    assert heard[1][0] == 18


def test_rules_are_deleted_one_by_one_and_awaited(paper_switch: Callable[[Answer], list[Message]]) -> None:
    heard = paper_switch(tables)
    with SwitchTables("s1") as switch:
        switch.delete(switch.entries()[:1])
    assert [kind for kind, _ in heard if kind != 3] == [0, 18, 14, 20]
    order = next(body for kind, body in heard if kind == 14)
    table, command = struct.unpack_from("!BB", order, 16)
    assert (table, command) == (0, 4)
    assert struct.unpack_from("!H", order, 22) == (1,)
    assert order[40:] == IN_PORT_1


def test_a_switch_that_is_not_there_is_told_in_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(switch_tables, "RUN_DIRECTORY", tmp_path)
    with pytest.raises(UserError, match="switch s9 cannot be asked for its flow tables: No such file"):
        SwitchTables("s9")


def test_a_switch_that_refuses_or_hangs_up_is_told_in_one_line(
    paper_switch: Callable[[Answer], list[Message]],
) -> None:
    paper_switch(lambda kind, body: [(1, struct.pack("!HH", 1, 1))] if kind == 18 else [])
    with SwitchTables("s1") as switch, pytest.raises(UserError, match="s1 refused to show its flow tables"):
        switch.entries()


def test_a_switch_that_goes_away_is_told_in_one_line(paper_switch: Callable[[Answer], list[Message]]) -> None:
    paper_switch(lambda kind, body: [(-1, b"")] if kind == 18 else [])
    with SwitchTables("s1") as switch, pytest.raises(UserError, match="s1 closed its management connection"):
        switch.entries()
