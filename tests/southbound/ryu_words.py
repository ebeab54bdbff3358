"""The vocabulary in Ryu's words, so that Ryu's own parser can give a second opinion on every byte."""

from __future__ import annotations

from ipaddress import ip_address
from typing import Any

from ryu.ofproto import ofproto_parser
from ryu.ofproto import ofproto_v1_3 as ofp
from ryu.ofproto import ofproto_v1_3_parser as parser
from ryu.ofproto.ofproto_protocol import ProtocolDesc

from controller.model import (
    Action,
    Apply,
    Bucket,
    Clear,
    DecTtl,
    Goto,
    Instruction,
    Masked,
    Match,
    Output,
    PopVlan,
    PushVlan,
    RawAction,
    SetField,
    SetQueue,
    ToGroup,
    UseMeter,
    Write,
    WriteMetadata,
)

DATAPATH = ProtocolDesc(version=ofp.OFP_VERSION)

_RAW = {
    11: lambda data: parser.OFPActionCopyTtlOut(),
    12: lambda data: parser.OFPActionCopyTtlIn(),
    15: lambda data: parser.OFPActionSetMplsTtl(data[4]),
    16: lambda data: parser.OFPActionDecMplsTtl(),
    19: lambda data: parser.OFPActionPushMpls(int.from_bytes(data[4:6], "big")),
    20: lambda data: parser.OFPActionPopMpls(int.from_bytes(data[4:6], "big")),
    23: lambda data: parser.OFPActionSetNwTtl(data[4]),
    26: lambda data: parser.OFPActionPushPbb(int.from_bytes(data[4:6], "big")),
    27: lambda data: parser.OFPActionPopPbb(),
    0xFFFF: lambda data: parser.OFPActionExperimenterUnknown(int.from_bytes(data[4:8], "big"), data[8:]),
}


def read(message: bytes) -> Any:
    """The message as Ryu's parser understands it."""
    return ofproto_parser.msg(DATAPATH, *ofproto_parser.header(message), message)


def written(message: Any, xid: int) -> bytes:
    """The bytes that Ryu writes for one of its messages."""
    message.set_xid(xid)
    message.serialize()
    return bytes(message.buf)


def value(name: str, said: int | bytes) -> int | str:
    """A field's value as Ryu's users write it: addresses as text."""
    if isinstance(said, int):
        return said
    return said.hex(":") if len(said) == 6 else str(ip_address(said))


def fields(match: Match) -> dict[str, Any]:
    """What ``OFPMatch.items()`` of the same match holds."""
    return {
        name: (value(name, said.value), value(name, said.mask)) if isinstance(said, Masked) else value(name, said)
        for name, said in match
    }


def items(ryu_match: Any) -> dict[str, Any]:
    """``OFPMatch.items()`` with one spelling of IPv6 addresses: netaddr writes some with dots."""
    return {name: _respelt(said) for name, said in ryu_match.items()}


def _respelt(said: Any) -> Any:
    if isinstance(said, tuple):
        return tuple(map(_respelt, said))
    return str(ip_address(said)) if isinstance(said, str) and "::" in said else said


def match(said: Match) -> Any:
    return parser.OFPMatch(**fields(said))


def action(said: Action) -> Any:
    match said:
        case Output(port, max_len):
            return parser.OFPActionOutput(port, max_len)
        case ToGroup(group_id):
            return parser.OFPActionGroup(group_id)
        case SetField(name, number):
            return parser.OFPActionSetField(**{name: value(name, number)})
        case PushVlan(eth_type):
            return parser.OFPActionPushVlan(eth_type)
        case PopVlan():
            return parser.OFPActionPopVlan()
        case SetQueue(queue_id):
            return parser.OFPActionSetQueue(queue_id)
        case DecTtl():
            return parser.OFPActionDecNwTtl()
        case RawAction(data):
            return _RAW[int.from_bytes(data[:2], "big")](data)


def actions(said: tuple[Action, ...]) -> list[Any]:
    return [action(one) for one in said]


def instruction(said: Instruction) -> Any:
    match said:
        case Apply(some):
            return parser.OFPInstructionActions(ofp.OFPIT_APPLY_ACTIONS, actions(some))
        case Write(some):
            return parser.OFPInstructionActions(ofp.OFPIT_WRITE_ACTIONS, actions(some))
        case Clear():
            return parser.OFPInstructionActions(ofp.OFPIT_CLEAR_ACTIONS, [])
        case Goto(table):
            return parser.OFPInstructionGotoTable(table)
        case WriteMetadata(number, mask):
            return parser.OFPInstructionWriteMetadata(number, mask)
        case UseMeter(meter_id):
            return parser.OFPInstructionMeter(meter_id)


def instructions(said: tuple[Instruction, ...]) -> list[Any]:
    return [instruction(one) for one in said]


def bucket(said: Bucket) -> Any:
    return parser.OFPBucket(said.weight, said.watch_port, said.watch_group, actions(said.actions))
