"""Shortest paths equal networkx's, after any history of changes."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterable

import networkx as nx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.model import Event, Link, LinkDown, LinkUp, Location, SwitchDown, SwitchUp
from controller.services.paths import Path, Paths, hops, inverse_bandwidth, latency, per_link
from tests.services.networks import both, cables, graph_of, histories

History = tuple[list[Event], dict[Link, int]]


def build(events: Iterable[Event], costs: dict[Link, int] | None = None) -> Paths:
    paths = Paths(per_link(costs or {}))
    for event in events:
        paths.apply(event)
    return paths


def network(pairs: Iterable[tuple[int, int]], costs: dict[Link, int] | None = None) -> Paths:
    wires = cables(pairs)
    switches = sorted({end.dpid for wire in wires for end in wire})
    return build([*map(SwitchUp, switches), *(LinkUp(link) for wire in wires for link in both(wire))], costs)


def everything(paths: Paths) -> dict[tuple[int, int], tuple[int | None, tuple[Link, ...]]]:
    switches = list(paths.switches())
    return {(s, t): (paths.distance(s, t), paths.next_hops(s, t)) for s in switches for t in switches}


@given(histories(directed=True))
def test_distances_and_next_hops_are_the_graphs(history: History) -> None:
    events, costs = history
    graph = graph_of(events, costs)
    paths = build(events, costs)
    expected = dict(nx.all_pairs_dijkstra_path_length(graph, weight="cost"))
    for source in graph:
        for target in graph:
            assert paths.distance(source, target) == expected[source].get(target)
            tight = {
                link
                for _, onward, link in graph.out_edges(source, keys=True)
                if source != target
                and target in expected[onward]
                and expected[onward][target] + costs[link] == expected[source][target]
            }
            assert set(paths.next_hops(source, target)) == tight


@given(histories(directed=True), st.data())
def test_repair_equals_computing_anew_and_tells_all_that_changed(history: History, data: st.DataObject) -> None:
    events, costs = history
    repaired = Paths(per_link(costs))
    for number, event in enumerate(events):
        before = everything(repaired) if data.draw(st.booleans(), "ask") else None
        touched = repaired.apply(event)
        if before is not None:
            now = everything(build(events[: number + 1], costs))
            assert everything(repaired) == now
            changed = {pair for pair in now if pair in before and now[pair][1] != before[pair][1]}
            assert all(source in touched.get(target, ()) for source, target in changed)
    assert everything(repaired) == everything(build(events, costs))


@given(histories(directed=True), st.integers(0, 2**32 - 1))
def test_a_path_is_shortest_and_without_loop(history: History, flow: int) -> None:
    events, costs = history
    graph = graph_of(events, costs)
    paths = build(events, costs)
    by_port = {link.source: link for _, _, link in graph.edges(keys=True)}
    for source in graph:
        for target in graph:
            path = paths.path(source, target, flow)
            assert (path is None) == (paths.distance(source, target) is None)
            if path is not None:
                assert walk(path, by_port, source) == target
                assert sum(costs[by_port[place]] for place in path) == paths.distance(source, target)
                assert len({place.dpid for place in path}) == len(path)


def walk(path: Path, by_port: dict[Location, Link], start: int) -> int:
    """Where leaving each switch by the port named leads, from the start on."""
    here = start
    for place in path:
        assert place.dpid == here
        here = by_port[place].target.dpid
    return here


@given(histories(directed=True), st.data())
def test_a_cost_that_changes(history: History, data: st.DataObject) -> None:
    events, costs = history
    paths = build(events, costs)
    everything(paths)
    graph = graph_of(events, costs)
    links = sorted(link for _, _, link in graph.edges(keys=True))
    for link in data.draw(st.lists(st.sampled_from(links), max_size=6)) if links else []:
        costs[link] = data.draw(st.integers(1, 5))
        paths.set_cost(link, costs[link])
    assert everything(paths) == everything(build(events, costs))


def test_flows_are_spread_over_parallel_links_and_equal_ways() -> None:
    paths = network([(1, 2), (1, 2), (1, 3), (2, 4), (3, 4)])
    used = {paths.path(1, 4, flow) for flow in range(64)}
    assert {path[0].port for path in used if path} == {1, 2, 3}
    assert len(used) == 3


def test_choices_along_a_path_are_independent() -> None:
    diamonds = [(1, 2), (1, 3), (2, 4), (3, 4), (4, 5), (4, 6), (5, 7), (6, 7)]
    paths = network(diamonds)
    assert len({paths.path(1, 7, flow) for flow in range(16)}) == 4


def test_no_path() -> None:
    paths = build([SwitchUp(1), SwitchUp(2)])
    assert paths.path(1, 2) is None
    assert paths.path(1, 1) == ()
    assert paths.path(1, 9) is None
    assert paths.path(9, 1) is None
    assert paths.distance(1, 9) is None
    assert paths.next_hops(9, 1) == ()


def test_only_a_change_advances_the_generation() -> None:
    (wire,) = cables([(1, 2)])
    paths = build([SwitchUp(1), SwitchUp(2), LinkUp(wire)])
    before = paths.generation
    for event in (SwitchUp(1), LinkUp(wire), LinkDown(Link(wire.target, wire.source), "test"), SwitchDown(7)):
        assert paths.apply(event) == {}
    assert paths.generation == before
    paths.apply(LinkDown(wire, "test"))
    assert paths.generation > before


@given(histories(directed=True), st.data())
def test_changes_taken_in_together_are_the_same_as_one_by_one(history: History, data: st.DataObject) -> None:
    events, costs = history
    paths = Paths(per_link(costs))
    done = 0
    while done < len(events):
        together = events[done : done + data.draw(st.sampled_from([1, 5, 17, 60]))]
        before = everything(paths)
        touched = paths.apply(*together)
        done += len(together)
        now = everything(paths)
        assert now == everything(build(events[:done], costs))
        changed = {pair for pair in now if pair in before and now[pair][1] != before[pair][1]}
        assert all(source in touched.get(target, ()) for source, target in changed)


def test_a_failure_touches_only_what_depended_on_it() -> None:
    around = [(number, number % 40 + 1) for number in range(1, 41)]
    paths = network(around)
    paths.distance(1, 2)
    paths.distance(1, 20)
    failed = cables(around)[0]
    assert paths.apply(LinkDown(failed, "test")) == {2: {1, *range(22, 41)}, 20: {1, 40}}


@pytest.mark.parametrize("together", [True, False])
def test_a_destination_that_was_away_is_still_told_of(together: bool) -> None:
    (wire,) = cables([(1, 2)])
    back: list[Event] = [SwitchUp(2), LinkUp(wire), *[SwitchUp(dpid) for dpid in range(10, 40 if together else 11)]]
    paths = build([SwitchUp(1), SwitchUp(2), LinkUp(wire)])
    assert paths.next_hops(1, 2) == (wire,)
    assert paths.apply(SwitchDown(2)) == {2: {1}}
    assert paths.next_hops(1, 2) == ()
    assert 1 in paths.apply(*back)[2]
    assert paths.next_hops(1, 2) == (wire,)


def test_a_link_that_is_cabled_anew_for_ever_leaves_nothing_behind() -> None:
    paths = network([(1, 2), (2, 3)])
    everything(paths)

    def cable_anew(times: range) -> None:
        for number in times:
            link = Link(Location(1, 1000 + number), Location(2, 1000 + number))
            paths.apply(LinkUp(link))
            everything(paths)
            paths.apply(LinkDown(link, "test"))
            everything(paths)

    cable_anew(range(100))
    tracemalloc.start()
    try:
        cable_anew(range(100, 1100))
        assert tracemalloc.get_traced_memory()[0] < 20_000
    finally:
        tracemalloc.stop()


def test_a_link_to_an_unknown_switch_is_left_out() -> None:
    (wire,) = cables([(1, 2)])
    paths = build([SwitchUp(1), LinkUp(wire)])
    assert list(paths.links_from(1)) == []


def test_costs() -> None:
    (link,) = cables([(1, 2)])
    expected = {10_000: 10_000, 100_000_000: 1, 400_000_000: 1, 0: 100}
    assert {speed: inverse_bandwidth({link: speed}.__getitem__)(link) for speed in expected} == expected
    assert latency(lambda _: 0.0025)(link) == 2500
    assert latency(lambda _: 0.0)(link) == 1
    assert per_link({link: 7})(link) == 7
    assert per_link({})(link) == hops(link)
    with pytest.raises(ValueError, match="at least 1"):
        Paths().set_cost(link, 0)
