"""What a controller asks and answers, against what Ryu writes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ryu.ofproto import ofproto_v1_3 as ofp
from ryu.ofproto import ofproto_v1_3_parser as parser

from controller.model import Match
from controller.southbound import openflow
from controller.southbound.replies import EchoRequest, Role
from controller.southbound.wire import BAD_TYPE, BAD_VERSION

from . import ryu_words
from .ryu_words import DATAPATH, written
from .strategies import matches, quick, u8, u16, u32, u64


def test_requests_without_a_body() -> None:
    assert openflow.features_request(1) == written(parser.OFPFeaturesRequest(DATAPATH), 1)
    assert openflow.config_request(2) == written(parser.OFPGetConfigRequest(DATAPATH), 2)
    assert openflow.barrier_request(3) == written(parser.OFPBarrierRequest(DATAPATH), 3)
    assert openflow.description_request(4) == written(parser.OFPDescStatsRequest(DATAPATH, 0), 4)
    assert openflow.table_request(5) == written(parser.OFPTableStatsRequest(DATAPATH, 0), 5)
    assert openflow.group_request(6) == written(parser.OFPGroupDescStatsRequest(DATAPATH, 0), 6)
    assert openflow.port_request(7) == written(parser.OFPPortDescStatsRequest(DATAPATH, 0), 7)


def test_requests_for_all() -> None:
    assert openflow.port_stats_request(1) == written(parser.OFPPortStatsRequest(DATAPATH, 0, ofp.OFPP_ANY), 1)
    assert openflow.group_stats_request(2) == written(parser.OFPGroupStatsRequest(DATAPATH, 0, ofp.OFPG_ALL), 2)
    assert openflow.meter_stats_request(3) == written(parser.OFPMeterStatsRequest(DATAPATH, 0, ofp.OFPM_ALL), 3)
    assert openflow.meter_request(4) == written(parser.OFPMeterConfigStatsRequest(DATAPATH, 0, ofp.OFPM_ALL), 4)
    every_flow = parser.OFPFlowStatsRequest(DATAPATH, 0, ofp.OFPTT_ALL, ofp.OFPP_ANY, ofp.OFPG_ANY, 0, 0)
    assert openflow.flow_request(5) == written(every_flow, 5)


@quick
@given(u32, u32)
def test_requests_for_one(number: int, xid: int) -> None:
    assert openflow.port_stats_request(xid, number) == written(parser.OFPPortStatsRequest(DATAPATH, 0, number), xid)
    assert openflow.group_stats_request(xid, number) == written(parser.OFPGroupStatsRequest(DATAPATH, 0, number), xid)
    assert openflow.meter_stats_request(xid, number) == written(parser.OFPMeterStatsRequest(DATAPATH, 0, number), xid)
    assert openflow.meter_request(xid, number) == written(parser.OFPMeterConfigStatsRequest(DATAPATH, 0, number), xid)


@quick
@given(matches(), u8, u32, st.tuples(u64, u64), st.booleans())
def test_flow_request(match: Match, table: int, out_port: int, cookies: tuple[int, int], aggregate: bool) -> None:
    cookie, cookie_mask = cookies
    request = parser.OFPAggregateStatsRequest if aggregate else parser.OFPFlowStatsRequest
    ryu_match = ryu_words.match(match)
    meant = request(DATAPATH, 0, table, out_port, ofp.OFPG_ANY, cookie, cookie_mask, ryu_match)
    asked = openflow.flow_request(
        9, match, table=table, out_port=out_port, cookie=cookie, cookie_mask=cookie_mask, aggregate=aggregate
    )
    assert asked == written(meant, 9)


@quick
@given(u16, u16, u32)
def test_set_config(flags: int, miss_send_len: int, xid: int) -> None:
    meant = parser.OFPSetConfig(DATAPATH, flags, miss_send_len)
    assert openflow.set_config(xid, flags, miss_send_len) == written(meant, xid)


@pytest.mark.parametrize("role", Role)
def test_role_request(role: Role) -> None:
    meant = parser.OFPRoleRequest(DATAPATH, int(role), 1 << 60)
    assert openflow.role_request(8, role, 1 << 60) == written(meant, 8)


@quick
@given(st.binary(max_size=50), u32)
def test_echo(data: bytes, xid: int) -> None:
    asked = written(parser.OFPEchoRequest(DATAPATH, data), xid)
    assert openflow.echo_request(xid, data) == asked
    heard = openflow.decode(1, asked)
    assert isinstance(heard, EchoRequest)
    assert openflow.echo_reply(heard) == written(parser.OFPEchoReply(DATAPATH, data), xid)


def test_hello_offers_versions() -> None:
    read = ryu_words.read(openflow.hello(7))
    assert (read.version, read.xid, read.elements[0].versions) == (4, 7, [4])
    assert ryu_words.read(openflow.hello(7, {1, 4})).elements[0].versions == [1, 4]


@quick
@given(st.binary(max_size=200), u32)
def test_an_error_quotes_the_first_64_bytes(data: bytes, xid: int) -> None:
    refused = openflow.echo_request(xid, data)
    read = ryu_words.read(openflow.error(BAD_TYPE, refused))
    assert (read.type, read.code) == (ofp.OFPET_BAD_REQUEST, ofp.OFPBRC_BAD_TYPE)
    assert (read.xid, read.data) == (xid, refused[:64])


def test_an_error_answers_what_is_too_short_for_an_xid() -> None:
    assert ryu_words.read(openflow.error(BAD_VERSION, b"\4\0\0")).data == b"\4\0\0"
