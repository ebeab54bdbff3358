"""A message in one line, for terminals."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from experiments.capture.frames import describe
from experiments.capture.messages import Message
from experiments.capture.names import port_name

NO_BUFFER = 0xFFFFFFFF
"""``buffer_id`` of a packet that the switch did not keep."""

ALL_TABLES = 0xFF
"""``table_id`` of an order to delete from every table."""

_Fields = Mapping[str, Any]


def summary(message: Message) -> str:
    """Which switch, in which direction, what, and what it is about."""
    switch = message.switch if message.dpid is None else f"{message.dpid:016x}"
    arrow = "->" if message.from_switch else "<-"
    about = _DETAILS.get(message.name, _plain)(message.fields)
    malformed = message.fields.get("malformed")
    words = (
        switch,
        arrow,
        message.name,
        f"xid {message.xid:#x}",
        about,
        f"MALFORMED: {malformed}" if malformed else "",
    )
    return _printable(" ".join(filter(None, words)))


def _printable(line: str) -> str:
    """A line that does nothing to a terminal, whatever a switch called itself or a host sent."""
    if line.isprintable():
        return line
    return "".join(char if char.isprintable() else ascii(char)[1:-1] for char in line)


def _packet_in(fields: _Fields) -> str:
    port = fields.get("match", {}).get("in_port")
    where = "" if port is None else f"in_port {port_name(port)} "
    why = f"{where}table {fields.get('table_id')} {fields.get('reason')}{_buffer(fields)}"
    return f"{why}, {fields.get('total_len')} bytes: {_frame(fields)}"


def _packet_out(fields: _Fields) -> str:
    way = f"in_port {port_name(fields.get('in_port', 0))} {_actions(fields.get('actions', []))}{_buffer(fields)}"
    return f"{way}: {_frame(fields)}" if fields.get("data") else way


def _flow_mod(fields: _Fields) -> str:
    command = str(fields.get("command"))
    table = "all tables" if fields.get("table_id") == ALL_TABLES else f"table {fields.get('table_id')}"
    does = "" if command.startswith("DELETE") else f" => {instructions_text(fields.get('instructions', []))}"
    words = [
        f"{command} {table} priority {fields.get('priority')}",
        match_text(fields.get("match", {})) + does,
        *(f"{kind} {fields[f'{kind}_timeout']} s" for kind in ("idle", "hard") if fields.get(f"{kind}_timeout")),
        f"cookie {fields.get('cookie', 0):#x}{_buffer(fields)}",
    ]
    return ", ".join(words)


def _flow_removed(fields: _Fields) -> str:
    counts = f"{fields.get('packet_count')} packets, {fields.get('byte_count')} bytes"
    rule = f"table {fields.get('table_id')} priority {fields.get('priority')} {match_text(fields.get('match', {}))}"
    return f"{fields.get('reason')} {rule}, {counts}, cookie {fields.get('cookie', 0):#x}"


def _error(fields: _Fields) -> str:
    refused = fields.get("message")
    about = f" in {refused['type']} xid {refused['xid']:#x}" if refused else ""
    return f"{fields.get('type')} {fields.get('code', fields.get('exp_type'))}{about}{fields.get('text', '')}"


def _port_status(fields: _Fields) -> str:
    port = fields.get("desc", {})
    state = " ".join([*port.get("config", []), *port.get("state", [])])
    return f"{fields.get('reason')} port {port_name(port.get('port_no', 0))} ({port.get('name', '')}) {state}"


def _multipart(fields: _Fields) -> str:
    body = fields.get("body")
    count = f" {len(body)} entries" if isinstance(body, list) else ""
    more = " MORE" if fields.get("flags") else ""
    return f"{fields.get('type')}{count}{more} {_plain(body) if isinstance(body, dict) else ''}".rstrip()


def _group_mod(fields: _Fields) -> str:
    buckets = "; ".join(_actions(bucket.get("actions", [])) for bucket in fields.get("buckets", []))
    return f"{fields.get('command')} group {fields.get('group_id')} {fields.get('type')} [{buckets}]"


def _plain(fields: _Fields) -> str:
    """The fields that are one value, or the names of flags."""
    return " ".join(
        f"{name}={_short(value)}" for name, value in fields.items() if name != "malformed" and _short(value)
    )


def _short(value: Any) -> str:
    if isinstance(value, list):
        return "|".join(value) if all(isinstance(word, str) for word in value) else ""
    return "" if isinstance(value, dict) else str(value)


_DETAILS: dict[str, Callable[[_Fields], str]] = {
    "PACKET_IN": _packet_in,
    "PACKET_OUT": _packet_out,
    "FLOW_MOD": _flow_mod,
    "FLOW_REMOVED": _flow_removed,
    "ERROR": _error,
    "PORT_STATUS": _port_status,
    "MULTIPART_REQUEST": _multipart,
    "MULTIPART_REPLY": _multipart,
    "GROUP_MOD": _group_mod,
}


def match_text(match: _Fields) -> str:
    """A match as field=value or field=value/mask, joined by commas; "any" for one that asks nothing."""
    words = (
        f"{name}={value['value']}/{value['mask']}" if isinstance(value, dict) else f"{name}={_value(name, value)}"
        for name, value in match.items()
    )
    return ",".join(words) or "any"


def _value(name: str, value: Any) -> str:
    if name in {"in_port", "in_phy_port"}:
        return port_name(value)
    return hex(value) if name in {"eth_type", "vlan_vid", "metadata", "tunnel_id"} else str(value)


def instructions_text(instructions: list[dict[str, Any]]) -> str:
    """What a rule does; "drop" when it does nothing."""
    return ", ".join(map(_instruction, instructions)) or "drop"


def _instruction(instruction: dict[str, Any]) -> str:
    kind = instruction["type"]
    if "actions" in instruction:
        prefix = "" if kind == "APPLY_ACTIONS" else "write "
        return prefix + _actions(instruction["actions"])
    rest = ", ".join(str(value) for name, value in instruction.items() if name != "type")
    return f"{str(kind).lower()}({rest})"


def _actions(actions: list[dict[str, Any]]) -> str:
    return "+".join(map(_action, actions)) or "drop"


def _action(action: dict[str, Any]) -> str:
    kind = action["type"]
    if kind == "OUTPUT":
        return f"output:{port_name(action.get('port', 0))}"
    if kind == "SET_FIELD":
        return f"{action.get('field')}:={action.get('value')}"
    rest = ":".join(str(value) for name, value in action.items() if name != "type")
    return f"{str(kind).lower()}:{rest}" if rest else str(kind).lower()


def _buffer(fields: _Fields) -> str:
    buffer_id = fields.get("buffer_id", NO_BUFFER)
    return "" if buffer_id == NO_BUFFER else f" buffer {buffer_id:#x}"


def _frame(fields: _Fields) -> str:
    return describe(bytes.fromhex(fields.get("data", ""))) if fields.get("data") else "no frame"
