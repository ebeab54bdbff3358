"""What Ryu and the applications beside us are told: Ryu's own parser, events and handlers, one message at a time."""

from __future__ import annotations

from typing import Any

import ryu.base.app_manager
from ryu.controller import ofp_event
from ryu.ofproto import ofproto_parser

from controller.southbound import endless
from controller.southbound.openflow import Malformed, MessageType
from controller.southbound.replies import MultipartType
from controller.southbound.wire import HEADER

_MULTIPART_REPLY = int(MessageType.MULTIPART_REPLY)
_ANSWERS = {
    int(MultipartType.FLOW): ofp_event.EventOFPFlowStatsReply,
    int(MultipartType.TABLE): ofp_event.EventOFPTableStatsReply,
    int(MultipartType.PORT_STATS): ofp_event.EventOFPPortStatsReply,
    int(MultipartType.GROUP): ofp_event.EventOFPGroupStatsReply,
    int(MultipartType.GROUP_DESC): ofp_event.EventOFPGroupDescStatsReply,
    int(MultipartType.METER_CONFIG): ofp_event.EventOFPMeterConfigStatsReply,
}
"""Answers to what the network operating system asks of every switch, and what Ryu makes of them."""


class Unending(Malformed):
    """Ryu's parser would not have come to an end."""


def observed() -> bool:
    """Whether some Ryu application wants PACKET_IN."""
    return _wanted(ofp_event.EventOFPPacketIn)


def _wanted(event: type) -> bool:
    brick = ryu.base.app_manager.lookup_service_brick(ofp_event.NAME)
    return bool(brick.observers.get(event) or brick.event_handlers.get(event))


def is_for_ryu(message: bytes) -> bool:
    """Whether Ryu must be told: of answers, which may be large and slow to parse, only what an application wants."""
    if message[1] != _MULTIPART_REPLY:
        return True
    event = _ANSWERS.get(int.from_bytes(message[8:10]))
    return event is None or _wanted(event)


def tell(datapath: Any, message: bytes) -> None:
    """What Ryu's own receive loop does with a message. Raises Malformed when Ryu cannot do it."""
    message = endless.plain(message)
    try:
        # Not by ofproto_parser.msg, which logs each fault with its traceback.
        parse = ofproto_parser._MSG_PARSERS[message[0]]
        parsed = endless.limited(parse, datapath, *HEADER.unpack_from(message), message)
    except Exception as error:  # Ryu's parsers let many kinds of them out.
        fault = Unending if isinstance(error, endless.Endless) else Malformed
        raise fault(f"Ryu cannot read it ({type(error).__name__})", None) from error
    event = ofp_event.ofp_msg_to_ev(parsed)
    brick = datapath.ofp_brick
    brick.send_event_to_observers(event, datapath.state)
    for handler in brick.get_handlers(event):
        if datapath.state in handler.callers[event.__class__].dispatchers:
            try:
                handler(event)
            except Exception as error:
                raise Malformed(f"Ryu cannot deal with it ({error!r})", None) from error
