"""Wide-area networks that were really built, with the places of their switches."""

from __future__ import annotations

from typing import NamedTuple

from topologies.geography import delay
from topologies.plan import Plan


class Wan(NamedTuple):
    """Places (latitude, longitude in degrees) by name, and the links between them."""

    places: dict[str, tuple[float, float]]
    links: tuple[tuple[str, str], ...]


ABILENE = Wan(
    places={
        "Seattle": (47.61, -122.33),
        "Sunnyvale": (37.37, -122.04),
        "Los Angeles": (34.05, -118.24),
        "Denver": (39.74, -104.99),
        "Kansas City": (39.10, -94.58),
        "Houston": (29.76, -95.37),
        "Chicago": (41.88, -87.63),
        "Indianapolis": (39.77, -86.16),
        "Atlanta": (33.75, -84.39),
        "Washington": (38.91, -77.04),
        "New York": (40.71, -74.01),
    },
    links=(
        ("Seattle", "Sunnyvale"), ("Seattle", "Denver"), ("Sunnyvale", "Los Angeles"), ("Sunnyvale", "Denver"),
        ("Los Angeles", "Houston"), ("Denver", "Kansas City"), ("Kansas City", "Houston"),
        ("Kansas City", "Indianapolis"), ("Houston", "Atlanta"), ("Chicago", "Indianapolis"), ("Chicago", "New York"),
        ("Indianapolis", "Atlanta"), ("Atlanta", "Washington"), ("Washington", "New York"),
    ),
)  # fmt: skip
"""The backbone of Internet2, the research network of the United States, as it was from 2003 to 2007: 11 routers."""

WANS = {"abilene": ABILENE}


def wan(plan: Plan, name: str) -> None:
    """A backbone with its places, one host on each switch; a link is as slow as the light between its ends."""
    network = WANS[name]
    switches = {
        label: plan.switch(label=label, latitude=latitude, longitude=longitude)
        for label, (latitude, longitude) in network.places.items()
    }
    plan.hosts(switches.values())
    for one, other in network.links:
        plan.link(switches[one], switches[other], delay=delay(network.places[one], network.places[other]))
