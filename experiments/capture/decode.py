"""Every OpenFlow 1.3 message as the fields that the specification gives it, ready for JSON.

Names are the specification's. Enumerated values and flags are its names without prefix (``reason`` is "NO_MATCH",
``flags`` is ["SEND_FLOW_REM"]), addresses are text, ports, tables, groups, buffers, cookies and counters are numbers,
bytes that have no fields are hexadecimal. A message that ends early or contradicts itself gives the fields so far and
``malformed``: why.
"""

from __future__ import annotations

import struct

from experiments.capture import names, oxm
from experiments.capture.actions import Body, read_actions, read_buckets, read_instructions, read_items, read_records
from experiments.capture.layout import Cursor, Fields, Layout, Malformed, child, children, flags_of, one_of
from experiments.capture.multipart import read_bands, read_experimenter, read_reply, read_request
from experiments.capture.ports import PORT

OPENFLOW_1_3 = 4
"""``ofp_header.version`` of OpenFlow 1.3."""

HEADER = struct.Struct("!BBHI")
"""``ofp_header``: version, type, length, xid (§7.1.1)."""


def decode(raw: bytes) -> Fields:
    """The fields of one whole message, header excluded. Never raises: see ``malformed``."""
    fields: Fields = {}
    try:
        _decode(raw, fields)
    except Malformed as reason:
        fields["malformed"] = str(reason)
    return fields


def _decode(raw: bytes, fields: Fields) -> None:
    if len(raw) < HEADER.size:
        raise Malformed(f"{len(raw)} bytes are too few for a header")
    version, kind, length, _ = HEADER.unpack_from(raw)
    at = Cursor(raw, HEADER.size, min(max(length, HEADER.size), len(raw)))
    # HELLO, ERROR and ECHO are how versions are agreed on: they read alike in all of them.
    if kind not in _BODIES or (version != OPENFLOW_1_3 and kind > names.TYPE["ECHO_REPLY"]):
        fields["data"] = at.rest().hex()
        unknown = f"type {kind} is unknown" if version == OPENFLOW_1_3 else f"version {version} is not OpenFlow 1.3"
        raise Malformed(unknown)
    _BODIES[kind](at, fields)
    if length != len(raw):
        raise Malformed(f"the header says {length} bytes, {len(raw)} are there")
    if at.left:
        raise Malformed(f"{at.left} bytes more than {names.MESSAGE[kind]} has")


_PACKET_OUT = Layout("PACKET_OUT", "buffer_id:I in_port:I")
_ACTIONS_LENGTH = Layout("PACKET_OUT", "length:H 6x")


def _packet_out(at: Cursor, into: Fields) -> None:
    _PACKET_OUT.read(at, into)
    header: Fields = {}
    _ACTIONS_LENGTH.read(at, header)
    length, left = header["length"], at.left
    read_actions(at.take(min(length, left), "actions"), children(into, "actions"))
    if length > left:
        raise Malformed(f"the actions end at byte {at.end}, before their {length} bytes are whole")
    into["data"] = at.rest().hex()


def _hello(at: Cursor, into: Fields) -> None:
    elements = children(into, "elements")
    read_items(at, elements, "hello element", {1: "VERSIONBITMAP"}, {1: _version_bitmap}, padded=True)


def _version_bitmap(at: Cursor, into: Fields) -> None:
    versions: list[int] = []
    into["versions"] = versions
    word = 0
    while at.left:
        bits = int.from_bytes(at.take(4, "version bitmap").rest())
        versions.extend(word + bit for bit in range(32) if bits >> bit & 1)
        word += 32


_ERROR = Layout("error", "type:H code:H")


def _error(at: Cursor, into: Fields) -> None:
    """``type`` and ``code`` by name, ``data``, and the refused ``message`` that begins in it (64 bytes or more)."""
    _ERROR.read(at, into)
    kind, code = into["type"], into["code"]
    into["type"] = names.ERROR.get(kind, kind)
    if kind == 0xFFFF:
        into["exp_type"] = into.pop("code")
        _EXPERIMENTER_ID.read(at, into)
    else:
        into["code"] = names.ERROR_CODE.get(kind, {}).get(code, code)
    data = at.rest()
    into["data"] = data.hex()
    if kind == 0:
        into["text"] = data.decode("utf-8", "backslashreplace")
    elif kind != 0xFFFF and len(data) >= HEADER.size:
        version, quoted, length, xid = HEADER.unpack_from(data)
        into["message"] = {
            "version": version,
            "type": names.MESSAGE.get(quoted, quoted),
            "length": length,
            "xid": xid,
            "fields": decode(data),
        }


_EXPERIMENTER_ID = Layout("experimenter", "experimenter:I")


def _data(at: Cursor, into: Fields) -> None:
    into["data"] = at.rest().hex()


_PACKET_IN = Layout(
    "PACKET_IN",
    "buffer_id:I total_len:H reason:B:reason table_id:B cookie:Q",
    reason=one_of(names.PACKET_IN_REASON),
)


def _packet_in(at: Cursor, into: Fields) -> None:
    _PACKET_IN.read(at, into)
    match = child(into, "match")
    oxm.read_match(at, match)
    at.take(2, "padding before the frame")
    into["data"] = at.rest().hex()


_FLOW_REMOVED = Layout(
    "FLOW_REMOVED",
    "cookie:Q priority:H reason:B:reason table_id:B duration_sec:I duration_nsec:I idle_timeout:H hard_timeout:H"
    " packet_count:Q byte_count:Q",
    reason=one_of(names.FLOW_REMOVED_REASON),
)


def _flow_removed(at: Cursor, into: Fields) -> None:
    _FLOW_REMOVED.read(at, into)
    match = child(into, "match")
    oxm.read_match(at, match)


_FLOW_MOD = Layout(
    "FLOW_MOD",
    "cookie:Q cookie_mask:Q table_id:B command:B:command idle_timeout:H hard_timeout:H priority:H buffer_id:I"
    " out_port:I out_group:I flags:H:flags 2x",
    command=one_of(names.FLOW_COMMAND),
    flags=flags_of(names.FLOW_FLAGS),
)


def _flow_mod(at: Cursor, into: Fields) -> None:
    _FLOW_MOD.read(at, into)
    match = child(into, "match")
    instructions = children(into, "instructions")
    oxm.read_match(at, match)
    read_instructions(at, instructions)


_GROUP_MOD = Layout(
    "GROUP_MOD",
    "command:H:command type:B:type x group_id:I",
    command=one_of(names.GROUP_COMMAND),
    type=one_of(names.GROUP_TYPE),
)


def _group_mod(at: Cursor, into: Fields) -> None:
    _GROUP_MOD.read(at, into)
    buckets = children(into, "buckets")
    read_buckets(at, buckets)


_METER_MOD = Layout(
    "METER_MOD",
    "command:H:command flags:H:flags meter_id:I",
    command=one_of(names.METER_COMMAND),
    flags=flags_of(names.METER_FLAGS),
)


def _meter_mod(at: Cursor, into: Fields) -> None:
    _METER_MOD.read(at, into)
    bands = children(into, "bands")
    read_bands(at, bands)


_PORT_STATUS = Layout("PORT_STATUS", "reason:B:reason 7x", reason=one_of(names.PORT_REASON))


def _port_status(at: Cursor, into: Fields) -> None:
    _PORT_STATUS.read(at, into)
    desc = child(into, "desc")
    PORT.read(at, desc)


_QUEUE = Layout("queue", "queue_id:I port:I 2x 6x")
_RATE = Layout("queue property", "4x rate:H 6x").read
_QUEUE_EXPERIMENTER = Layout("queue property", "4x experimenter:I 4x")


def _queue_experimenter(at: Cursor, into: Fields) -> None:
    _QUEUE_EXPERIMENTER.read(at, into)
    into["data"] = at.rest().hex()


def _queue(at: Cursor, into: Fields) -> None:
    _QUEUE.read(at, into)
    properties = children(into, "properties")
    bodies: dict[int, Body] = {1: _RATE, 2: _RATE, 0xFFFF: _queue_experimenter}
    read_items(at, properties, "queue property", names.QUEUE_PROPERTY, bodies)


_QUEUE_PORT = Layout("queue configuration", "port:I 4x")


def _queue_config(at: Cursor, into: Fields) -> None:
    _QUEUE_PORT.read(at, into)
    queues = children(into, "queues")
    read_records(at, queues, "queue", _queue, length_at=8)


def _by_reason(reasons: names.Names) -> dict[int, str]:
    return {1 << number: name for number, name in reasons.items()}


_ASYNC = {
    "packet_in_mask": flags_of(_by_reason(names.PACKET_IN_REASON)),
    "port_status_mask": flags_of(_by_reason(names.PORT_REASON)),
    "flow_removed_mask": flags_of(_by_reason(names.FLOW_REMOVED_REASON)),
}
_WORD = Layout("asynchronous configuration", "mask:I")


def _async_config(at: Cursor, into: Fields) -> None:
    """Per kind of message: the reasons told to a master (or equal), and those told to a slave (§7.3.10)."""
    for key, convert in _ASYNC.items():
        masks: list[list[str]] = []
        into[key] = masks
        for _ in ("master", "slave"):
            word: Fields = {}
            _WORD.read(at, word)
            masks.append(convert(word["mask"]))


_NOTHING = Layout("empty body", "").read
_SWITCH_CONFIG = Layout(
    "switch configuration", "flags:H:fragments miss_send_len:H", fragments=one_of(names.FRAGMENTS)
).read
_ROLE = Layout("role", "role:I:role 4x generation_id:Q", role=one_of(names.ROLE)).read

_BODIES_BY_NAME: dict[str, Body] = {
    "HELLO": _hello,
    "ERROR": _error,
    "ECHO_REQUEST": _data,
    "ECHO_REPLY": _data,
    "EXPERIMENTER": read_experimenter,
    "FEATURES_REQUEST": _NOTHING,
    "FEATURES_REPLY": Layout(
        "FEATURES_REPLY",
        "datapath_id:Q n_buffers:I n_tables:B auxiliary_id:B 2x capabilities:I:can reserved:I",
        can=flags_of(names.CAPABILITIES),
    ).read,
    "GET_CONFIG_REQUEST": _NOTHING,
    "GET_CONFIG_REPLY": _SWITCH_CONFIG,
    "SET_CONFIG": _SWITCH_CONFIG,
    "PACKET_IN": _packet_in,
    "FLOW_REMOVED": _flow_removed,
    "PORT_STATUS": _port_status,
    "PACKET_OUT": _packet_out,
    "FLOW_MOD": _flow_mod,
    "GROUP_MOD": _group_mod,
    "PORT_MOD": Layout(
        "PORT_MOD",
        "port_no:I 4x hw_addr:6s:mac 2x config:I:config mask:I:config advertise:I:features 4x",
        config=flags_of(names.PORT_CONFIG),
        features=flags_of(names.PORT_FEATURES),
    ).read,
    "TABLE_MOD": Layout("TABLE_MOD", "table_id:B 3x config:I").read,
    "MULTIPART_REQUEST": read_request,
    "MULTIPART_REPLY": read_reply,
    "BARRIER_REQUEST": _NOTHING,
    "BARRIER_REPLY": _NOTHING,
    "QUEUE_GET_CONFIG_REQUEST": _QUEUE_PORT.read,
    "QUEUE_GET_CONFIG_REPLY": _queue_config,
    "ROLE_REQUEST": _ROLE,
    "ROLE_REPLY": _ROLE,
    "GET_ASYNC_REQUEST": _NOTHING,
    "GET_ASYNC_REPLY": _async_config,
    "SET_ASYNC": _async_config,
    "METER_MOD": _meter_mod,
}
_BODIES = {names.TYPE[name]: body for name, body in _BODIES_BY_NAME.items()}
