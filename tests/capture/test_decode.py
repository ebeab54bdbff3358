"""Every message type, decoded by us and by Ryu, field by field; and what is no message at all."""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import ip_address
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ryu.ofproto import ofproto_v1_3 as ofp

from experiments.capture.decode import decode
from experiments.capture.names import ERROR, ERROR_CODE, MESSAGE, MULTIPART, TYPE
from tests.capture.samples import FROM_CONTROLLER, FROM_SWITCH, Sample, all_samples, message, serialised

ENUMERATIONS = {
    "PACKET_IN.reason": "OFPR_",
    "FLOW_REMOVED.reason": "OFPRR_",
    "PORT_STATUS.reason": "OFPPR_",
    "FLOW_MOD.command": "OFPFC_",
    "GROUP_MOD.command": "OFPGC_",
    "GROUP_MOD.type": "OFPGT_",
    "METER_MOD.command": "OFPMC_",
    "ROLE_REQUEST.role": "OFPCR_ROLE_",
    "ROLE_REPLY.role": "OFPCR_ROLE_",
    "GET_CONFIG_REPLY.flags": "OFPC_FRAG_",
    "SET_CONFIG.flags": "OFPC_FRAG_",
    "MULTIPART_REQUEST.type": "OFPMP_",
    "MULTIPART_REPLY.type": "OFPMP_",
    "ERROR.type": "OFPET_",
    "actions.type": "OFPAT_",
    "instructions.type": "OFPIT_",
    "bands.type": "OFPMBT_",
    "elements.type": "OFPHET_",
    "GROUP_DESC.type": "OFPGT_",
    "TABLE_FEATURES.properties.type": "OFPTFPT_",
    "queues.properties.type": "OFPQT_",
}
"""Our name with this prefix is Ryu's constant. The longest ending of the path decides."""

FLAGS = {
    "FLOW_MOD.flags": "OFPFF_",
    "FLOW.flags": "OFPFF_",
    "METER_MOD.flags": "OFPMF_",
    "METER_CONFIG.flags": "OFPMF_",
    "METER_FEATURES.capabilities": "OFPMF_",
    "GROUP_FEATURES.capabilities": "OFPGFC_",
    "FEATURES_REPLY.capabilities": "OFPC_",
    "config": "OFPPC_",
    "mask": "OFPPC_",
    "state": "OFPPS_",
    **dict.fromkeys(("curr", "advertised", "supported", "peer", "advertise"), "OFPPF_"),
}
POSITIONS = {
    "METER_FEATURES.band_types": "OFPMBT_",
    "GROUP_FEATURES.types": "OFPGT_",
    **{f"GROUP_FEATURES.actions.{kind}": "OFPAT_" for kind in ("ALL", "SELECT", "INDIRECT", "FF")},
    "packet_in_mask": "OFPR_",
    "port_status_mask": "OFPPR_",
    "flow_removed_mask": "OFPRR_",
}
"""Flags whose bit is that of an enumerated value."""

RYU_NAMES = {"next_table_ids": "table_ids", "field": "key", "reserved": "_reserved"}
RYU_LACKS = {"ERROR": {"message", "text"}, "bands": {"data"}}
ERROR_PREFIX = {
    "HELLO_FAILED": "OFPHFC_",
    "BAD_REQUEST": "OFPBRC_",
    "BAD_ACTION": "OFPBAC_",
    "BAD_INSTRUCTION": "OFPBIC_",
    "BAD_MATCH": "OFPBMC_",
    "FLOW_MOD_FAILED": "OFPFMFC_",
    "GROUP_MOD_FAILED": "OFPGMFC_",
    "PORT_MOD_FAILED": "OFPPMFC_",
    "TABLE_MOD_FAILED": "OFPTMFC_",
    "QUEUE_OP_FAILED": "OFPQOFC_",
    "SWITCH_CONFIG_FAILED": "OFPSCFC_",
    "ROLE_REQUEST_FAILED": "OFPRRFC_",
    "METER_MOD_FAILED": "OFPMMFC_",
    "TABLE_FEATURES_FAILED": "OFPTFFC_",
}


def test_the_samples_are_every_type_and_every_multipart_type_in_both_directions() -> None:
    names = {MESSAGE[sample.raw[1]] for sample in all_samples()}
    assert names == set(MESSAGE.values())
    for way, samples in (("request", FROM_CONTROLLER), ("reply", FROM_SWITCH)):
        assert {f"{way} {name}" for name in MULTIPART.values()} <= set(samples)


@pytest.mark.parametrize("sample", all_samples(), ids=lambda sample: sample.label)
def test_every_field_is_what_ryu_reads(sample: Sample) -> None:
    name = MESSAGE[sample.raw[1]]
    fields = decode(sample.raw)
    assert "malformed" not in fields
    compare(fields, sample.ryu, name)


def test_every_error_has_the_name_that_ryu_gives_it() -> None:
    for kind, codes in ERROR_CODE.items():
        prefix = ERROR_PREFIX[ERROR[kind]]
        known = {value for name, value in vars(ofp).items() if name.startswith(prefix)}
        assert {getattr(ofp, prefix + name): name for name in codes.values()} == codes
        assert known == set(codes)


def compare(ours: Mapping[str, Any], theirs: Any, path: str) -> None:
    """Every field of ours is the same in Ryu's object."""
    for key, value in ours.items():
        here = f"{path}.{key}"
        if key in RYU_LACKS.get(path.rpartition(".")[2], ()):
            continue
        if key == "code":
            assert getattr(ofp, ERROR_PREFIX[ours["type"]] + value) == theirs.code
        elif path.startswith("MULTIPART") and key == "body":
            compare_body(value, theirs, ours["type"])
        elif key == "type" and path.endswith("queues.properties"):
            assert constant(here, value) == theirs.property
        elif path.startswith("MULTIPART") and key == "flags":
            assert (value == ["MORE"]) == bool(theirs.flags)
        elif key in {"instruction_ids", "action_ids"}:
            prefix = "OFPIT_" if key == "instruction_ids" else "OFPAT_"
            assert [getattr(ofp, prefix + word) for word in value] == [item.type for item in getattr(theirs, key)]
        elif key == "oxm_ids":
            named = [item.type + "/mask" * bool(item.hasmask) for item in theirs.oxm_ids]
            # Ryu has names of its own for fields that OpenFlow 1.3 does not define.
            assert value == [ours if ours.startswith("oxm_") else name for ours, name in zip(value, named, strict=True)]
        elif path.endswith("GROUP_FEATURES") and key in {"max_groups", "actions"}:
            numbers = [number(f"{here}.{kind}", entry) for kind, entry in value.items()]
            assert numbers == list(getattr(theirs, key))
        else:
            same(value, getattr(theirs, RYU_NAMES.get(key, key)), here)


def compare_body(body: Any, theirs: Any, kind: str) -> None:
    """A request's body is on Ryu's object itself, a reply's is its ``body``."""
    if not hasattr(theirs, "body"):
        if isinstance(body, dict):
            compare(body, theirs, kind)
        else:
            assert body == list(theirs.body if hasattr(theirs, "body") else [])
    elif isinstance(body, dict):
        compare(body, theirs.body[0] if isinstance(theirs.body, list) else theirs.body, kind)
    else:
        same(body, theirs.body, kind)


def same(ours: Any, theirs: Any, path: str) -> None:
    """One value."""
    if path.rpartition(".")[2] == "match":
        assert ours == {name: match_value(value) for name, value in theirs.items()}, path
    elif lookup(ENUMERATIONS, path):
        assert constant(path, ours) == theirs, path
    elif lookup(FLAGS, path) or lookup(POSITIONS, path):
        if isinstance(ours, list) and ours and isinstance(ours[0], list):
            assert [number(path, words) for words in ours] == list(theirs), path
        else:
            assert number(path, ours) == theirs, path
    elif isinstance(ours, list) and all(isinstance(item, dict) for item in ours):
        assert len(ours) == len(theirs), path
        for our_item, their_item in zip(ours, theirs, strict=True):
            compare(our_item, their_item, path)
    elif isinstance(ours, dict):
        compare(ours, theirs, path)
    else:
        assert ours == plain(theirs, ours), path


def lookup(table: dict[str, str], path: str) -> str | None:
    """The entry for the end of a path."""
    return next((prefix for key, prefix in table.items() if f".{path}".endswith(f".{key}")), None)


def constant(path: str, name: str) -> int:
    """Ryu's number for our name."""
    return int(getattr(ofp, f"{lookup(ENUMERATIONS, path)}{name}"))


def number(path: str, value: Any) -> int:
    """The number whose flags ours are; numbers stay."""
    if isinstance(value, int):
        return value
    known = [word for word in value if not word.startswith("0x")]
    rest = sum(int(word, 16) for word in value if word.startswith("0x"))
    prefix = lookup(FLAGS, path)
    if prefix:
        return rest + sum(int(getattr(ofp, prefix + word)) for word in known)
    return rest + sum(1 << int(getattr(ofp, f"{lookup(POSITIONS, path)}{word}")) for word in known)


def match_value(value: Any) -> Any:
    """Ryu's value of a match field in our form."""
    if isinstance(value, tuple):
        return {"value": match_value(value[0]), "mask": match_value(value[1])}
    return str(ip_address(value)) if isinstance(value, str) and value.count(":") != 5 else value


def plain(theirs: Any, ours: Any) -> Any:
    """Ryu's bytes as the text or the hexadecimal that we show."""
    if isinstance(theirs, (bytes, bytearray)):
        return theirs.rstrip(b"\0").decode() if is_text(bytes(theirs), ours) else bytes(theirs).hex()
    if isinstance(theirs, list) and isinstance(ours, str):
        return bytes(theirs).hex()
    if theirs is None:
        return ""  # Ryu has nothing where we have no bytes
    return match_value(theirs) if isinstance(theirs, str) and isinstance(ours, str) and is_address(theirs) else theirs


def is_text(theirs: bytes, ours: Any) -> bool:
    """Whether a field of bytes is one that we show as text."""
    return bool(theirs) and theirs.rstrip(b"\0") == str(ours).encode()


def is_address(text: str) -> bool:
    """Whether a text is an IP address."""
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


# ---------------------------------------------------------------- what Ryu does not tell


def test_an_error_holds_the_message_that_was_refused() -> None:
    refused = serialised(FROM_CONTROLLER["FLOW_MOD 5"], xid=0x1234)
    error = decode(message("ERROR", b"\0\4\0\x09" + refused[:64]))
    assert (error["type"], error["code"], error["data"]) == ("BAD_MATCH", "BAD_PREREQ", refused[:64].hex())
    quoted = error["message"]
    assert (quoted["type"], quoted["xid"], quoted["length"]) == ("FLOW_MOD", 0x1234, len(refused))
    whole = decode(refused)
    assert quoted["fields"]["priority"] == whole["priority"]
    assert quoted["fields"]["match"].items() <= whole["match"].items()
    assert "malformed" in quoted["fields"]
    assert "malformed" not in error
    assert decode(message("ERROR", b"\0\4\0\x09" + refused))["message"]["fields"] == whole


def test_an_unpadded_set_field_does_not_harm_the_next_action() -> None:
    padded = decode(serialised(FROM_CONTROLLER["PACKET_OUT"]))["actions"]
    assert [action["type"] for action in padded[:8]] == ["SET_FIELD"] * 7 + ["COPY_TTL_OUT"]
    # 14 bytes instead of 16: the OXM (4 + 6) behind the header (4), without the padding that belongs there.
    unpadded = bytes.fromhex("0019000e80000606020000000009") + bytes.fromhex("00000010 00000002 ffff 000000000000")
    body = bytes.fromhex("ffffffff fffffffd") + len(unpadded).to_bytes(2) + bytes(6) + unpadded
    assert decode(message("PACKET_OUT", body))["actions"] == [
        {"type": "SET_FIELD", "field": "eth_dst", "value": "02:00:00:00:00:09"},
        {"type": "OUTPUT", "port": 2, "max_len": 0xFFFF},
    ]


def test_fields_of_other_classes_show_whose_they_are() -> None:
    register = bytes.fromhex("0001 00 04 0000002a")
    onf = bytes.fromhex("ffff 54 06 4f4e4600 0002")
    oxm = register + onf
    match = (1).to_bytes(2) + (4 + len(oxm)).to_bytes(2) + oxm + bytes(-(4 + len(oxm)) % 8)
    fields = decode(message("PACKET_IN", bytes(16) + match + b"\0\0"))
    assert fields["match"] == {"oxm_0001_0": "0000002a", "oxm_ffff_42_4f4e4600": "0002"}
    assert "malformed" not in fields


def test_other_versions_are_said_and_their_hello_is_read() -> None:
    assert "version 1" in decode(bytes.fromhex("010e000800000001"))["malformed"]
    assert decode(bytes.fromhex("06000010000000010001000800000052"))["elements"] == [
        {"type": "VERSIONBITMAP", "versions": [1, 4, 6]}
    ]


def test_a_hello_lists_all_versions_and_its_elements_are_padded() -> None:
    body = bytes.fromhex("0001000c 00000012 00000002 0000000000ff0006 abcd 000000010008 00000010")
    assert decode(message("HELLO", body)) == {
        "elements": [
            {"type": "VERSIONBITMAP", "versions": [1, 4, 33]},
            {"type": 0xFF, "data": "abcd"},
            {"type": "VERSIONBITMAP", "versions": [4]},
        ]
    }
    assert "0 bytes long" in decode(message("HELLO", bytes(8)))["malformed"]


@pytest.mark.parametrize("sample", all_samples(), ids=lambda sample: sample.label)
def test_a_message_cut_anywhere_keeps_its_first_fields_and_says_so(sample: Sample) -> None:
    whole = decode(sample.raw)
    step = max(1, len(sample.raw) // 97)
    for length in range(0, len(sample.raw), step):
        cut = decode(sample.raw[:length])
        assert cut.pop("malformed")
        assert list(cut) == list(whole)[: len(cut)]


@given(st.sampled_from(sorted(MESSAGE)), st.binary(max_size=200))
def test_any_bytes_are_decoded_or_called_malformed(kind: int, body: bytes) -> None:
    decode(message(MESSAGE[kind], body))


@given(st.data())
def test_changed_bytes_never_raise(data: st.DataObject) -> None:
    sample = data.draw(st.sampled_from(all_samples()))
    raw = bytearray(sample.raw)
    for place in data.draw(st.lists(st.integers(0, len(raw) - 1), min_size=1, max_size=4)):
        raw[place] = data.draw(st.integers(0, 255))
    decode(bytes(raw))


def test_lengths_that_contradict_are_said() -> None:
    assert "3 bytes more" in decode(message("BARRIER_REPLY", b"abc"))["malformed"]
    assert "header says" in decode(message("BARRIER_REPLY") + b"x")["malformed"]
    assert "unknown" in decode(bytes((4, 99, 0, 8, 0, 0, 0, 0)))["malformed"]
    assert decode(b"")["malformed"]
    assert TYPE["METER_MOD"] == 29
