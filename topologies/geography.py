"""Places on the Earth, and how long light in a fibre takes from one to another."""

from __future__ import annotations

import math

EARTH_RADIUS = 6371.0
"""Kilometres, the mean."""
SECONDS_PER_KM = 5e-6
"""Light in glass (refractive index about 1.5) needs 5 microseconds for a kilometre."""


def distance(one: tuple[float, float], other: tuple[float, float]) -> float:
    """Kilometres along the great circle between two places (latitude, longitude in degrees): haversine formula."""
    (lat1, lon1), (lat2, lon2) = ((math.radians(angle) for angle in place) for place in (one, other))
    half = math.sin((lat2 - lat1) / 2) ** 2 + math.cos(lat1) * math.cos(lat2) * math.sin((lon2 - lon1) / 2) ** 2
    return 2 * EARTH_RADIUS * math.asin(math.sqrt(min(1.0, half)))


def delay(one: tuple[float, float], other: tuple[float, float]) -> float:
    """Seconds, to the microsecond, that a straight fibre between two places takes one way.

    Real fibres follow roads and railways and are longer, often by a third: this is the least that a link can have.
    """
    return round(distance(one, other) * SECONDS_PER_KM, 6)
