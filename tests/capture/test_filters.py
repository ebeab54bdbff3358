"""The filter language: what it selects, and what it says to expressions that say nothing."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from experiments.capture.filters import FilterError, parse
from experiments.capture.messages import Message
from experiments.errors import UserError
from tests.capture.samples import FRAME, FROM_CONTROLLER, MATCHES, message, part, serialised

START = 1_790_000_000.0


def heard(raw: bytes, *, time: float = 0.0, dpid: int | None = 2, from_switch: bool = True) -> Message:
    """A message of a capture that began at START."""
    return Message(START + time, dpid, from_switch, "127.0.0.1:40000", raw)


def wanted(expression: str, found: Message) -> bool:
    """Whether the expression holds for the message."""
    return parse(expression)(found, START)


def packet_in(frame: bytes = FRAME, match: bytes | None = None) -> bytes:
    """A PACKET_IN that carries a frame."""
    body = struct.pack("!IHBBQ", 0xFFFFFFFF, len(frame), 0, 0, 0)
    return message("PACKET_IN", body + (match or part(MATCHES[0])) + b"\0\0" + frame)


ASKED = heard(packet_in(), time=0.5)
ORDERED = heard(serialised(FROM_CONTROLLER["FLOW_MOD 6"], xid=0x1F), time=1.5, dpid=0xAB, from_switch=False)


@pytest.mark.parametrize(
    ("expression", "asked", "ordered"),
    [
        ("", True, True),
        ("type == PACKET_IN", True, False),
        ("type == packet_in", True, False),
        ("type != OFPT_PACKET_IN", False, True),
        ("type == 14", False, True),
        ("type in (PACKET_IN, FLOW_MOD)", True, True),
        ("type in (HELLO)", False, False),
        ("switch == 2", True, False),
        ("switch == 0xab", False, True),
        ("switch == 00000000000000ab", False, True),
        ("switch == 00:00:00:00:00:00:00:ab", False, True),
        ("switch in (1, 2, 3)", True, False),
        ("xid == 0x1f", False, True),
        ("xid < 31", True, False),
        ("xid >= 31", False, True),
        ("time < 1", True, False),
        ("time < 1s and time > 499ms", True, False),
        ("time <= 1500000us and time >= 1.5", False, True),
        ("time > 2001-01-01T00:00:00", True, True),
        ('time < "2001-01-01 00:00:00"', False, False),
        ("time >= 2026-09-21T14:13:21+00:00", False, True),
        ("direction == from_switch", True, False),
        ("direction == to_switch", False, True),
        ("direction != from_controller", True, False),
        ("length > 100", False, True),
        ("host == 10.0.0.10", True, False),
        ("host == 10.0.0.11", True, False),
        ("host == 02-00-00-00-00-0A", True, False),
        ("host == 10.0.0.1", False, True),
        ("host == 10.1.77.1", False, True),
        ("host == 10.2.0.1", False, False),
        ("host == 192.0.2.1", False, True),
        ("host != 10.0.0.10", False, True),
        ("host in (10.0.0.1, 10.0.0.10)", True, True),
        ("type == PACKET_IN and switch == 2 or switch == 3 and xid == 9", True, False),
        ("type == PACKET_IN and (switch == 3 or xid == 8)", False, False),
        ("not type == PACKET_IN and switch == 2", False, False),
        ("not (type == PACKET_IN and switch == 2)", False, True),
        ("not not type == PACKET_IN", True, False),
        ("type == PACKET_IN && ! switch == 3 || xid == 31", True, True),
        ("TYPE == PACKET_IN AND SWITCH==2", True, False),
    ],
)
def test_an_expression_selects(expression: str, asked: bool, ordered: bool) -> None:
    assert (wanted(expression, ASKED), wanted(expression, ORDERED)) == (asked, ordered)


def test_a_host_is_found_in_every_carried_frame() -> None:
    from scapy.layers.inet import IP, UDP
    from scapy.layers.inet6 import ICMPv6ND_NS, IPv6
    from scapy.layers.l2 import Dot1Q, Ether

    tagged = (
        Ether(src="02:00:00:00:00:01", dst="02:00:00:00:00:02")
        / Dot1Q(vlan=7)
        / IP(src="192.0.2.7", dst="192.0.2.8")
        / UDP()
    )
    asking = (
        Ether(dst="33:33:ff:00:00:02") / IPv6(src="2001:db8::1", dst="ff02::1:ff00:2") / ICMPv6ND_NS(tgt="2001:db8::2")
    )
    for frame, address in (
        (tagged, "192.0.2.7"),
        (tagged, "192.0.2.8"),
        (tagged, "02:00:00:00:00:01"),
        (asking, "2001:db8::1"),
        (asking, "2001:DB8:0:0::2"),
    ):
        assert wanted(f"host == {address}", heard(packet_in(bytes(frame))))
    # The same bytes, where no header has an address.
    payload = Ether(dst="02:00:00:00:00:02") / IP(src="192.0.2.1", dst="192.0.2.2") / UDP() / bytes((10, 0, 0, 10))
    assert not wanted("host == 10.0.0.10", heard(packet_in(bytes(payload))))


def test_a_host_is_found_in_the_message_that_an_error_quotes() -> None:
    refused = heard(message("ERROR", b"\0\4\0\x09" + ORDERED.raw))
    assert wanted("host == 10.0.0.1", refused)
    assert not wanted("host == 10.0.0.77", refused)


def test_an_unknown_switch_is_no_switch() -> None:
    unknown = heard(ASKED.raw, dpid=None)
    assert not wanted("switch == 2", unknown)
    assert wanted("switch != 2", unknown)


@pytest.mark.parametrize(
    ("expression", "at", "says"),
    [
        ("type == FLOWMOD", 8, "did you mean FLOW_MOD"),
        ("type == PACKET_IN and swich == 2", 22, "did you mean switch"),
        ("colour == 2", 0, "there are: type, switch, host"),
        ("switch < 2", 7, "has no order"),
        ("host > 10.0.0.1", 5, "has no order"),
        ("host == 10.0.0", 8, "write 10.0.0.1"),
        ("host == 10.0.0.0/8", 8, "is no address"),
        ("switch == s2", 10, "a dpid is written"),
        ("time < soon", 7, "20ms after the first message"),
        ("xid == x", 7, "is no number"),
        ("direction == up", 13, "from_switch"),
        ("type PACKET_IN", 5, "a comparison is expected"),
        ("type = PACKET_IN", 5, "a comparison is expected"),
        ("type ==", 7, "a value is expected here: a message type"),
        ("type == and", 8, "a value is expected"),
        ("(type == HELLO", 14, "to close the parenthesis"),
        ("type == HELLO)", 13, "`and`, `or` or the end"),
        ("type == HELLO switch == 2", 14, "`and`, `or` or the end"),
        ("type in HELLO", 8, "`(` is expected"),
        ("type in (HELLO, ERORR)", 16, "did you mean ERROR"),
        ("type in (HELLO", 14, "after the values"),
        ("and type == HELLO", 0, "a field is expected"),
        ("type == HELLO and", 17, "a field is expected"),
        ("type == ?", 8, "means nothing"),
        ("  type ==   §", 12, "means nothing"),
    ],
)
def test_a_wrong_expression_is_told_where(expression: str, at: int, says: str) -> None:
    with pytest.raises(FilterError) as caught:
        parse(expression)
    what, shown, caret = str(caught.value).splitlines()
    assert says in what
    assert shown == f"  {expression}"
    assert caret.index("^") - 2 == at
    assert isinstance(caught.value, UserError)


WORDS = st.sampled_from(["type", "switch", "host", "time", "==", "<", "in", "(", ")", ",", "and", "or", "not", "HELLO"])
OTHERS = st.sampled_from(["2", "10.0.0.1", "!", '"', "§"])


@given(st.lists(WORDS | OTHERS))
def test_any_words_are_an_expression_or_an_error_in_place(words: list[str]) -> None:
    expression = " ".join(words)
    try:
        predicate = parse(expression)
    except FilterError as error:
        caret = str(error).splitlines()[-1]
        assert 0 <= caret.index("^") - 2 <= len(expression)
    else:
        assert predicate(ASKED, START) in (True, False)
