"""What ping prints, read packet by packet."""

from __future__ import annotations

import pytest

from experiments.ping import Reply, parse

SAID = """\
PING 10.0.0.3 (10.0.0.3) 56(84) bytes of data.
[1700000000.100000] 64 bytes from 10.0.0.3: icmp_seq=1 ttl=64 time=9.66 ms
[1700000000.140000] 64 bytes from 10.0.0.3: icmp_seq=3 ttl=64 time=0.480 ms
[1700000000.150000] 64 bytes from 10.0.0.3: icmp_seq=3 ttl=64 time=0.999 ms (DUP!)
[1700000000.160000] From 10.0.0.1 icmp_seq=4 Destination Host Unreachable

--- 10.0.0.3 ping statistics ---
4 packets transmitted, 2 received, +1 duplicates, 50% packet loss, time 60ms
"""


def test_each_packet_has_its_round_trip_or_none() -> None:
    replies = parse(SAID, 4)
    assert [reply.rtt for reply in replies] == [pytest.approx(0.00966), None, pytest.approx(0.00048), None]
    assert replies[0].time == 1700000000.1


def test_nothing_said_means_nothing_received() -> None:
    assert parse("", 2) == [Reply(None, None)] * 2
