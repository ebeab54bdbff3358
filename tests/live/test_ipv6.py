"""IPv6, where it is asked for."""

from __future__ import annotations

import topologies


def test_hosts_speak_ipv6_when_asked_to(session):
    network = session.network(topologies.build_graph("single:1"), session.controller(), ipv6=True)
    assert "fe80::200:ff:fe00:1/64" in network.host("h1").run(["ip", "-6", "address"]).stdout
