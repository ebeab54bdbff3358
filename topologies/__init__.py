"""What network: named, checked, and built as a graph, from which the real network is made.

::

    graph = topologies.build_graph("fat-tree:4")          # a networkx.MultiGraph
    Mininet(topo=topologies.build("fat-tree:4"), ...)     # as Mininet's users know it
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from topologies.errors import TopologyError
from topologies.spec import build_graph

if TYPE_CHECKING:
    from mininet.topo import Topo

__all__ = ["TopologyError", "build", "build_graph"]


def build(spec: str) -> Topo:
    """The network that ``spec`` names, as a Mininet topology. Raises `TopologyError`."""
    # Only here: who wants the graph alone needs no Mininet.
    from topologies.mininet_net import to_topo  # noqa: PLC0415

    return to_topo(build_graph(spec))
