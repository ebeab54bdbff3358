"""A conversation with a real switch, recorded: read as Ryu reads it, counted as tshark counts it."""

from __future__ import annotations

import shutil
import socket
import subprocess
from pathlib import Path

import pytest

from experiments.capture import Recorder, read
from experiments.capture.decode import HEADER
from experiments.capture.messages import Message
from tests.capture.samples import FROM_CONTROLLER, message, parsed, serialised
from tests.capture.test_command import needs_tshark, our_counts, tshark_counts
from tests.capture.test_decode import compare
from tests.capture.test_recorder import free_port, needs_root
from tests.southbound.an_open_vswitch import PATIENCE, SCHEMA, running

pytestmark = [
    pytest.mark.live,
    needs_root,
    pytest.mark.skipif(not shutil.which("ovs-vswitchd") or not SCHEMA.exists(), reason="Open vSwitch is not installed"),
]

END = 0xE0D
"""The xid of the last request."""


@pytest.fixture(scope="module")
def conversation(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, int]:
    """A capture of everything that a controller can ask of Open vSwitch and what it answers, and its port."""
    folder = tmp_path_factory.mktemp("ovs")
    path = tmp_path_factory.mktemp("capture") / "openflow.pcap"
    # As a slave it would refuse the orders that follow.
    orders = sorted(FROM_CONTROLLER.items(), key=lambda order: order[0] == "ROLE_REQUEST")
    with running(folder), free_port() as (listening, port), Recorder(port=port, path=path):
        listening.settimeout(PATIENCE)
        controller = f"tcp:127.0.0.1:{port}"
        switch_database = f"--db=unix:{folder}/db.sock"
        subprocess.run(
            ["ovs-vsctl", switch_database, "set-controller", "br0", controller], check=True, timeout=PATIENCE
        )
        with listening.accept()[0] as switch:
            switch.settimeout(PATIENCE)
            switch.sendall(b"".join(serialised(order, xid=number + 1) for number, (_, order) in enumerate(orders)))
            switch.sendall(message("BARRIER_REQUEST", xid=END))
            hear_until(switch, END)
    return path, port


def hear_until(switch: socket.socket, last: int) -> None:
    """Read messages up to the one with this xid."""
    heard = b""
    while True:
        while len(heard) < HEADER.size or len(heard) < HEADER.unpack_from(heard)[2]:
            heard += switch.recv(1 << 20)
        _, _, length, xid = HEADER.unpack_from(heard)
        if xid == last:
            return
        heard = heard[length:]


def test_everything_is_read_and_means_what_ryu_says(conversation: tuple[Path, int]) -> None:
    found = list(read(*conversation))
    told = [m for m in found if m.from_switch]
    assert [m.fields for m in found if "malformed" in m.fields] == []
    assert len(found) - len(told) == len(FROM_CONTROLLER) + 1
    assert len({m.dpid for m in found}) == 1
    assert found[0].dpid is not None
    for answer in told:
        compare(answer.fields, parsed(answer.raw), answer.name)
    assert {"PORT_DESC", "TABLE_FEATURES", "GROUP_FEATURES", "METER_FEATURES", "DESC", "TABLE"} <= multipart_types(told)
    refused = [m.fields["message"] for m in told if "message" in m.fields]
    assert {quoted["type"] for quoted in refused} >= {"FLOW_MOD", "GROUP_MOD"}
    asked = {m.xid: m for m in found if not m.from_switch}
    for quoted in refused:
        assert quoted["type"] == asked[quoted["xid"]].name


def multipart_types(told: list[Message]) -> set[str]:
    """The types of the multipart replies."""
    return {m.fields["type"] for m in told if m.name == "MULTIPART_REPLY"}


@needs_tshark
def test_counts_are_those_of_tshark(conversation: tuple[Path, int]) -> None:
    path, port = conversation
    assert our_counts(path, port) == tshark_counts(path, port)
