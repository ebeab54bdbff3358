"""Random connected networks, with cables side by side and a few hosts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import strategies as st

from topologies.plan import Plan

if TYPE_CHECKING:
    from topologies.plan import Graph


@st.composite
def networks(draw: st.DrawFn, least: int = 1, most: int = 7, hosts: int = 4) -> Graph:
    """A connected multigraph of so many switches, and 2 or more hosts anywhere."""
    plan = Plan()
    # Sampled, not an integer: that would nearly always be among the smallest.
    nodes = plan.switches(draw(st.sampled_from(range(least, most + 1))))
    for _ in range(draw(st.sampled_from(range(2, hosts + 1)))):
        plan.host(draw(st.sampled_from(nodes)))
    for index, node in enumerate(nodes[1:], 1):
        plan.link(node, nodes[draw(st.sampled_from(range(index)))])
    if len(nodes) > 1:
        for _ in range(draw(st.sampled_from(range(len(nodes) + 1)))):
            one, other = draw(st.lists(st.sampled_from(nodes), min_size=2, max_size=2, unique=True))
            plan.link(one, other)
    return plan.graph
