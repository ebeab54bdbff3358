"""What a switch answers about itself: MULTIPART (OpenFlow 1.3.5 §7.3.5).

Table features are not told: the request is refused with OFPBRC_BAD_MULTIPART. There are no queues and no meters.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from struct import Struct

from topologies.simulator import fields as f
from topologies.simulator.actions import ANY, u32
from topologies.simulator.errors import Fault, Refused
from topologies.simulator.groups import Group
from topologies.simulator.orders import ALL_GROUPS
from topologies.simulator.pipeline import Pipeline
from topologies.simulator.ports import duration
from topologies.simulator.tables import Entry, Filter, each

_ASKED_FLOWS = Struct("!B3xII4xQQ")
_FLOW = Struct("!HBxIIHHHH4xQQQ")
_ROOM = 0xFFFF - 16
MORE = 1


def answer(pipeline: Pipeline, message: bytes, capacity: int, now: float) -> Iterator[bytes]:
    """The parts of the answer to a MULTIPART_REQUEST, without their OpenFlow headers. Raises Refused."""
    if len(message) < 16:
        raise Refused(Fault.BAD_LENGTH)
    kind = int.from_bytes(message[8:10], "big")
    reader = _READERS.get(kind)
    if reader is None:
        raise Refused(Fault.BAD_EXPERIMENTER if kind == 0xFFFF else Fault.BAD_MULTIPART)
    try:
        entries = list(reader(pipeline, message[16:], capacity, now))
    except (struct.error, IndexError):
        raise Refused(Fault.BAD_LENGTH) from None
    part = b""
    for entry in entries:
        if len(part) + len(entry) > _ROOM:
            yield struct.pack("!HH4x", kind, MORE) + part
            part = b""
        part += entry
    yield struct.pack("!HH4x", kind, 0) + part


def _description(_pipeline: Pipeline, _body: bytes, _capacity: int, _now: float) -> Iterator[bytes]:
    texts = (b"Flowpath", b"Simulated switch", b"1", b"None", b"None")
    yield struct.pack("!256s256s256s32s256s", *texts)


def _chosen(pipeline: Pipeline, body: bytes) -> list[Entry]:
    table, out_port, out_group, cookie, mask = _ASKED_FLOWS.unpack_from(body)
    if table != 0xFF and table >= len(pipeline.tables):
        raise Refused(Fault.BAD_TABLE_ID)
    terms, _ = f.read_match(body, _ASKED_FLOWS.size, len(body))
    wanted = Filter(terms, out_port=out_port, out_group=out_group, cookie=cookie, cookie_mask=mask)
    return each(pipeline.tables, table, lambda one: one.select(wanted))


def _flows(pipeline: Pipeline, body: bytes, _capacity: int, now: float) -> Iterator[bytes]:
    for entry in _chosen(pipeline, body):
        tail = f.write_match(entry.terms) + entry.program.octets
        times = duration(now - entry.created)
        yield _FLOW.pack(
            _FLOW.size + len(tail), entry.table, *times, entry.priority, entry.idle_timeout, entry.hard_timeout,
            entry.flags, entry.cookie, entry.packets, entry.octets,
        ) + tail  # fmt: skip


def _aggregate(pipeline: Pipeline, body: bytes, _capacity: int, _now: float) -> Iterator[bytes]:
    entries = _chosen(pipeline, body)
    packets, octets = sum(entry.packets for entry in entries), sum(entry.octets for entry in entries)
    yield struct.pack("!QQI4x", packets, octets, len(entries))


def _tables(pipeline: Pipeline, _body: bytes, _capacity: int, _now: float) -> Iterator[bytes]:
    for number, table in enumerate(pipeline.tables):
        yield struct.pack("!B3xIQQ", number, len(table), table.lookups, table.matched)


def _ports(pipeline: Pipeline, body: bytes, _capacity: int, now: float) -> Iterator[bytes]:
    number = struct.unpack_from("!I4x", body)[0]
    if number != ANY and number not in pipeline.ports:
        raise Refused(Fault.BAD_PORT)
    for port in pipeline.ports.values():
        if number in (ANY, port.number):
            yield port.tell(now)


def _port_descriptions(pipeline: Pipeline, _body: bytes, _capacity: int, _now: float) -> Iterator[bytes]:
    return (port.describe() for port in pipeline.ports.values())


def _asked_groups(pipeline: Pipeline, number: int) -> list[Group]:
    return [group for group in pipeline.groups.values() if number in (ALL_GROUPS, group.number)]


def _groups(pipeline: Pipeline, body: bytes, _capacity: int, now: float) -> Iterator[bytes]:
    for group in _asked_groups(pipeline, struct.unpack_from("!I4x", body)[0]):
        used = sum(entry.sends_to(ANY, group.number) for table in pipeline.tables for entry in table)
        used += sum(group.number in other.members() for other in pipeline.groups.values())
        tail = b"".join(struct.pack("!QQ", *counts) for counts in group.counts)
        times = duration(now - group.created)
        yield struct.pack(
            "!H2xII4xQQII", 40 + len(tail), group.number, used, group.packets, group.bytes, *times
        ) + tail  # fmt: skip


def _group_descriptions(pipeline: Pipeline, _body: bytes, _capacity: int, _now: float) -> Iterator[bytes]:
    for group in pipeline.groups.values():
        yield struct.pack("!HBxI", 8 + len(group.octets), group.kind, group.number) + group.octets


def _group_features(_pipeline: Pipeline, _body: bytes, _capacity: int, _now: float) -> Iterator[bytes]:
    actions = sum(1 << kind for kind in (0, 17, 18, 22, 23, 24, 25))
    liveness_chaining = 0b1111
    yield struct.pack("!II4I4I", 0b1111, liveness_chaining, *(0xFFFFFF00,) * 4, *(actions,) * 4)


def _nothing(_pipeline: Pipeline, body: bytes, _capacity: int, _now: float) -> Iterator[bytes]:
    u32(body, 0)
    return iter(())


def _meter_features(_pipeline: Pipeline, _body: bytes, _capacity: int, _now: float) -> Iterator[bytes]:
    yield bytes(16)


_READERS: dict[int, Callable[[Pipeline, bytes, int, float], Iterator[bytes]]] = {
    0: _description, 1: _flows, 2: _aggregate, 3: _tables, 4: _ports, 5: _nothing, 6: _groups, 7: _group_descriptions,
    8: _group_features, 9: _nothing, 10: _nothing, 11: _meter_features, 13: _port_descriptions,
}  # fmt: skip
