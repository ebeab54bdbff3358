"""Hosts that lie or shout, and a switch whose table is full: noticed, reported, and nobody else suffers."""

from __future__ import annotations

import os
import socket
import threading

import pytest

from experiments.machine import ovs
from experiments.machine.session import Session
from experiments.ping import ping
from experiments.traffic.sightings import Port
from tests.live import networks
from tests.live.networks import eventually, mac, raw_socket

LLDP = 0x88CC
UNUSED = 0x88B6
NOBODY = bytes.fromhex("020000000099")


def a_probe(interface: str) -> bytes:
    """The next of the controller's probes that comes into a switch by this port."""
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(LLDP)) as sock:
        sock.bind((interface, LLDP))
        sock.settimeout(networks.PATIENCE)
        while True:
            frame, (_, _, kind, *_) = sock.recvfrom(2048)
            if kind != socket.PACKET_OUTGOING:
                return frame


def test_forged_and_repeated_probes_make_no_link(session: Session) -> None:
    network = networks.start(session, "linear:3")
    assert networks.unreached(network) == []
    before = networks.tables(network)
    genuine = a_probe("s2-eth2")
    forged = genuine[:-3] + bytes([genuine[-3] ^ 1]) + genuine[-2:]
    liar = network.host("h3")
    with raw_socket(liar, LLDP) as sock:
        sock.send(forged)
        assert eventually(lambda: networks.says(network, "forged-probe at 0000000000000003:1"))
        sock.send(genuine)
        assert eventually(lambda: networks.says(network, "at 0000000000000003:1: a probe of 0000000000000001"))
    assert networks.unreached(network) == []
    assert networks.tables(network) == before
    (way,) = networks.ways(network, ("h1", "h3"))
    assert [port.switch for port in way] == ["s1", "s2", "s3"]


@pytest.mark.parametrize("mode", ["reactive", "proactive"])
def test_a_stolen_address_stays_where_its_owner_is(session: Session, mode: str) -> None:
    network = networks.start(session, "linear:3", mode=mode)
    assert networks.unreached(network) == []
    owner, thief, other = network.hosts
    with raw_socket(owner) as own, raw_socket(thief) as stolen:
        frame = NOBODY + mac(owner.mac) + b"\x88\xb5" + bytes(46)

        def noticed() -> bool:
            own.send(frame)
            stolen.send(frame)
            return networks.says(network, "flapping-host")

        assert eventually(noticed)
    for _ in range(3):
        assert ping(other, owner.ip)[0].rtt is not None
    (way,) = networks.ways(network, (other.name, owner.name))
    assert way[-1] == Port("s1", 2)


def test_a_host_that_asks_without_end_does_not_keep_others_from_being_served(session: Session) -> None:
    network = networks.start(session, "single:8", mode="reactive", idle_timeout=1)
    flooder, *others = network.hosts
    assert networks.unreached(network) == []
    stop = threading.Event()

    def flood() -> None:
        with raw_socket(flooder, UNUSED) as sock:
            while not stop.is_set():
                for _ in range(64):
                    sock.send(b"\x02" + os.urandom(5) + mac(flooder.mac) + b"\x88\xb5" + bytes(46))

    flooding = threading.Thread(target=flood)
    flooding.start()
    try:
        assert eventually(lambda: networks.says(network, "packet-in-flood at 0000000000000001:1"))
        for _ in range(3):
            assert networks.unreached(network, others) == []
    finally:
        stop.set()
        flooding.join()
    # The guard goes by itself.
    assert eventually(lambda: networks.unreached(network) == [])


def test_a_full_table_makes_room_for_new_flows(session: Session) -> None:
    network = networks.start(session, "single:8", mode="reactive")
    held = len([flow for flow in network.flows("s1") if flow.table == 2])
    limit = held + 12
    ovs.vsctl(
        "--", "--id=@small", "create", "Flow_Table", f"flow_limit={limit}", "overflow_policy=refuse",
        "--", "set", "Bridge", "s1", "flow_tables:2=@small",
    )  # fmt: skip
    assert networks.unreached(network) == []
    assert networks.says(network, "table-full at 0000000000000001")
    assert 0 < len([flow for flow in network.flows("s1") if flow.table == 2]) <= limit
    assert networks.unreached(network) == []
