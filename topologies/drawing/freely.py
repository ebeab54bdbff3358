"""Layouts of networks without a pattern: by the distances in the network, and on a map."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import networkx as nx
import numpy as np

if TYPE_CHECKING:
    Wiring = nx.Graph[str]
    Points = dict[str, tuple[float, float]]
    Array = np.ndarray[Any, np.dtype[np.float64]]

ROUNDS = 150
"""Of stress majorization; after that nothing moves that the eye could see."""


def by_distance(wiring: Wiring) -> Points:
    """Every part of a network such that places are as far apart as the network says, the parts in rows."""
    parts = sorted(nx.connected_components(wiring), key=len, reverse=True)
    order = {name: i for i, name in enumerate(wiring)}
    points: Points = {}
    left = top = tallest = 0.0
    widest = 0.0
    for part in parts:
        nodes = sorted(part, key=order.__getitem__)
        placed = apart(by_stress(wiring, nodes) * 1.7, 1.25)
        placed -= placed.min(axis=0)
        width, height = placed.max(axis=0) + 1.5
        widest = max(widest, float(width))
        if left and left + width > max(widest, 1.5 * math.sqrt(len(order)) * 1.5):
            left, top, tallest = 0.0, top + tallest, 0.0
        points.update({name: (float(x) + left, float(y) + top) for name, (x, y) in zip(nodes, placed, strict=True)})
        left += float(width)
        tallest = max(tallest, float(height))
    return points


def by_stress(wiring: Wiring, nodes: list[str]) -> Array:
    """Places whose distances are those in the network, as well as the plane allows (stress majorization: Gansner,
    Koren and North, 2004), from classical scaling on."""
    n = len(nodes)
    if n == 1:
        return np.zeros((1, 2))
    lengths = dict(nx.all_pairs_shortest_path_length(wiring.subgraph(nodes)))
    wanted = np.array([[lengths[one][other] for other in nodes] for one in nodes], dtype=np.float64)
    squared = wanted**2
    centred = -0.5 * (squared - squared.mean(axis=0) - squared.mean(axis=1)[:, None] + squared.mean())
    values, vectors = np.linalg.eigh(centred)
    # Vectors of equal values come in any rotation and sign; a spiral added breaks ties the same way everywhere.
    turns = np.arange(n) * 2.399963
    places = vectors[:, -2:] * np.sqrt(np.maximum(values[-2:], 0.01))
    places = places + 0.05 * np.column_stack([np.cos(turns), np.sin(turns)]) * np.sqrt(np.arange(n) / n)[:, None]
    with np.errstate(divide="ignore"):
        weights = np.where(wanted > 0, wanted**-2.0, 0.0)
    inverse = np.linalg.pinv(np.diag(weights.sum(axis=1)) - weights)
    for _ in range(ROUNDS):
        apart = np.linalg.norm(places[:, None] - places[None], axis=2)
        ratio = np.where(apart > 1e-9, weights * wanted / np.maximum(apart, 1e-9), 0.0)
        places = inverse @ ((np.diag(ratio.sum(axis=1)) - ratio) @ places)
    spread = places.max(axis=0) - places.min(axis=0)
    turned: Array = places if spread[0] >= spread[1] else places[:, ::-1]
    return turned


def on_map(wiring: Wiring, places: dict[str, tuple[float, float]]) -> Points:
    """Switches by latitude and longitude (degrees), those without at their neighbours'; none covers another."""
    longitudes = sorted(longitude for _, longitude in places.values())
    # The map is cut open where nobody lives, so that a network across the Pacific is not torn apart.
    gaps = [
        (after - before, after)
        for before, after in zip(longitudes, [*longitudes[1:], longitudes[0] + 360], strict=True)
    ]
    west = max(gaps)[1] % 360
    middle = math.radians(sum(latitude for latitude, _ in places.values()) / len(places))
    flat = {
        name: ((longitude - west) % 360 * max(0.2, math.cos(middle)), -latitude)
        for name, (latitude, longitude) in places.items()
    }
    waiting = [name for name in wiring if name not in flat]
    while waiting:
        found = {}
        for name in waiting:
            near = [flat[other] for other in wiring[name] if other in flat]
            if near:
                found[name] = (sum(x for x, _ in near) / len(near), sum(y for _, y in near) / len(near))
        if not found:
            lowest, leftmost = max(y for _, y in flat.values()), min(x for x, _ in flat.values())
            found = {waiting[0]: (leftmost, lowest + 1)}
        flat.update(found)
        waiting = [name for name in waiting if name not in flat]
    nodes = list(wiring)
    points = np.array([flat[name] for name in nodes], dtype=np.float64)
    points -= points.min(axis=0)
    extent = max(float(points.max()), 1e-6)
    points *= 4.2 * math.sqrt(len(nodes)) / extent
    return {name: (float(x), float(y)) for name, (x, y) in zip(nodes, apart(points, 1.2), strict=True)}


def apart(points: Array, least: float) -> Array:
    """The points moved as little as it takes until each pair is so far apart."""
    turns = np.arange(len(points)) * 2.399963
    points = points + 1e-3 * np.column_stack([np.cos(turns), np.sin(turns)])
    for _ in range(300):
        between = points[:, None] - points[None]
        distances = np.linalg.norm(between, axis=2)
        np.fill_diagonal(distances, np.inf)
        push = np.maximum(0.0, least / distances - 1) / 2
        if not push.any():
            break
        points = points + 0.8 * (between * push[:, :, None]).sum(axis=1)
    return points
