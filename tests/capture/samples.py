"""One message or more of every OpenFlow 1.3 type, as bytes, with Ryu's view of each.

What a controller sends is built by Ryu's serialiser (the object is Ryu's view); what a switch sends is packed here from
the specification's structures and read by Ryu's parser.
"""

from __future__ import annotations

import struct
from functools import cache
from typing import Any, NamedTuple

from ryu.ofproto import ofproto_v1_3 as ofp
from ryu.ofproto import ofproto_v1_3_parser as ryu_parser
from ryu.ofproto.ofproto_parser import msg as ryu_read

from experiments.capture.names import TYPE

FRAME = bytes.fromhex("ffffffffffff02000000000a0806000108000604000102000000000a0a00000a0000000000000a00000b")
"""ARP who has 10.0.0.11 says 10.0.0.10."""


class Datapath:
    """What Ryu's serialiser asks of a switch."""

    ofproto = ofp
    ofproto_parser = ryu_parser
    id = 1


DATAPATH = Datapath()


class Sample(NamedTuple):
    """A message, and the same as Ryu understands it."""

    label: str
    raw: bytes
    ryu: Any
    from_switch: bool


def message(name: str, body: bytes = b"", xid: int = 7) -> bytes:
    """A message of these bytes."""
    return struct.pack("!BBHI", 4, TYPE[name], 8 + len(body), xid) + body


def serialised(ryu_message: Any, xid: int = 7) -> bytes:
    """The bytes that Ryu gives a message."""
    ryu_message.xid = xid
    ryu_message.serialize()
    return bytes(ryu_message.buf)


def parsed(raw: bytes) -> Any:
    """Ryu's parser's view of a message."""
    version, kind, length, xid = struct.unpack_from("!BBHI", raw)
    return ryu_read(DATAPATH, version, kind, length, xid, raw)


def part(ryu_structure: Any) -> bytes:
    """The bytes of a match, action, instruction, bucket or meter band."""
    buffer = bytearray()
    ryu_structure.serialize(buffer, 0)
    return bytes(buffer)


P = ryu_parser
MATCHES = (
    P.OFPMatch(),
    P.OFPMatch(in_port=3, in_phy_port=4, metadata=(0x1200, 0xFF00), tunnel_id=1 << 60),
    P.OFPMatch(eth_dst=("01:00:00:00:00:00", "01:00:00:00:00:00"), eth_src="02:00:00:00:00:0a", eth_type=0x88CC),
    P.OFPMatch(eth_type=0x8847, mpls_label=1048575, mpls_tc=7, mpls_bos=1),
    P.OFPMatch(eth_type=0x88E7, pbb_isid=(0xABCDE, 0xFFFF)),
    P.OFPMatch(vlan_vid=0x1000 | 42, vlan_pcp=5, eth_type=0x0800, ip_dscp=46, ip_ecn=2, ip_proto=6, tcp_dst=80),
    P.OFPMatch(vlan_vid=(0x1000, 0x1000), eth_type=0x0800, ipv4_src=("10.1.0.0", "255.255.0.0"), ipv4_dst="10.0.0.1"),
    P.OFPMatch(eth_type=0x0800, ip_proto=17, udp_src=53, udp_dst=5353),
    P.OFPMatch(eth_type=0x0800, ip_proto=6, tcp_src=443),
    P.OFPMatch(eth_type=0x0800, ip_proto=132, sctp_src=1, sctp_dst=65535),
    P.OFPMatch(eth_type=0x0800, ip_proto=1, icmpv4_type=8, icmpv4_code=0),
    P.OFPMatch(
        eth_type=0x0806,
        arp_op=1,
        arp_spa="10.0.0.1",
        arp_tpa=("10.0.0.0", "255.0.0.0"),
        arp_sha="02:00:00:00:00:01",
        arp_tha="02:00:00:00:00:02",
    ),
    P.OFPMatch(
        eth_type=0x86DD,
        ipv6_src="2001:db8::1",
        ipv6_dst=("2001:db8::", "ffff:ffff::"),
        ipv6_flabel=0x54321,
        ipv6_exthdr=5,
    ),
    P.OFPMatch(
        eth_type=0x86DD,
        ip_proto=58,
        icmpv6_type=135,
        icmpv6_code=0,
        ipv6_nd_target="fe80::1",
        ipv6_nd_sll="02:00:00:00:00:03",
        ipv6_nd_tll="02:00:00:00:00:04",
    ),
)

ACTIONS = (
    P.OFPActionSetField(eth_dst="02:00:00:00:00:09"),
    P.OFPActionSetField(vlan_vid=0x1007),
    P.OFPActionSetField(ip_dscp=10),
    P.OFPActionSetField(ipv4_src="192.0.2.1"),
    P.OFPActionSetField(ipv6_dst="2001:db8::9"),
    P.OFPActionSetField(tcp_dst=8080),
    P.OFPActionSetField(metadata=99),
    P.OFPActionCopyTtlOut(),
    P.OFPActionCopyTtlIn(),
    P.OFPActionSetMplsTtl(3),
    P.OFPActionDecMplsTtl(),
    P.OFPActionPushVlan(0x88A8),
    P.OFPActionPopVlan(),
    P.OFPActionPushMpls(0x8848),
    P.OFPActionPopMpls(0x0800),
    P.OFPActionSetQueue(5),
    P.OFPActionGroup(77),
    P.OFPActionSetNwTtl(9),
    P.OFPActionDecNwTtl(),
    P.OFPActionPushPbb(0x88E7),
    P.OFPActionPopPbb(),
    P.OFPActionExperimenterUnknown(0x00ABCDEF, data=b"\1\2\3\4\5\6\7\x08"),
    P.OFPActionOutput(ofp.OFPP_CONTROLLER, 128),
)
INSTRUCTIONS = (
    P.OFPInstructionMeter(4),
    P.OFPInstructionActions(ofp.OFPIT_APPLY_ACTIONS, list(ACTIONS)),
    P.OFPInstructionActions(ofp.OFPIT_CLEAR_ACTIONS, []),
    P.OFPInstructionActions(ofp.OFPIT_WRITE_ACTIONS, [P.OFPActionOutput(2)]),
    P.OFPInstructionWriteMetadata(0x1234, 0xFFFF),
    P.OFPInstructionGotoTable(9),
)
BUCKETS = (
    P.OFPBucket(weight=3, watch_port=1, watch_group=ofp.OFPG_ANY, actions=[P.OFPActionOutput(1)]),
    P.OFPBucket(weight=0, watch_port=ofp.OFPP_ANY, watch_group=8, actions=list(ACTIONS[:4])),
    P.OFPBucket(actions=[]),
)
BANDS = (
    P.OFPMeterBandDrop(rate=1000, burst_size=10),
    P.OFPMeterBandDscpRemark(rate=2000, burst_size=20, prec_level=2),
    P.OFPMeterBandExperimenter(rate=3000, burst_size=30, experimenter=0x00ABCDEF),
)


def _property(kind: int, body: bytes) -> bytes:
    length = 4 + len(body)
    return struct.pack("!HH", kind, length) + body + bytes(-length % 8)


def _ids(*kinds: int) -> bytes:
    return b"".join(struct.pack("!HH", kind, 4) for kind in kinds)


def _oxm_ids(*fields: tuple[int, int, int]) -> bytes:
    return b"".join(struct.pack("!HBB", 0x8000, number << 1 | masked, length) for number, masked, length in fields)


TABLE_FEATURES = b"".join(
    struct.pack("!HB5x32sQQII", 64 + len(properties), table, b"classifier", 1 << 63, 255, 3, 1000000) + properties
    for table, properties in (
        (0, b""),
        (
            7,
            _property(0, _ids(1, 2, 3, 4, 5, 6))
            + _property(1, _ids(4))
            + _property(2, bytes((8, 9, 10)))
            + _property(3, bytes(range(8, 254)))
            + _property(4, _ids(0, 11, 25))
            + _property(5, _ids())
            + _property(6, _ids(*range(15, 28)))
            + _property(7, _ids(0))
            + _property(8, _oxm_ids((0, 0, 4), (3, 1, 12), (11, 1, 8)))
            + _property(10, _oxm_ids((5, 0, 2)))
            + _property(12, _oxm_ids((4, 0, 6)))
            + _property(13, b"")
            + _property(14, _oxm_ids((39, 0, 2)))
            + _property(15, _oxm_ids((2, 1, 16))),
        ),
    )
)

PORT = struct.pack(
    "!I4x6s2x16sIIIIIIII",
    3,
    bytes.fromhex("02000000aa03"),
    b"s1-eth3",
    0x65,
    0x7,
    0x20F,
    0x10,
    0x7FF,
    0x8000,
    10**7,
    10**8,
)


def _multipart(name: str, body: bytes, *, more: bool = False) -> bytes:
    return message("MULTIPART_REPLY", struct.pack("!HH4x", getattr(ofp, "OFPMP_" + name), more) + body)


def _flow_stats(match: Any, instructions: tuple[Any, ...]) -> bytes:
    body = struct.pack("!BxIIHHHH4xQQQ", 2, 10, 999, 32768, 30, 60, 0x1F, 0xF1 << 56 | 3, 1 << 40, 1 << 50)
    body += part(match) + b"".join(map(part, instructions))
    return struct.pack("!H", 2 + len(body)) + body


def _queue(queue: int, port: int, properties: bytes) -> bytes:
    return struct.pack("!IIH6x", queue, port, 16 + len(properties)) + properties


FROM_SWITCH = {
    "HELLO": message("HELLO", bytes.fromhex("0001000800000012")),
    "HELLO empty": message("HELLO"),
    "ERROR quotes": message("ERROR", struct.pack("!HH", 4, 9) + message("BARRIER_REQUEST", xid=99)),
    "ERROR hello": message("ERROR", struct.pack("!HH", 0, 0) + b"speak 1.3"),
    "ERROR experimenter": message("ERROR", struct.pack("!HHI", 0xFFFF, 12, 0x00ABCDEF) + b"data"),
    "ECHO_REQUEST": message("ECHO_REQUEST", b"are you there"),
    "ECHO_REPLY": message("ECHO_REPLY", b"\x00\xff"),
    "EXPERIMENTER": message("EXPERIMENTER", struct.pack("!II", 0x00ABCDEF, 5) + b"\1\2\3\4"),
    "FEATURES_REPLY": message("FEATURES_REPLY", struct.pack("!QIBB2xII", 0xAB << 48 | 1, 256, 254, 1, 0x16F, 0)),
    "GET_CONFIG_REPLY": message("GET_CONFIG_REPLY", struct.pack("!HH", 1, 0xFFFF)),
    "PORT_STATUS": message("PORT_STATUS", struct.pack("!B7x", 2) + PORT),
    "BARRIER_REPLY": message("BARRIER_REPLY"),
    "QUEUE_GET_CONFIG_REPLY": message(
        "QUEUE_GET_CONFIG_REPLY",
        struct.pack("!I4x", 3)
        + _queue(1, 3, struct.pack("!HH4xH6x", 1, 16, 500) + struct.pack("!HH4xH6x", 2, 16, 900))
        + _queue(2, 3, struct.pack("!HH4xI4x", 0xFFFF, 24, 0x00ABCDEF) + b"whatever")
        + _queue(3, 3, b""),
    ),
    "ROLE_REPLY": message("ROLE_REPLY", struct.pack("!I4xQ", 2, 1 << 63 | 5)),
    "GET_ASYNC_REPLY": message("GET_ASYNC_REPLY", struct.pack("!6I", 7, 0, 5, 2, 15, 8)),
    **{
        f"PACKET_IN {number}": message(
            "PACKET_IN",
            struct.pack("!IHBBQ", 0xFFFFFFFF - number, 1500, number % 3, number, 0xF1 << 56 | number)
            + part(match)
            + b"\0\0"
            + FRAME,
        )
        for number, match in enumerate(MATCHES)
    },
    "PACKET_IN of nothing": message("PACKET_IN", struct.pack("!IHBBQ", 5, 0, 0, 0, 0) + part(MATCHES[1]) + b"\0\0"),
    "FLOW_REMOVED": message(
        "FLOW_REMOVED", struct.pack("!QHBBIIHHQQ", 1 << 63, 1, 3, 9, 70, 5, 10, 20, 1 << 33, 1 << 44) + part(MATCHES[6])
    ),
    "reply DESC": _multipart(
        "DESC", struct.pack("!256s256s256s32s256s", b"Nicira, Inc.", b"Open vSwitch", b"3.1.0", b"None", b"s1 \xc3\xa9")
    ),
    "reply FLOW": _multipart("FLOW", b"".join(_flow_stats(m, INSTRUCTIONS) for m in MATCHES), more=True),
    "reply FLOW many": _multipart("FLOW", _flow_stats(MATCHES[2], INSTRUCTIONS[3:4]) * 300),
    "reply AGGREGATE": _multipart("AGGREGATE", struct.pack("!QQI4x", 1, 2, 3)),
    "reply TABLE": _multipart("TABLE", b"".join(struct.pack("!B3xIQQ", n, n, n * 5, n * 3) for n in range(254))),
    "reply PORT_STATS": _multipart(
        "PORT_STATS", b"".join(struct.pack("!I4x12QII", n, *range(n, n + 12), 5, 6) for n in (1, 2, 0xFFFFFFFE))
    ),
    "reply QUEUE": _multipart("QUEUE", struct.pack("!IIQQQII", 1, 2, 3, 4, 5, 6, 7) * 2),
    "reply GROUP": _multipart(
        "GROUP",
        struct.pack("!H2xII4xQQII", 72, 5, 6, 7, 8, 9, 10)
        + struct.pack("!QQQQ", 1, 2, 3, 4)
        + struct.pack("!H2xII4xQQII", 40, 6, 0, 0, 0, 1, 2),
    ),
    "reply GROUP_DESC": _multipart(
        "GROUP_DESC",
        struct.pack("!HBxI", 8 + sum(len(part(b)) for b in BUCKETS), 3, 9)
        + b"".join(map(part, BUCKETS))
        + struct.pack("!HBxI", 8, 1, 10),
    ),
    "reply GROUP_FEATURES": _multipart(
        "GROUP_FEATURES", struct.pack("!II4I4I", 15, 9, 1, 2, 3, 4, 0x0FFF9801, 0x1, 0x800, 0x2000000)
    ),
    "reply METER": _multipart(
        "METER", struct.pack("!IH6xIQQII", 1, 72, 2, 3, 4, 5, 6) + struct.pack("!QQQQ", 1, 2, 3, 4)
    ),
    "reply METER_CONFIG": _multipart(
        "METER_CONFIG", struct.pack("!HHI", 8 + 48, 0xD, 7) + b"".join(map(part, BANDS)) + struct.pack("!HHI", 8, 2, 8)
    ),
    "reply METER_FEATURES": _multipart("METER_FEATURES", struct.pack("!IIIBB2x", 4096, 6, 15, 1, 8)),
    "reply TABLE_FEATURES": _multipart("TABLE_FEATURES", TABLE_FEATURES),
    "reply PORT_DESC": _multipart("PORT_DESC", PORT * 150),
    "reply EXPERIMENTER": _multipart("EXPERIMENTER", struct.pack("!II", 0x00ABCDEF, 3) + b"body"),
}

FROM_CONTROLLER = {
    "HELLO 1.3": P.OFPHello(DATAPATH),
    "ECHO_REQUEST": P.OFPEchoRequest(DATAPATH, data=b"hello"),
    "EXPERIMENTER": P.OFPExperimenter(DATAPATH, 0x00ABCDEF, 9, b"\xde\xad"),
    "FEATURES_REQUEST": P.OFPFeaturesRequest(DATAPATH),
    "GET_CONFIG_REQUEST": P.OFPGetConfigRequest(DATAPATH),
    "SET_CONFIG": P.OFPSetConfig(DATAPATH, ofp.OFPC_FRAG_REASM, 128),
    "PACKET_OUT": P.OFPPacketOut(DATAPATH, ofp.OFP_NO_BUFFER, ofp.OFPP_CONTROLLER, list(ACTIONS), FRAME),
    "PACKET_OUT buffer": P.OFPPacketOut(DATAPATH, 5, 1, [], None),
    "GROUP_MOD": P.OFPGroupMod(DATAPATH, ofp.OFPGC_MODIFY, ofp.OFPGT_FF, 9, list(BUCKETS)),
    "GROUP_MOD delete": P.OFPGroupMod(DATAPATH, ofp.OFPGC_DELETE, ofp.OFPGT_ALL, ofp.OFPG_ALL, []),
    "PORT_MOD": P.OFPPortMod(DATAPATH, 3, "02:00:00:00:00:01", ofp.OFPPC_PORT_DOWN, 0x65, 0x2820),
    "TABLE_MOD": P.OFPTableMod(DATAPATH, 255, 3),
    "BARRIER_REQUEST": P.OFPBarrierRequest(DATAPATH),
    "QUEUE_GET_CONFIG_REQUEST": P.OFPQueueGetConfigRequest(DATAPATH, ofp.OFPP_ANY),
    "ROLE_REQUEST": P.OFPRoleRequest(DATAPATH, ofp.OFPCR_ROLE_SLAVE, 42),
    "GET_ASYNC_REQUEST": P.OFPGetAsyncRequest(DATAPATH),
    "SET_ASYNC": P.OFPSetAsync(DATAPATH, [7, 1], [0, 6], [15, 3]),
    "METER_MOD": P.OFPMeterMod(DATAPATH, ofp.OFPMC_MODIFY, ofp.OFPMF_KBPS | ofp.OFPMF_STATS, 5, list(BANDS)),
    **{
        f"FLOW_MOD {number}": P.OFPFlowMod(
            DATAPATH,
            0xF1 << 56 | number,
            1 << 63,
            number,
            number % 5,
            10,
            20,
            65535 - number,
            ofp.OFP_NO_BUFFER,
            ofp.OFPP_ANY,
            ofp.OFPG_ANY,
            number,
            match,
            list(INSTRUCTIONS),
        )
        for number, match in enumerate(MATCHES)
    },
    "request DESC": P.OFPDescStatsRequest(DATAPATH, 0),
    "request FLOW": P.OFPFlowStatsRequest(DATAPATH, 1, 3, 4, 5, 6, 7, MATCHES[6]),
    "request AGGREGATE": P.OFPAggregateStatsRequest(DATAPATH, 0, 255, ofp.OFPP_ANY, ofp.OFPG_ANY, 0, 0, MATCHES[0]),
    "request TABLE": P.OFPTableStatsRequest(DATAPATH, 0),
    "request PORT_STATS": P.OFPPortStatsRequest(DATAPATH, 0, ofp.OFPP_ANY),
    "request QUEUE": P.OFPQueueStatsRequest(DATAPATH, 0, 3, ofp.OFPQ_ALL),
    "request GROUP": P.OFPGroupStatsRequest(DATAPATH, 0, 12),
    "request GROUP_DESC": P.OFPGroupDescStatsRequest(DATAPATH, 0),
    "request GROUP_FEATURES": P.OFPGroupFeaturesStatsRequest(DATAPATH, 0),
    "request METER": P.OFPMeterStatsRequest(DATAPATH, 0, 3),
    "request METER_CONFIG": P.OFPMeterConfigStatsRequest(DATAPATH, 0, ofp.OFPM_ALL),
    "request METER_FEATURES": P.OFPMeterFeaturesStatsRequest(DATAPATH, 0),
    "request TABLE_FEATURES": P.OFPTableFeaturesStatsRequest(DATAPATH, 0),
    "request PORT_DESC": P.OFPPortDescStatsRequest(DATAPATH, 0),
    "request EXPERIMENTER": P.OFPExperimenterStatsRequest(DATAPATH, 0, 0x00ABCDEF, 6, b"\0\1"),
}


@cache
def all_samples() -> tuple[Sample, ...]:
    """Every sample."""
    told = [Sample(label, raw, parsed(raw), True) for label, raw in FROM_SWITCH.items()]
    ordered = [Sample(label, serialised(order), order, False) for label, order in FROM_CONTROLLER.items()]
    return (*told, *ordered)
