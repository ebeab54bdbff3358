"""Whatever happens to a network, in whatever order: no frame loops meanwhile, and at rest everything is right again.

``FLOWPATH_SIMULATIONS=1000 pytest tests/simulation/test_changes.py`` looks at so many histories per mode.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test

from tests.simulation.graphs import networks
from tests.simulation.world import MODES, World

if TYPE_CHECKING:
    from topologies.plan import Graph
    from topologies.simulator import Cable

HISTORIES = int(os.environ.get("FLOWPATH_SIMULATIONS", "0"))
"""How many histories per mode, new ones every time; 0 for a few that are always the same."""
some = st.integers(0, 1000)
"""Which of the switches, links or hosts there are."""


class Histories(RuleBasedStateMachine):
    """One network and what happens to it."""

    mode = ""

    @initialize(graph=networks(least=3), seed=st.integers(0, 2**16))
    def begin(self, graph: Graph, seed: int) -> None:
        self.world = World(graph, self.mode, seed)
        self.network = self.world.network
        self.network.strict = False

    def a_switch(self, number: int) -> str:
        names = list(self.network.switches)
        return names[number % len(names)]

    def a_host(self, number: int) -> str:
        names = list(self.network.hosts)
        return names[number % len(names)]

    def a_link(self, number: int, *, up: bool) -> Cable:
        links = [link for link in self.network.links() if link.up is up]
        return links[number % len(links)]

    @precondition(lambda self: any(link.up for link in self.network.links()))
    @rule(number=some)
    def a_link_fails(self, number: int) -> None:
        self.network.set_link(self.a_link(number, up=True), False)

    @precondition(lambda self: any(link.up for link in self.network.links()))
    @rule(numbers=st.lists(some, min_size=2, max_size=4))
    def links_fail_together(self, numbers: list[int]) -> None:
        for link in dict.fromkeys(self.a_link(number, up=True) for number in numbers):
            self.network.set_link(link, False)

    @precondition(lambda self: not all(link.up for link in self.network.links()))
    @rule(number=some)
    def a_link_returns(self, number: int) -> None:
        self.network.set_link(self.a_link(number, up=False), True)

    @precondition(lambda self: any(link.up for link in self.network.links()))
    @rule(number=some, end=st.booleans())
    def one_direction_falls_silent_or_is_heard_again(self, number: int, end: bool) -> None:
        link = self.a_link(number, up=True)
        silent = link.ends[end]
        self.network.set_silent(link, silent, silent not in link.silent)

    @rule(host=some, switch=some)
    def a_host_moves(self, host: int, switch: int) -> None:
        name = self.a_host(host)
        self.network.move_host(name, self.a_switch(switch))
        self.network.send(name, self.network.hosts[name].announce())

    @rule(number=some)
    def a_switch_restarts(self, number: int) -> None:
        self.network.restart_switch(self.a_switch(number))

    @rule()
    def the_controller_restarts(self) -> None:
        self.world.start_controller()

    @rule(one=some, other=some)
    def a_ping(self, one: int, other: int) -> None:
        if self.a_host(one) != self.a_host(other):
            self.network.ping(self.a_host(one), self.a_host(other), next(self.world.numbers))

    @rule(host=some)
    def a_broadcast(self, host: int) -> None:
        name = self.a_host(host)
        self.network.send(name, self.network.hosts[name].broadcast(next(self.world.numbers)))

    @rule(seconds=st.sampled_from([0.0005, 0.002, 0.01, 0.1, 0.5, 3.0]))
    def time_passes(self, seconds: float) -> None:
        self.network.run(seconds)

    @rule()
    def all_is_well_at_rest(self) -> None:
        self.world.check()
        self.network.strict = False

    def teardown(self) -> None:
        if hasattr(self, "world"):
            self.world.check()


@pytest.mark.parametrize("mode", MODES)
def test_any_history(mode: str) -> None:
    run_state_machine_as_test(
        type("Histories", (Histories,), {"mode": mode}),
        settings=settings(
            max_examples=HISTORIES or 12,
            derandomize=not HISTORIES,
            stateful_step_count=12,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
