"""Matches on the wire, field by field, with Ryu's OFPMatch as the second opinion."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ryu.ofproto.ofproto_v1_3_parser import OFPMatch

from controller.model import FieldValue, Masked, Match
from controller.southbound import oxm
from controller.southbound.wire import (
    BAD_MATCH_LENGTH,
    BAD_MATCH_MASK,
    BAD_MATCH_TYPE,
    BAD_MATCH_VALUE,
    DUPLICATE_MATCH_FIELD,
    Malformed,
)

from . import ryu_words
from .strategies import brief, field_values, masked_values, matches, plain_values, quick


def ryu_bytes(match: Match) -> bytes:
    buffer = bytearray()
    ryu_words.match(match).serialize(buffer, 0)
    return bytes(buffer)


def decoded(octets: bytes) -> oxm.Decoded:
    return oxm.decode(octets, 0, len(octets))


def test_there_are_the_40_fields_of_the_specification() -> None:
    assert [field.number for field in oxm.FIELDS.values()] == list(range(40))
    assert oxm.FIELDS["ipv6_exthdr"].number == 39


@pytest.mark.parametrize("name", oxm.FIELDS)
def test_every_field_alone_is_what_ryu_writes(name: str) -> None:
    field = oxm.FIELDS[name]

    @brief
    @given(field_values(field))
    def check(value: FieldValue) -> None:
        match = Match.of([(name, value)])
        octets = oxm.encode(match)
        assert octets == ryu_bytes(match)
        assert decoded(octets) == (match, True, len(octets))

    check()


@quick
@given(matches())
def test_any_match_is_what_ryu_writes_and_reads(match: Match) -> None:
    octets = oxm.encode(match)
    assert octets == ryu_bytes(match)
    assert ryu_words.items(OFPMatch.parser(octets, 0)) == ryu_words.fields(match)
    assert decoded(octets) == (match, True, len(octets))
    assert len(octets) % 8 == 0


def test_a_match_is_read_where_it_lies_in_a_message() -> None:
    octets = oxm.encode(Match(in_port=7))
    assert oxm.decode(b"before" + octets + b"behind", 6, 6 + len(octets)) == (Match(in_port=7), True, 6 + len(octets))


@pytest.mark.parametrize("name", [name for name, field in oxm.FIELDS.items() if not field.maskable])
def test_a_mask_on_a_field_that_takes_none_is_refused(name: str) -> None:
    field = oxm.FIELDS[name]

    @brief
    @given(masked_values(field))
    def check(value: Masked) -> None:
        with pytest.raises(ValueError, match=f"{name} cannot be masked"):
            oxm.encode(Match.of([(name, value)]))
        with pytest.raises(Malformed) as caught:
            decoded(ryu_bytes(Match.of([(name, value)])))
        assert caught.value.error == BAD_MATCH_MASK

    check()


@pytest.mark.parametrize("name", oxm.FIELDS)
def test_a_mask_of_all_ones_is_no_mask(name: str) -> None:
    field = oxm.FIELDS[name]

    @brief
    @given(plain_values(field))
    def check(value: int | bytes) -> None:
        masked = Match.of([(name, Masked(value, field.all_ones))])
        assert oxm.encode(masked) == oxm.encode(Match.of([(name, value)]))
        assert decoded(ryu_bytes(masked)).match == Match.of([(name, value)])

    check()


@pytest.mark.parametrize("name", oxm.FIELDS)
def test_a_value_that_does_not_fit_is_refused_by_name(name: str) -> None:
    field = oxm.FIELDS[name]
    wrong = [bytes(field.size - 1), bytes(field.size + 1), 1, "text", None]
    if not field.address:
        wrong = [1 << field.bits, -1, bytes(field.size), "text", None]
    for value in wrong:
        with pytest.raises(ValueError, match=f"{name} takes"):
            oxm.encode(Match.of([(name, value)]))  # type: ignore[list-item]


def test_an_unknown_name_is_refused() -> None:
    with pytest.raises(ValueError, match="'dl_dst'"):
        oxm.encode(Match.of([("dl_dst", b"abcdef")]))


def test_bits_outside_the_mask_are_refused_here_and_forgiven_a_switch() -> None:
    stray = Match(ipv4_dst=Masked(bytes([10, 0, 0, 9]), bytes([255, 255, 255, 0])))
    with pytest.raises(ValueError, match="ipv4_dst has bits that its mask leaves out"):
        oxm.encode(stray)
    kept = Masked(bytes([10, 0, 0, 0]), bytes([255, 255, 255, 0]))
    assert decoded(ryu_bytes(stray)).match == Match(ipv4_dst=kept)


def raw_match(*fields: str, length: int | None = None, kind: int = 1) -> bytes:
    body = bytes.fromhex("".join(fields))
    size = 4 + len(body) if length is None else length
    return kind.to_bytes(2, "big") + size.to_bytes(2, "big") + body + bytes(-(4 + len(body)) % 8)


IN_PORT_1 = "8000000400000001"


@pytest.mark.parametrize(
    "unknown",
    [
        "000102" + "02" + "abcd",
        "ffff0007" + "00002320" + "abcdef",
        "8000" + "50" + "02" + "abcd",
    ],
    ids=["Nicira's class", "experimenter", "a field of a later OpenFlow"],
)
def test_fields_without_a_name_are_left_out_and_told(unknown: str) -> None:
    octets = raw_match(unknown, IN_PORT_1, unknown)
    assert decoded(octets) == (Match(in_port=1), False, len(octets))


@pytest.mark.parametrize(
    ("octets", "error"),
    [
        (raw_match(IN_PORT_1, kind=0), BAD_MATCH_TYPE),
        (raw_match(IN_PORT_1, length=3), BAD_MATCH_LENGTH),
        (raw_match(IN_PORT_1, length=24), BAD_MATCH_LENGTH),
        (raw_match(IN_PORT_1, length=11), BAD_MATCH_LENGTH),
        (raw_match("80000002", "0001"), BAD_MATCH_LENGTH),
        (raw_match("80000e01", "08"), BAD_MATCH_VALUE),
        (raw_match("800000"), BAD_MATCH_LENGTH),
        (raw_match(IN_PORT_1, IN_PORT_1), DUPLICATE_MATCH_FIELD),
        (b"\0\1", BAD_MATCH_LENGTH),
    ],
    ids=[
        "not OXM",
        "shorter than its header",
        "longer than the message",
        "field cut",
        "wrong width",
        "too big a value",
        "field header cut",
        "twice",
        "no room",
    ],
)
def test_a_match_that_is_none_names_its_error(octets: bytes, error: tuple[int, int]) -> None:
    with pytest.raises(Malformed) as caught:
        decoded(octets)
    assert caught.value.error == error


oxm_fields = st.builds(
    lambda field, masked, body: (field.masked_header if masked else field.exact_header) + body[: 2 * field.size],
    st.sampled_from(sorted(oxm.FIELDS.values())),
    st.booleans(),
    st.binary(min_size=32, max_size=32),
)


@quick
@given(st.one_of(st.binary(max_size=64), st.lists(oxm_fields, max_size=4).map(b"".join)))
def test_any_bytes_are_a_match_or_malformed(octets: bytes) -> None:
    for candidate in (octets, raw_match(octets.hex())):
        try:
            found = decoded(candidate)
        except Malformed:
            continue
        assert decoded(oxm.encode(found.match)).match == found.match
