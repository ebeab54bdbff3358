"""Orders, actions and instructions: our bytes are Ryu's bytes, and are read back as what was meant."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ryu.ofproto import ofproto_v1_3 as ofp
from ryu.ofproto import ofproto_v1_3_parser as parser

from controller.model import (
    NO_BUFFER,
    Action,
    Apply,
    Bucket,
    Group,
    GroupType,
    Install,
    Instruction,
    Masked,
    Match,
    Meter,
    Order,
    Output,
    RawAction,
    Remove,
    RemoveGroup,
    RemoveMeter,
    Rule,
    Send,
    SetField,
    SetGroup,
    SetMeter,
)
from controller.southbound import openflow
from controller.southbound.actions import (
    decode_actions,
    decode_instructions,
    encode_actions,
    encode_instructions,
)
from controller.southbound.orders import decode_buckets, decode_meter, encode_buckets
from controller.southbound.wire import Malformed

from . import ryu_words
from .ryu_words import DATAPATH, written
from .strategies import (
    RAW_ACTIONS,
    action_lists,
    actions,
    buckets,
    groups,
    instruction_lists,
    matches,
    meters,
    quick,
    rules,
    u8,
    u16,
    u32,
    u64,
)


def serialized(parts: list[Any]) -> bytes:
    """What Ryu writes for a list of its actions, instructions or buckets."""
    buffer = bytearray()
    for part in parts:
        part.serialize(buffer, len(buffer))
    return bytes(buffer)


# ---------------------------------------------------------------- actions and instructions


@quick
@given(actions)
def test_an_action_is_what_ryu_writes(action: Action) -> None:
    octets = encode_actions([action])
    assert octets == serialized([ryu_words.action(action)])
    assert decode_actions(octets, 0, len(octets)) == (action,)


@pytest.mark.parametrize("name", RAW_ACTIONS)
def test_an_action_without_a_word_keeps_its_bytes(name: str) -> None:
    action = RAW_ACTIONS[name]
    assert serialized([ryu_words.action(action)]) == action.data
    assert decode_actions(action.data, 0, len(action.data)) == (action,)


@quick
@given(action_lists)
def test_actions_keep_their_order(some: tuple[Action, ...]) -> None:
    octets = encode_actions(some)
    assert octets == serialized(ryu_words.actions(some))
    assert decode_actions(b"x" * 8 + octets, 8, 8 + len(octets)) == some


@quick
@given(instruction_lists)
def test_instructions_are_what_ryu_writes(some: tuple[Instruction, ...]) -> None:
    octets = encode_instructions(some)
    assert octets == serialized(ryu_words.instructions(some))
    assert decode_instructions(octets, 0, len(octets)) == (some, True)


def test_an_instruction_without_a_word_is_left_out_and_told() -> None:
    experimenter = bytes.fromhex("ffff001000002320" + "00" * 8)
    clear = bytes.fromhex("0005000800000000")
    octets = experimenter + clear
    assert decode_instructions(octets, 0, len(octets)) == (decode_instructions(clear, 0, 8)[0], False)


@pytest.mark.parametrize(
    "field",
    [
        "0019 0010 00010202 0001 000000000000",
        "0019 0018 8000070c 010203000000 ffffff000000 00000000",
    ],
    ids=["Nicira's in_port", "eth_dst under a mask"],
)
def test_a_set_field_that_has_no_word_keeps_its_bytes(field: str) -> None:
    octets = bytes.fromhex(field)
    assert decode_actions(octets, 0, len(octets)) == (RawAction(octets),)


@pytest.mark.parametrize(
    ("action", "fault"),
    [
        (SetField("dl_src", 1), "dl_src"),
        (SetField("eth_src", b"short"), "eth_src takes 6 bytes"),
        (SetField("vlan_vid", Masked(1, 1)), "set-field vlan_vid takes no mask"),  # type: ignore[arg-type]
        (RawAction(b"\0\0\0\x10"), "not an action"),
        (RawAction(bytes.fromhex("000b001000000000")), "not an action"),
        (RawAction(bytes.fromhex("000b00090000000000")), "not an action"),
    ],
)
def test_an_action_that_no_switch_could_read_is_refused(action: Action, fault: str) -> None:
    with pytest.raises(ValueError, match=fault):
        encode_actions([action])


@pytest.mark.parametrize(
    "octets", ["00000010", "0000000800000001", "0012000000000000", "0012001000000000", "00120009" + "00" * 8]
)
def test_an_action_of_a_wrong_length_is_malformed(octets: str) -> None:
    data = bytes.fromhex(octets)
    with pytest.raises(Malformed) as caught:
        decode_actions(data, 0, len(data))
    assert caught.value.error == (ofp.OFPET_BAD_ACTION, ofp.OFPBAC_BAD_LEN)


@pytest.mark.parametrize("octets", ["00050008", "0005000000000000", "0001001000000000", "00040018" + "00" * 8])
def test_an_instruction_of_a_wrong_length_is_malformed(octets: str) -> None:
    data = bytes.fromhex(octets)
    with pytest.raises(Malformed) as caught:
        decode_instructions(data, 0, len(data))
    assert caught.value.error == (ofp.OFPET_BAD_INSTRUCTION, ofp.OFPBIC_BAD_LEN)


# ---------------------------------------------------------------- rules


@quick
@given(rules, u32)
def test_install_is_what_ryu_writes_and_reads(rule: Rule, xid: int) -> None:
    octets = openflow.encode(Install(1, rule), xid)
    meant = parser.OFPFlowMod(
        DATAPATH,
        rule.cookie,
        0,
        rule.table,
        ofp.OFPFC_ADD,
        rule.idle_timeout,
        rule.hard_timeout,
        rule.priority,
        ofp.OFP_NO_BUFFER,
        ofp.OFPP_ANY,
        ofp.OFPG_ANY,
        ofp.OFPFF_SEND_FLOW_REM if rule.notify else 0,
        ryu_words.match(rule.match),
        ryu_words.instructions(rule.instructions),
    )
    assert octets == written(meant, xid)
    read = ryu_words.read(octets)
    assert (read.xid, read.cookie, read.command, read.priority) == (xid, rule.cookie, ofp.OFPFC_ADD, rule.priority)
    assert ryu_words.items(read.match) == ryu_words.fields(rule.match)
    assert serialized(read.instructions) == serialized(meant.instructions)


@quick
@given(st.builds(Remove, st.just(1), matches(), u8, st.booleans(), u16, u32, u64, u64), u32)
def test_remove_is_what_ryu_writes(order: Remove, xid: int) -> None:
    meant = parser.OFPFlowMod(
        DATAPATH,
        cookie=order.cookie,
        cookie_mask=order.cookie_mask,
        table_id=order.table,
        command=ofp.OFPFC_DELETE_STRICT if order.strict else ofp.OFPFC_DELETE,
        priority=order.priority,
        out_port=order.out_port,
        out_group=ofp.OFPG_ANY,
        match=ryu_words.match(order.match),
    )
    assert openflow.encode(order, xid) == written(meant, xid)


# ---------------------------------------------------------------- groups and meters


@quick
@given(groups, u32, st.booleans())
def test_set_group_is_what_ryu_writes(group: Group, xid: int, modify: bool) -> None:
    command = ofp.OFPGC_MODIFY if modify else ofp.OFPGC_ADD
    ryu_buckets = [ryu_words.bucket(one) for one in group.buckets]
    meant = parser.OFPGroupMod(DATAPATH, command, int(group.type), group.group_id, ryu_buckets)
    assert openflow.encode(SetGroup(1, group), xid, modify=modify) == written(meant, xid)


@given(u32, u32)
def test_remove_group_is_what_ryu_writes(group_id: int, xid: int) -> None:
    meant = parser.OFPGroupMod(DATAPATH, ofp.OFPGC_DELETE, ofp.OFPGT_ALL, group_id, [])
    assert openflow.encode(RemoveGroup(1, group_id), xid) == written(meant, xid)


@quick
@given(st.lists(buckets, max_size=4).map(tuple))
def test_buckets_are_read_back(some: tuple[Bucket, ...]) -> None:
    octets = encode_buckets(some)
    assert decode_buckets(octets, 0, len(octets)) == some


@quick
@given(meters, u32, st.booleans())
def test_set_meter_is_what_ryu_writes(meter: Meter, xid: int, modify: bool) -> None:
    flags = (ofp.OFPMF_PKTPS if meter.packets else ofp.OFPMF_KBPS) | (ofp.OFPMF_BURST if meter.burst else 0)
    bands = [parser.OFPMeterBandDrop(meter.rate, meter.burst)]
    command = ofp.OFPMC_MODIFY if modify else ofp.OFPMC_ADD
    meant = written(parser.OFPMeterMod(DATAPATH, command, flags, meter.meter_id, bands), xid)
    assert openflow.encode(SetMeter(1, meter), xid, modify=modify) == meant
    assert decode_meter(meter.meter_id, flags, meant, 16, len(meant)) == meter


@given(u32, u32)
def test_remove_meter_is_what_ryu_writes(meter_id: int, xid: int) -> None:
    meant = parser.OFPMeterMod(DATAPATH, ofp.OFPMC_DELETE, 0, meter_id, [])
    assert openflow.encode(RemoveMeter(1, meter_id), xid) == written(meant, xid)


# ---------------------------------------------------------------- packets


@quick
@given(action_lists.filter(len), st.binary(max_size=100), u32, u32)
def test_send_is_what_ryu_writes(some: tuple[Action, ...], frame: bytes, in_port: int, xid: int) -> None:
    meant = parser.OFPPacketOut(DATAPATH, NO_BUFFER, in_port, ryu_words.actions(some), frame)
    assert openflow.encode(Send(1, some, frame, in_port), xid) == written(meant, xid)


def test_send_without_actions_drops_the_frame() -> None:
    # Ryu overwrites the frame when there is no action, and so is no second opinion here.
    octets = openflow.encode(Send(1, (), b"frame", 3), 5)
    assert octets == bytes.fromhex("040d001d 00000005 ffffffff 00000003 0000 000000000000") + b"frame"


def test_a_packet_that_the_switch_kept_is_not_sent_again() -> None:
    meant = parser.OFPPacketOut(DATAPATH, 77, 3, [parser.OFPActionOutput(2, 0xFFFF)])
    assert openflow.encode(Send(1, (Output(2),), b"frame", 3, 77), 5) == written(meant, 5)


# ---------------------------------------------------------------- refusals


@pytest.mark.parametrize(
    "order",
    [
        Install(1, Rule(Match(), priority=1 << 16)),
        Install(1, Rule(Match(), (Apply((Output(1 << 32),)),))),
        Install(1, Rule(Match(in_port=-1))),
        Remove(1, table=256),
        SetGroup(1, Group(1, GroupType.SELECT, (Bucket((), weight=1 << 16),))),
        SetMeter(1, Meter(1, rate=-1)),
        Send(1, (), bytes(70000)),
    ],
)
def test_an_order_whose_numbers_do_not_fit_is_refused(order: Order) -> None:
    with pytest.raises(ValueError, match=r"fit|takes"):
        openflow.encode(order, 1)
