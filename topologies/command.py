"""What a network is, and what it looks like.

SPEC names it (ring:6, fat-tree:4, wan:abilene, jellyfish:20x4@7) or is a file (.yaml, .graphml, .gml, .json); see
docs/topologies.md. Distances are links between switches.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING

from topologies import drawing, facts
from topologies.files import node_link
from topologies.spec import build_graph

if TYPE_CHECKING:
    from topologies.facts import Cut, Facts

MOST_SHOWN = 5


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What ``flowpath topology`` takes."""
    parser.add_argument("spec", metavar="SPEC", help="the network: ring:6, fat-tree:4, office.yaml ...")
    parser.add_argument(
        "--draw", metavar="FILE", type=Path, action="append", default=[], help="draw it, as .svg or .png"
    )
    parser.add_argument(
        "--json", action="store_true", help="facts and network as JSON; the network in it can be read back (SPEC.json)"
    )


def run(args: argparse.Namespace) -> int:
    """Describe the network, and draw it where asked. Raises `TopologyError`."""
    graph = build_graph(args.spec)
    found = facts.find(graph)
    for path in args.draw:
        drawing.draw(graph, path)
    if args.json:
        print(json.dumps({"facts": as_json(found), **node_link.write(graph)}, indent=2))
        return 0
    print(f"{graph.graph['spec']}\n")
    print("\n".join(f"  {name:<12}{text}" for name, text in lines(found)))
    for note in graph.graph.get("notes", ()):
        print(f"  {'note':<12}{note}")
    for path in args.draw:
        print(f"  {'drawing':<12}{path}")
    return 0


def as_json(found: Facts) -> dict[str, object]:
    """The facts for programs: names are the facts' own, bandwidths are in bit/s."""
    return {
        **found._asdict(),
        "bisection": found.bisection._asdict(),
        "link_cuts": [cut._asdict() for cut in found.link_cuts],
        "switch_cuts": [cut._asdict() for cut in found.switch_cuts],
    }


def lines(found: Facts) -> list[tuple[str, str]]:
    """The facts for people: what, and how much."""
    measured = ""
    if found.sources < found.switches:
        measured = f" (measured from {found.sources} of the switches)"
    parts = "" if found.parts == 1 else f"; in {found.parts} parts that do not reach each other"
    return [
        ("switches", f"{found.switches:,}{parts}"),
        ("hosts", f"{found.hosts:,}"),
        ("links", f"{found.links:,} between switches"),
        ("loops", f"{found.loops:,} independent" if found.loops else "none"),
        ("diameter", f"{'at least ' * bool(measured)}{found.diameter}, mean {found.mean_distance:.2f}{measured}"),
        ("equal paths", equal_paths(found) + measured),
        ("bisection", halves(found)),
        ("one link", failures(found.link_cuts, "link")),
        ("one switch", failures(found.switch_cuts, "switch")),
    ]


def equal_paths(found: Facts) -> str:
    """How many ways there are."""
    if found.most_ways < 2:
        return "one way between any two"
    return f"up to {found.most_ways:,}; {found.pairs_with_choice:.0%} of the pairs of switches with hosts have a choice"


def halves(found: Facts) -> str:
    """What passes between two halves of the hosts."""
    links, bandwidth, exact = found.bisection
    if links is None:
        return "not computed" if found.hosts > 1 else "there are no two hosts to part"
    rate = "" if bandwidth is None else f", {bandwidth / 1e6:,.4g} Mbit/s"
    cables = f"{links:,} {'cable' if links == 1 else 'cables'}{rate}"
    return f"{'' if exact else 'at most '}{cables} between the worst halves; {found.hosts // 2:,} hosts are in one"


def failures(cuts: list[Cut], what: str) -> str:
    """What a single failure cuts off."""
    if not cuts:
        return "no failure of one cuts off other hosts"
    worst = ", ".join(f"{' - '.join(cut.where)} ({cut.hosts:,})" for cut in cuts[:MOST_SHOWN])
    plural = ("es" if what == "switch" else "s") if len(cuts) > 1 else ""
    number = f"{len(cuts):,} {what}{plural}"
    verb = "cut" if len(cuts) > 1 else "cuts"
    return f"{number} alone {verb} hosts off: {worst}{' ...' if len(cuts) > MOST_SHOWN else ''}"
