"""The bodies of multipart requests and replies (§7.3.5)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from experiments.capture import names, oxm
from experiments.capture.actions import (
    Body,
    experimenter,
    read_buckets,
    read_instructions,
    read_items,
    read_records,
)
from experiments.capture.layout import Cursor, Fields, Layout, child, children, flags_of, one_of
from experiments.capture.ports import PORT

_HEADER = Layout(
    "multipart header", "type:H:type flags:H:flags 4x", type=one_of(names.MULTIPART), flags=flags_of(names.MORE)
)


def _read(is_reply: bool) -> Body:
    """The reader of requests, or of replies."""
    bodies = REPLIES if is_reply else REQUESTS

    def read(at: Cursor, into: Fields) -> None:
        _HEADER.read(at, into)
        if into["type"] in bodies:
            bodies[into["type"]](at, into)
        else:
            into["body"] = at.rest().hex()

    return read


def _one(body: Body) -> Body:
    """A multipart body that is one structure."""

    def read(at: Cursor, into: Fields) -> None:
        fields = child(into, "body")
        body(at, fields)

    return read


def _many(read_list: Callable[[Cursor, list[Fields]], None]) -> Body:
    """A multipart body that is a list of structures."""

    def read(at: Cursor, into: Fields) -> None:
        items = children(into, "body")
        read_list(at, items)

    return read


def _fixed(layout: Layout) -> Callable[[Cursor, list[Fields]], None]:
    """A list of structures of one size."""

    def read(at: Cursor, into: list[Fields]) -> None:
        while at.left:
            fields: Fields = {}
            into.append(fields)
            layout.read(at, fields)

    return read


def _records(what: str, body: Body, length_at: int = 0) -> Callable[[Cursor, list[Fields]], None]:
    """A list of structures that hold their own length."""
    return lambda at, into: read_records(at, into, what, body, length_at)


# ---------------------------------------------------------------- flows

_FLOW_REQUEST = Layout("flow stats request", "table_id:B 3x out_port:I out_group:I 4x cookie:Q cookie_mask:Q")
_FLOW_STATS = Layout(
    "flow stats",
    "table_id:B x duration_sec:I duration_nsec:I priority:H idle_timeout:H hard_timeout:H flags:H:flags 4x cookie:Q"
    " packet_count:Q byte_count:Q",
    flags=flags_of(names.FLOW_FLAGS),
)


def _flow_request(at: Cursor, into: Fields) -> None:
    _FLOW_REQUEST.read(at, into)
    match = child(into, "match")
    oxm.read_match(at, match)


def _flow_stats(at: Cursor, into: Fields) -> None:
    _FLOW_STATS.read(at, into)
    match = child(into, "match")
    instructions = children(into, "instructions")
    oxm.read_match(at, match)
    read_instructions(at, instructions)


# ---------------------------------------------------------------- groups and meters

_GROUP_STATS = Layout(
    "group stats",
    "2x group_id:I ref_count:I 4x packet_count:Q byte_count:Q duration_sec:I duration_nsec:I",
)
_BUCKET_COUNTER = Layout("bucket counter", "packet_count:Q byte_count:Q")
_GROUP_DESC = Layout("group description", "type:B:type x group_id:I", type=one_of(names.GROUP_TYPE))
_GROUP_FEATURES = Layout(
    "group features",
    "types:I:types capabilities:I:can",
    types=flags_of(names.GROUP_TYPES),
    can=flags_of(names.GROUP_CAPABILITIES),
)
_MAX_GROUPS = Layout("group features", " ".join(f"{kind}:I" for kind in names.GROUP_TYPE.values()))
_GROUP_ACTIONS = Layout(
    "group features",
    " ".join(f"{kind}:I:actions" for kind in names.GROUP_TYPE.values()),
    actions=flags_of(names.ACTIONS),
)
_METER_STATS = Layout(
    "meter stats",
    "meter_id:I 2x 6x flow_count:I packet_in_count:Q byte_in_count:Q duration_sec:I duration_nsec:I",
)
_BAND_STATS = Layout("band stats", "packet_band_count:Q byte_band_count:Q")
_METER_CONFIG = Layout("meter configuration", "flags:H:flags meter_id:I", flags=flags_of(names.METER_FLAGS))
_METER_FEATURES = Layout(
    "meter features",
    "max_meter:I band_types:I:bands capabilities:I:flags max_bands:B max_color:B 2x",
    bands=flags_of(names.BANDS),
    flags=flags_of(names.METER_FLAGS),
)
_BAND = "rate:I burst_size:I "
_BANDS: dict[int, Body] = {
    1: Layout("meter band", _BAND + "4x").read,
    2: Layout("meter band", _BAND + "prec_level:B 3x").read,
}
_EXPERIMENTER_BAND = Layout("meter band", _BAND)


def _experimenter_band(at: Cursor, into: Fields) -> None:
    _EXPERIMENTER_BAND.read(at, into)
    experimenter(at, into)


_BANDS[0xFFFF] = _experimenter_band


def read_bands(at: Cursor, into: list[Fields]) -> None:
    """The bands of a meter (§7.3.4.4)."""
    read_items(at, into, "meter band", names.BAND, _BANDS)


def _group_stats(at: Cursor, into: Fields) -> None:
    _GROUP_STATS.read(at, into)
    counters = children(into, "bucket_stats")
    _fixed(_BUCKET_COUNTER)(at, counters)


def _group_desc(at: Cursor, into: Fields) -> None:
    _GROUP_DESC.read(at, into)
    buckets = children(into, "buckets")
    read_buckets(at, buckets)


def _group_features(at: Cursor, into: Fields) -> None:
    _GROUP_FEATURES.read(at, into)
    most = child(into, "max_groups")
    _MAX_GROUPS.read(at, most)
    actions = child(into, "actions")
    _GROUP_ACTIONS.read(at, actions)


def _meter_stats(at: Cursor, into: Fields) -> None:
    _METER_STATS.read(at, into)
    bands = children(into, "band_stats")
    _fixed(_BAND_STATS)(at, bands)


def _meter_config(at: Cursor, into: Fields) -> None:
    _METER_CONFIG.read(at, into)
    bands = children(into, "bands")
    read_bands(at, bands)


# ---------------------------------------------------------------- tables

_TABLE_FEATURES = Layout(
    "table features",
    "table_id:B 5x name:32s:text metadata_match:Q metadata_write:Q config:I max_entries:I",
)
_EXPERIMENTER = Layout("experimenter header", "experimenter:I exp_type:I")


def read_experimenter(at: Cursor, into: Fields) -> None:
    """Whose extension, which of it, and its bytes, which only its owner can read."""
    _EXPERIMENTER.read(at, into)
    into["data"] = at.rest().hex()


def _table_features(at: Cursor, into: Fields) -> None:
    _TABLE_FEATURES.read(at, into)
    properties = children(into, "properties")
    read_items(at, properties, "table property", names.TABLE_PROPERTY, _PROPERTIES, padded=True)


def _ids(key: str, kinds: names.Names) -> Body:
    """Headers of actions or instructions: names, or {"type", "experimenter", "data"} of an extension."""

    def read(at: Cursor, into: Fields) -> None:
        items: list[Fields] = []
        words: list[Any] = []
        into[key] = words
        try:
            read_items(at, items, key, kinds, {0xFFFF: experimenter})
        finally:
            words.extend(item if item.get("experimenter") is not None else item["type"] for item in items)

    return read


def _oxm_ids(at: Cursor, into: Fields) -> None:
    ids: list[str] = []
    into["oxm_ids"] = ids
    oxm.read_ids(at, ids)


def _next_tables(at: Cursor, into: Fields) -> None:
    into["next_table_ids"] = list(at.rest())


_INSTRUCTION_IDS = _ids("instruction_ids", names.INSTRUCTION)
_ACTION_IDS = _ids("action_ids", names.ACTION)
_PROPERTIES: dict[int, Body] = {
    **dict.fromkeys((0, 1), _INSTRUCTION_IDS),
    **dict.fromkeys((2, 3), _next_tables),
    **dict.fromkeys((4, 5, 6, 7), _ACTION_IDS),
    **dict.fromkeys((8, 10, 12, 13, 14, 15), _oxm_ids),
    **dict.fromkeys((0xFFFE, 0xFFFF), read_experimenter),
}

# ---------------------------------------------------------------- ports, queues, and all together

_PORT_STATS = Layout(
    "port stats",
    "port_no:I 4x rx_packets:Q tx_packets:Q rx_bytes:Q tx_bytes:Q rx_dropped:Q tx_dropped:Q rx_errors:Q tx_errors:Q"
    " rx_frame_err:Q rx_over_err:Q rx_crc_err:Q collisions:Q duration_sec:I duration_nsec:I",
)
_QUEUE_STATS = Layout(
    "queue stats",
    "port_no:I queue_id:I tx_bytes:Q tx_packets:Q tx_errors:Q duration_sec:I duration_nsec:I",
)
_DESC = Layout(
    "switch description",
    "mfr_desc:256s:text hw_desc:256s:text sw_desc:256s:text serial_num:32s:text dp_desc:256s:text",
)
_NOTHING = _one(Layout("empty body", "").read)
_METER_ID = _one(Layout("meter request", "meter_id:I 4x").read)
_FLOW_REQUEST_BODY = _one(_flow_request)
_EXTENSION = _one(read_experimenter)
_ALL_TABLE_FEATURES = _many(_records("table features", _table_features))

REQUESTS: dict[Any, Body] = {
    "DESC": _NOTHING,
    "FLOW": _FLOW_REQUEST_BODY,
    "AGGREGATE": _FLOW_REQUEST_BODY,
    "TABLE": _NOTHING,
    "PORT_STATS": _one(Layout("port stats request", "port_no:I 4x").read),
    "QUEUE": _one(Layout("queue stats request", "port_no:I queue_id:I").read),
    "GROUP": _one(Layout("group stats request", "group_id:I 4x").read),
    "GROUP_DESC": _NOTHING,
    "GROUP_FEATURES": _NOTHING,
    "METER": _METER_ID,
    "METER_CONFIG": _METER_ID,
    "METER_FEATURES": _NOTHING,
    "TABLE_FEATURES": _ALL_TABLE_FEATURES,
    "PORT_DESC": _NOTHING,
    "EXPERIMENTER": _EXTENSION,
}

REPLIES: dict[Any, Body] = {
    "DESC": _one(_DESC.read),
    "FLOW": _many(_records("flow stats", _flow_stats)),
    "AGGREGATE": _one(Layout("aggregate stats", "packet_count:Q byte_count:Q flow_count:I 4x").read),
    "TABLE": _many(_fixed(Layout("table stats", "table_id:B 3x active_count:I lookup_count:Q matched_count:Q"))),
    "PORT_STATS": _many(_fixed(_PORT_STATS)),
    "QUEUE": _many(_fixed(_QUEUE_STATS)),
    "GROUP": _many(_records("group stats", _group_stats)),
    "GROUP_DESC": _many(_records("group description", _group_desc)),
    "GROUP_FEATURES": _one(_group_features),
    "METER": _many(_records("meter stats", _meter_stats, length_at=4)),
    "METER_CONFIG": _many(_records("meter configuration", _meter_config)),
    "METER_FEATURES": _one(_METER_FEATURES.read),
    "TABLE_FEATURES": _ALL_TABLE_FEATURES,
    "PORT_DESC": _many(_fixed(PORT)),
    "EXPERIMENTER": _EXTENSION,
}

read_request = _read(is_reply=False)
"""A multipart request: {"type", "flags", "body"}."""

read_reply = _read(is_reply=True)
"""A multipart reply: {"type", "flags", "body"}; the body of many structures is a list."""
