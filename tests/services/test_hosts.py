"""Hosts: places, moves, addresses, ageing and bounds."""

from __future__ import annotations

import pytest

from controller.model import (
    Alarm,
    Event,
    HostGone,
    HostMoved,
    HostSeen,
    Link,
    LinkUp,
    mac_text,
)
from controller.services.hosts import Hosts, HostSettings

from .host_frames import (
    ELSEWHERE,
    HERE,
    IP6_A,
    IP_A,
    IP_B,
    THERE,
    A,
    B,
    Ports,
    announce,
    at,
    ethernet,
    ipv4,
    ipv6,
    kinds,
    tagged,
)

SETTINGS = HostSettings()
ASKER = SETTINGS.asking.asker


# ---------------------------------------------------------------- place


def test_the_first_frame_makes_a_host(hosts: Hosts) -> None:
    (event,) = hosts.observe(at(HERE, announce(A, IP_A)), 1.0)
    assert isinstance(event, HostSeen)
    assert event.host == (A, HERE, (IP_A,), 0, 1.0, 1.0)
    assert hosts.by_mac(A) == hosts.by_ip(IP_A) == event.host
    assert hosts.place(A) == HERE
    assert hosts.at(HERE) == list(hosts) == [event.host]
    assert len(hosts) == 1
    assert (hosts.by_mac(B), hosts.by_ip(IP_B), hosts.place(B)) == (None, None, None)
    assert hosts.at(THERE) == []


@pytest.mark.parametrize(
    "frame",
    [
        ethernet(b"\xff" * 6),
        ethernet(b"\x01\x00\x5e\x00\x00\x01"),
        ethernet(bytes(6)),
        ethernet(A, dst=bytes.fromhex("0180c2000000")),
        ethernet(A)[:13],
        ethernet(ASKER),
        b"",
    ],
    ids=["broadcast", "multicast", "zero", "spanning tree", "runt", "our own question", "empty"],
)
def test_what_is_no_host(hosts: Hosts, frame: bytes) -> None:
    assert list(hosts.observe(at(HERE, frame), 1.0)) == []
    assert len(hosts) == 0
    assert hosts.generation == 0


def test_a_link_port_shows_no_hosts_and_moves_none(hosts: Hosts, ports: Ports) -> None:
    hosts.observe(at(HERE, ethernet(A)), 1.0)
    ports.links.add(THERE)
    assert not hosts.observe(at(THERE, ethernet(A)), 1.1)
    assert not hosts.observe(at(THERE, ethernet(B)), 1.1)
    assert hosts.place(A) == HERE
    assert len(hosts) == 1


def test_a_host_seen_again_changes_nothing_but_the_time(hosts: Hosts) -> None:
    for frame in (announce(A, IP_A), ipv4(A, IP_A), tagged(ipv4(A, IP_A), 7), ipv6(A, IP6_A)):
        hosts.observe(at(HERE, frame), 1.0)
    before = hosts.generation
    for time, frame in ((1.5, ipv4(A, IP_A)), (9.0, ethernet(A)), (9.1, announce(A, IP_A)), (9.2, ipv6(A, IP6_A))):
        assert not hosts.observe(at(HERE, frame), time)
    assert hosts.generation == before
    host = hosts.by_mac(A)
    assert host is not None
    assert (host.first_seen, host.last_seen) == (1.0, 9.0)


def test_a_move_is_followed_within_one_packet(hosts: Hosts) -> None:
    hosts.observe(at(HERE, announce(A, IP_A)), 1.0)
    generation, displacements = hosts.generation, hosts.displacements
    (event,) = hosts.observe(at(THERE, ethernet(A)), 2.0)
    assert isinstance(event, HostMoved)
    assert (event.left, event.host.location, event.host.last_seen) == (HERE, THERE, 2.0)
    assert (hosts.at(HERE), hosts.at(THERE)) == ([], [event.host])
    assert hosts.by_ip(IP_A) == event.host
    assert hosts.generation > generation
    assert hosts.displacements > displacements


def test_a_new_host_displaces_nobody(hosts: Hosts) -> None:
    hosts.observe(at(HERE, announce(A, IP_A)), 1.0)
    generation, displacements = hosts.generation, hosts.displacements
    hosts.observe(at(HERE, announce(B, IP_B)), 1.0)
    hosts.observe(at(HERE, ipv6(A, IP6_A)), 1.0)
    assert hosts.generation > generation
    assert hosts.displacements == displacements


def test_the_vlan_is_that_of_the_latest_frames(hosts: Hosts) -> None:
    def vlan_after(frame: bytes, now: float) -> int:
        hosts.observe(at(HERE, frame), now)
        host = hosts.by_mac(A)
        assert host is not None
        return host.vlan

    assert vlan_after(tagged(ipv4(A, IP_A), 42), 1.0) == 42
    assert vlan_after(tagged(ipv4(A, IP_A), 7), 1.1) == 7
    assert vlan_after(ipv4(A, IP_A), 5.0) == 0
    assert vlan_after(tagged(ipv4(A, IP_A), 8), 9.0) == 8


# ---------------------------------------------------------------- flapping


def flap(hosts: Hosts, start: float, step: float, times: int) -> list[Event]:
    """A's frames come in alternately there and here, ``step`` seconds apart."""
    events: list[Event] = []
    for turn in range(times):
        events += hosts.observe(at(HERE if turn % 2 else THERE, ethernet(A)), start + turn * step)
    return events


def test_a_flapping_host_is_held_where_it_was_and_reported_once(hosts: Hosts) -> None:
    hosts.observe(at(HERE, ethernet(A)), 1.0)
    events = flap(hosts, 5.0, 0.01, 100)
    assert kinds(events).count("HostMoved") == SETTINGS.moves + 1  # The last one back to where it was.
    (alarm,) = [event for event in events if isinstance(event, Alarm)]
    assert (alarm.kind, alarm.location) == ("flapping-host", HERE)
    assert mac_text(A) in alarm.text
    assert hosts.is_held(A, 6.0)
    generation = hosts.generation
    assert not hosts.observe(at(ELSEWHERE, announce(A, IP_A)), 7.0)
    assert hosts.place(A) == HERE
    assert hosts.by_ip(IP_A) is None
    assert hosts.generation == generation


def test_a_held_host_is_released_by_time(hosts: Hosts) -> None:
    hosts.observe(at(HERE, ethernet(A)), 1.0)
    flap(hosts, 5.0, 0.01, 20)
    released = 5.0 + 0.01 * SETTINGS.moves + SETTINGS.hold
    assert not hosts.is_held(A, released + 0.01)
    assert kinds(hosts.observe(at(THERE, ethernet(A)), released + 0.01)) == ["HostMoved"]
    hosts.tick(released + 2 * SETTINGS.hold)
    assert kinds(hosts.observe(at(HERE, ethernet(A)), released + 30)) == ["HostMoved"]


def test_moving_at_the_allowed_rate_is_followed(hosts: Hosts) -> None:
    hosts.observe(at(HERE, ethernet(A)), 1.0)
    assert kinds(flap(hosts, 5.0, 1.0 / SETTINGS.moves + 0.001, 100)) == ["HostMoved"] * 100


def test_a_flapping_host_whose_former_port_is_none_any_more_stays(hosts: Hosts, ports: Ports) -> None:
    hosts.observe(at(HERE, ethernet(A)), 1.0)
    flap(hosts, 5.0, 0.01, SETTINGS.moves)
    where = hosts.place(A)
    assert where == THERE
    ports.links.add(HERE)
    assert kinds(hosts.observe(at(ELSEWHERE, ethernet(A)), 5.1)) == ["flapping-host"]
    assert hosts.place(A) == THERE


# ---------------------------------------------------------------- links


def test_a_link_found_later_takes_away_who_was_learned_there(hosts: Hosts, ports: Ports) -> None:
    hosts.observe(at(THERE, announce(A, IP_A)), 1.0)
    hosts.observe(at(HERE, ethernet(B)), 1.0)
    ports.links |= {THERE, ELSEWHERE}
    (event,) = hosts.apply(LinkUp(Link(ELSEWHERE, THERE)), 2.0)
    assert isinstance(event, HostGone)
    assert event.host.mac == A
    assert [host.mac for host in hosts] == [B]
    assert hosts.by_ip(IP_A) is None


def test_a_link_found_later_gives_back_the_place_before(hosts: Hosts, ports: Ports) -> None:
    for time, location in ((1.0, HERE), (1.001, THERE), (1.002, ELSEWHERE)):
        hosts.observe(at(location, ethernet(A)), time)
    ports.links |= {THERE, ELSEWHERE}
    (event,) = hosts.apply(LinkUp(Link(THERE, ELSEWHERE)), 1.1)
    assert isinstance(event, HostMoved)
    assert (event.host.location, event.left) == (HERE, ELSEWHERE)


# ---------------------------------------------------------------- addresses


def test_a_host_has_many_addresses(hosts: Hosts) -> None:
    hosts.observe(at(HERE, announce(A, IP_A)), 1.0)
    (event,) = hosts.observe(at(HERE, ipv6(A, IP6_A)), 1.0)
    assert isinstance(event, HostSeen)
    assert event.host.addresses == (IP_A, IP6_A)
    assert hosts.by_ip(IP6_A) == hosts.by_ip(IP_A) == event.host


def test_beyond_the_limit_the_oldest_address_goes(ports: Ports) -> None:
    hosts = Hosts(ports, HostSettings(addresses=2))
    first, second, third = (bytes([10, 0, 1, number]) for number in range(3))
    for ip in (first, second, third):
        hosts.observe(at(HERE, announce(A, ip)), 1.0)
    host = hosts.by_mac(A)
    assert host is not None
    assert host.addresses == (second, third)
    assert hosts.by_ip(first) is None
    assert not hosts.observe(at(HERE, ipv4(A, first)), 1.0), "hearsay pushes nothing out"


def test_a_conflict_is_reported_once_and_the_latest_claim_counts(hosts: Hosts) -> None:
    hosts.observe(at(HERE, announce(A, IP_A)), 1.0)
    events = hosts.observe(at(THERE, announce(B, IP_A)), 2.0)
    assert sorted(kinds(events)) == ["HostSeen", "HostSeen", "address-conflict"]
    alarm = next(event for event in events if isinstance(event, Alarm))
    assert alarm.location == THERE
    assert mac_text(A) in alarm.text
    assert mac_text(B) in alarm.text
    changed = {event.host.mac: event.host.addresses for event in events if isinstance(event, HostSeen)}
    assert changed == {A: (), B: (IP_A,)}
    assert "address-conflict" not in kinds(hosts.observe(at(HERE, announce(A, IP_A)), 2.5))
    assert hosts.by_ip(IP_A) == hosts.by_mac(A)


def test_an_address_that_changes_hands_too_often_stays(hosts: Hosts) -> None:
    for mac in (A, B):
        hosts.observe(at(HERE, ethernet(mac)), 1.0)
    hosts.observe(at(HERE, announce(A, IP_A)), 1.0)
    events: list[Event] = []
    for turn in range(100):
        events += hosts.observe(at(HERE, announce(A if turn % 2 else B, IP_A)), 1.0 + turn / 1000)
    assert kinds(events).count("HostSeen") == 2 * SETTINGS.moves
    assert kinds(events).count("address-conflict") == 1
    owner, generation = hosts.by_ip(IP_A), hosts.generation
    assert owner is not None
    for mac in (A, B):
        hosts.observe(at(HERE, announce(mac, IP_A)), 9.0)
    assert (hosts.by_ip(IP_A), hosts.generation) == (hosts.by_mac(owner.mac), generation)
    other = A if owner.mac == B else B
    hosts.observe(at(HERE, announce(other, IP_A)), 12.0)
    assert hosts.by_ip(IP_A) == hosts.by_mac(other)


def test_an_address_of_a_silent_host_changes_hands_quietly(hosts: Hosts) -> None:
    hosts.observe(at(HERE, announce(A, IP_A)), 1.0)
    displacements = hosts.displacements
    events = hosts.observe(at(THERE, announce(B, IP_A)), 1.0 + SETTINGS.contested)
    assert set(kinds(events)) == {"HostSeen"}
    assert hosts.by_ip(IP_A) == hosts.by_mac(B)
    assert hosts.displacements > displacements


def test_a_router_takes_no_addresses_from_the_hosts_behind_it(hosts: Hosts) -> None:
    hosts.observe(at(HERE, announce(A, IP_A)), 1.0)
    assert kinds(hosts.observe(at(THERE, ipv4(B, IP_A)), 1.5)) == ["HostSeen"]
    assert hosts.by_ip(IP_A) == hosts.by_mac(A)


def test_a_claim_beats_what_traffic_suggested_without_alarm(hosts: Hosts) -> None:
    hosts.observe(at(THERE, ipv4(B, IP_A)), 1.0)
    assert hosts.by_ip(IP_A) == hosts.by_mac(B)
    assert set(kinds(hosts.observe(at(HERE, announce(A, IP_A)), 1.5))) == {"HostSeen"}
    assert hosts.by_ip(IP_A) == hosts.by_mac(A)


def test_traffic_becomes_a_claim_when_its_sender_says_so(hosts: Hosts) -> None:
    hosts.observe(at(HERE, ipv4(A, IP_A)), 1.0)
    assert not hosts.observe(at(HERE, announce(A, IP_A)), 1.0)
    assert "address-conflict" in kinds(hosts.observe(at(THERE, announce(B, IP_A)), 1.5))
