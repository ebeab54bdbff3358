"""From a spec, the one way to name a network, to its graph.

A spec is a kind and its size (``ring:6``, ``linear:5x2``, ``campus``, ``wan:abilene``) or a file (``office.yaml``).
What follows an ``@``: a whole number is the seed of a random network (``jellyfish:20x4@7``; 0 if not said), ``ideal``
leaves out what the links are asked to be, bandwidth, delay, loss and VLANs (``wan:abilene@ideal``).
"""

from __future__ import annotations

import difflib
import inspect
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from topologies import files
from topologies.catalog import FAMILIES, Family
from topologies.errors import TopologyError
from topologies.plan import WISHES, Plan
from topologies.wan import WANS

if TYPE_CHECKING:
    from topologies.plan import Graph

IDEAL = "ideal"


def build_graph(spec: str) -> Graph:
    """The network that ``spec`` names, as a graph (its attributes: :mod:`topologies.plan`). Raises `TopologyError`."""
    written = spec.strip()
    try:
        graph = _build(written)
    except TopologyError as error:
        raise TopologyError(f"topology {shortened(spec)!r}: {error}") from None
    graph.graph["spec"] = written
    return graph


def _build(written: str) -> Graph:
    rest, at, option = written.rpartition("@")
    if at and option == IDEAL:
        return without_wishes(_build(rest))
    if files.is_file_name(written):
        return files.read(Path(written))
    if at and files.is_file_name(rest):
        raise TopologyError(f"{shortened(option)!r} after the @ of a file should be {IDEAL!r}")
    return by_name(rest, option) if at else by_name(written, None)


def without_wishes(graph: Graph) -> Graph:
    """The graph with ideal links."""
    for _, _, edge in graph.edges(data=True):
        for wish in WISHES:
            edge.pop(wish, None)
    for _, node in graph.nodes(data=True):
        node.pop("vlan", None)
    return graph


def by_name(written: str, seed: str | None) -> Graph:
    """A network of the catalogue."""
    name, colon, size = written.partition(":")
    family = FAMILIES.get(name)
    if family is None:
        raise TopologyError(unknown_family(name, size))
    if not colon and not family.stands_alone:
        raise TopologyError(f"its size is missing; write {family.form}, for example {family.example}")
    options: dict[str, Any] = {}
    if seed is not None:
        if not family.random:
            raise TopologyError(f"nothing in {name!r} is random; leave out {'@' + shortened(seed)!r}")
        if not re.fullmatch(r"[0-9]{1,9}", seed):
            raise TopologyError(
                f"at character {len(written) + 2}, {shortened(seed)!r} should be a seed, a whole number below "
                f"1,000,000,000, or {IDEAL!r}; for example {family.example}@7"
            )
    if family.random:
        options["seed"] = int(seed or 0)
    values: list[Any] = []
    if family.choices:
        values.append(choice(size, family, len(name) + 2))
    elif colon:
        values += numbers(family, name, size)
    plan = Plan()
    family.draw(plan, *values, **options)
    plan.graph.graph.update(family=name, size=tuple(values))
    return plan.graph


def choice(word: str, family: Family, place: int) -> str:
    """One of the family's own networks."""
    if word not in family.choices:
        near = difflib.get_close_matches(word.lower(), family.choices, n=1)
        hint = f"did you mean {near[0]}? " if near else ""
        raise TopologyError(
            f"at character {place}, there is none of the name {shortened(word)!r}; {hint}"
            f"known are {', '.join(family.choices)}"
        )
    return word


def numbers(family: Family, name: str, size: str) -> list[int | float]:
    """The parameters in ``size`` ("3x4"), as many as the family has, each large enough."""
    parameters = [
        parameter
        for parameter in list(inspect.signature(family.draw).parameters.values())[1:]
        if parameter.kind is not parameter.KEYWORD_ONLY
    ]
    needed = sum(parameter.default is parameter.empty for parameter in parameters)
    words = size.split("x")
    place = len(name) + 2
    values = []
    for i, word in enumerate(words):
        if i < len(parameters):
            read = share if parameters[i].annotation == "float" else number
            values.append(read(word, parameters[i].name, family.least[i], place, family))
        place += len(word) + 1
    if not needed <= len(words) <= len(parameters):
        wanted = f"{max(needed, 1)}" if needed == len(parameters) or not needed else f"{needed} or {len(parameters)}"
        raise TopologyError(
            f"{len(words)} number{'s' * (len(words) > 1)} after {name!r}, {wanted} wanted; "
            f"write {family.form}, for example {family.example}"
        )
    return values


def number(word: str, parameter: str, least: int, place: int, family: Family) -> int:
    """One parameter, a whole number written at character ``place`` of the spec."""
    where = f"at character {place}, {shortened(word)!r}"
    if not re.fullmatch(r"[0-9]+", word):
        raise TopologyError(
            f"{where} should be a whole number ({parameter}); write {family.form}, for example {family.example}"
        )
    if len(word) > 6:
        raise TopologyError(f"{where} is too large for the number of {parameter}; for example {family.example}")
    if int(word) < least:
        raise TopologyError(f"{where}: {parameter} must be at least {least}; for example {family.example}")
    return int(word)


def share(word: str, parameter: str, _: int, place: int, family: Family) -> float:
    """One parameter, a number from 0 to 1 written at character ``place`` of the spec."""
    if not re.fullmatch(r"0|1|[01]?\.[0-9]{1,9}", word) or float(word) > 1:
        raise TopologyError(
            f"at character {place}, {shortened(word)!r} should be a number from 0 to 1 ({parameter}); "
            f"write {family.form}, for example {family.example}"
        )
    return float(word)


def unknown_family(name: str, size: str) -> str:
    """What is wrong with the name of a family, and which was probably meant."""
    known = ", ".join(family.form for family in FAMILIES.values())
    if name in WANS:
        return f"there is no kind {name!r}; did you mean wan:{name}? known are {known}, or a file ({files.ENDINGS})"
    near = difflib.get_close_matches(name.lower().replace("_", "-"), FAMILIES, n=1)
    hint = ""
    if near:
        family = FAMILIES[near[0]]
        size = size or family.example.partition(":")[2]
        hint = f"did you mean {near[0]}{':' * bool(size)}{shortened(size)}? "
    return f"there is no kind {shortened(name)!r}; {hint}known are {known}, or a file ({files.ENDINGS})"


def shortened(text: str) -> str:
    """The text, or its beginning when it is too long for a line."""
    return text if len(text) <= 60 else text[:57] + "..."
