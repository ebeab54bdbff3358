"""Networks from files: read, checked, and put on a `topologies.plan.Plan`.

Each format has a reader that takes text and gives `Draft`, what the file says with the place where it says it; whatever
a file holds, it ends as a network or as one line with the place.
"""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import TYPE_CHECKING

from topologies.errors import TopologyError
from topologies.files.assembly import assemble

if TYPE_CHECKING:
    from topologies.files.draft import Draft
    from topologies.plan import Graph

FORMATS = {
    ".graphml": "GraphML",
    ".gml": "GML",
    ".json": "node-link JSON",
    ".yaml": "YAML",
    ".yml": "YAML",
}
ENDINGS = ", ".join(FORMATS)
LARGEST = 32 * 1024 * 1024
"""Bytes."""


def is_file_name(written: str) -> bool:
    """Whether a spec means a file."""
    return "/" in written or Path(written).suffix.lower() in FORMATS


def read(path: Path) -> Graph:
    """The network that a file holds, ideal where it says nothing else. Raises `TopologyError`."""
    kind = FORMATS.get(path.suffix.lower())
    text = contents(path)
    if kind is None:
        raise TopologyError(
            f"a file's ending says what it holds: {', '.join(f'{end} is {kind}' for end, kind in FORMATS.items())}"
        )
    return assemble(draft(kind, text))


def draft(kind: str, text: str) -> Draft:
    """What a text of one of the `FORMATS` says. Raises `TopologyError`."""
    # Each reader brings a parser, of which a run needs one at most.
    if kind == "GraphML":
        from topologies.files import graphml as reader  # noqa: PLC0415
    elif kind == "GML":
        from topologies.files import gml as reader  # type: ignore[no-redef]  # noqa: PLC0415
    elif kind == "YAML":
        from topologies.files import by_hand as reader  # type: ignore[no-redef]  # noqa: PLC0415
    else:
        from topologies.files import node_link as reader  # type: ignore[no-redef]  # noqa: PLC0415
    return reader.read(text)


def contents(path: Path) -> str:
    """The text of a file. Raises `TopologyError` when there is none."""
    try:
        if not path.exists():
            raise TopologyError(f"there is no such file{similar(path)}")
        if not path.is_file():
            raise TopologyError("that is no ordinary file")
        if path.stat().st_size > LARGEST:
            raise TopologyError(f"the file is larger than {LARGEST // 1024**2} MiB, the most that is read")
        data = path.read_bytes()
    except (OSError, ValueError) as error:
        if isinstance(error, TopologyError):
            raise
        raise TopologyError(f"the file cannot be read: {getattr(error, 'strerror', None) or error}") from None
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise TopologyError(f"line {line}: this is not UTF-8 text; save the file as UTF-8") from None


def similar(path: Path) -> str:
    """Which file of the folder was probably meant."""
    if not path.parent.is_dir():
        return f", nor a folder {str(path.parent)!r}"
    near = difflib.get_close_matches(path.name, sorted(other.name for other in path.parent.iterdir()), n=1)
    return f"; did you mean {path.parent / near[0]}?" if near else ""
