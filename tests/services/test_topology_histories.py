"""Whatever happens to switches, ports and cables: the topology is the network again soon after it is over."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from controller.model import Link, LinkDown, LinkUp, Location, SwitchDown
from controller.services.topology import TopologySettings
from tests.services.networks import Wires, both, cables

SWITCHES = range(1, 6)
HOST_PORT = 90


@st.composite
def wirings(draw: st.DrawFn) -> list[Link]:
    """Up to eight cables between five switches, parallel ones and loops among them."""
    ends = st.sampled_from(SWITCHES)
    return cables(draw(st.lists(st.tuples(ends, ends), min_size=1, max_size=8)))


@given(wirings(), st.data())
@settings(max_examples=60)
def test_the_topology_is_the_network_soon_after(wires: list[Link], data: st.DataObject) -> None:
    net = Wires(wires)
    ends = sorted(net.far_end)
    extra = [Location(dpid, HOST_PORT) for dpid in SWITCHES]
    connected: set[int] = set()
    down: set[Location] = set()
    for _ in range(data.draw(st.integers(1, 20), "how many things happen")):
        what = data.draw(st.sampled_from(["connect", "leave", "port", "silence", "heal", "time"]))
        if what == "connect":
            dpid = data.draw(st.sampled_from(SWITCHES))
            net.connect(dpid, extra=extra)
            connected.add(dpid)
            down -= {end for end in ends if end.dpid == dpid}
        elif what == "leave":
            dpid = data.draw(st.sampled_from(SWITCHES))
            net.apply(SwitchDown(dpid))
            connected.discard(dpid)
        elif what == "port":
            end = data.draw(st.sampled_from(ends))
            if end.dpid in connected:
                down ^= {end}
                net.set_port(end, up=end not in down)
        elif what == "silence":
            net.cut.add(data.draw(st.sampled_from(ends)))
        elif what == "heal":
            net.cut.clear()
        net.run(data.draw(st.sampled_from([0.0, 0.001, 0.05, 0.4, 2.0])))
        assert_consistent(net)
    net.run(max_hold(net.topology.settings) + 2)
    expected = {
        link
        for wire in wires
        for link in both(wire)
        if not down & set(wire) and not net.cut & set(wire) and {end.dpid for end in wire} <= connected
    }
    assert set(net.topology.links()) == expected
    for place in extra:
        assert net.topology.is_edge(place) == (place.dpid in connected)
    assert all(not net.topology.is_edge(end) for link in expected for end in link)
    assert {kind for kind, _ in net.alarms} <= {"flapping-link"}, "nobody deceived anybody"


def max_hold(settings: TopologySettings) -> float:
    """The longest that a link is held down with the default damping."""
    return 4 * settings.damping.half_life


def assert_consistent(net: Wires) -> None:
    """The links are those that the events have told, each in both directions, between ports that are no edge ports."""
    told: set[Link] = set()
    for _, event in net.events:
        if isinstance(event, LinkUp):
            assert event.link not in told
            told.add(event.link)
        elif isinstance(event, LinkDown):
            told.remove(event.link)
    links = set(net.topology.links())
    assert links == told
    assert all(Link(link.target, link.source) in links for link in links)
    assert not any(net.topology.is_edge(end) for link in links for end in link)
