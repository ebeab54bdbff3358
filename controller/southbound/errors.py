"""The names of what a switch may find wrong with an order (OpenFlow 1.3.5 §7.4.4)."""

from __future__ import annotations

from controller.southbound.wire import ErrorCode

_TYPES = {
    0: ("HELLO_FAILED", ("INCOMPATIBLE", "EPERM")),
    1: (
        "BAD_REQUEST",
        (
            "BAD_VERSION", "BAD_TYPE", "BAD_MULTIPART", "BAD_EXPERIMENTER", "BAD_EXP_TYPE", "EPERM", "BAD_LEN",
            "BUFFER_EMPTY", "BUFFER_UNKNOWN", "BAD_TABLE_ID", "IS_SLAVE", "BAD_PORT", "BAD_PACKET",
            "MULTIPART_BUFFER_OVERFLOW",
        ),
    ),
    2: (
        "BAD_ACTION",
        (
            "BAD_TYPE", "BAD_LEN", "BAD_EXPERIMENTER", "BAD_EXP_TYPE", "BAD_OUT_PORT", "BAD_ARGUMENT", "EPERM",
            "TOO_MANY", "BAD_QUEUE", "BAD_OUT_GROUP", "MATCH_INCONSISTENT", "UNSUPPORTED_ORDER", "BAD_TAG",
            "BAD_SET_TYPE", "BAD_SET_LEN", "BAD_SET_ARGUMENT",
        ),
    ),
    3: (
        "BAD_INSTRUCTION",
        (
            "UNKNOWN_INST", "UNSUP_INST", "BAD_TABLE_ID", "UNSUP_METADATA", "UNSUP_METADATA_MASK",
            "BAD_EXPERIMENTER", "BAD_EXP_TYPE", "BAD_LEN", "EPERM",
        ),
    ),
    4: (
        "BAD_MATCH",
        (
            "BAD_TYPE", "BAD_LEN", "BAD_TAG", "BAD_DL_ADDR_MASK", "BAD_NW_ADDR_MASK", "BAD_WILDCARDS", "BAD_FIELD",
            "BAD_VALUE", "BAD_MASK", "BAD_PREREQ", "DUP_FIELD", "EPERM",
        ),
    ),
    5: (
        "FLOW_MOD_FAILED",
        ("UNKNOWN", "TABLE_FULL", "BAD_TABLE_ID", "OVERLAP", "EPERM", "BAD_TIMEOUT", "BAD_COMMAND", "BAD_FLAGS"),
    ),
    6: (
        "GROUP_MOD_FAILED",
        (
            "GROUP_EXISTS", "INVALID_GROUP", "WEIGHT_UNSUPPORTED", "OUT_OF_GROUPS", "OUT_OF_BUCKETS",
            "CHAINING_UNSUPPORTED", "WATCH_UNSUPPORTED", "LOOP", "UNKNOWN_GROUP", "CHAINED_GROUP", "BAD_TYPE",
            "BAD_COMMAND", "BAD_BUCKET", "BAD_WATCH", "EPERM",
        ),
    ),
    12: (
        "METER_MOD_FAILED",
        (
            "UNKNOWN", "METER_EXISTS", "INVALID_METER", "UNKNOWN_METER", "BAD_COMMAND", "BAD_FLAGS", "BAD_RATE",
            "BAD_BURST", "BAD_BAND", "BAD_BAND_VALUE", "OUT_OF_METERS", "OUT_OF_BANDS",
        ),
    ),
}  # fmt: skip

TABLE_FULL: frozenset[ErrorCode] = frozenset({(5, 1)})
"""The refusals that say that a flow table has no room."""


def error_name(kind: int, code: int) -> str:
    """An error as the specification calls it: ``FLOW_MOD_FAILED TABLE_FULL``; unknown ones as numbers."""
    name, codes = _TYPES.get(kind, (f"error {kind}", ()))
    return f"{name} {codes[code] if code < len(codes) else code}"
