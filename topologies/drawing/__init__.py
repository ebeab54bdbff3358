"""Networks drawn, laid out by kind: a fat-tree looks like a fat-tree, and a backbone lies on its map."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from topologies.drawing import layout, picture, png, svg
from topologies.errors import TopologyError

if TYPE_CHECKING:
    from topologies.plan import Graph

__all__ = ["draw", "layout"]

WRITERS = {".svg": svg.write, ".png": png.write}


def draw(graph: Graph, path: Path) -> None:
    """Draw a network into a file, as its ending says. Raises `TopologyError`."""
    writer = WRITERS.get(path.suffix.lower())
    if writer is None:
        raise TopologyError(f"{path}: a drawing is an .svg or a .png; for example {path.stem or 'network'}.svg")
    image = writer(picture.make(graph))
    try:
        path.write_bytes(image)
    except OSError as error:
        raise TopologyError(f"{path} cannot be written: {error.strerror}") from None
