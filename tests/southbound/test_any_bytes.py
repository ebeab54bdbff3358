"""Whatever a switch sends: a value, None, or Malformed; never another exception."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.model import Packet
from controller.southbound import openflow
from controller.southbound.openflow import Malformed
from controller.southbound.wire import BAD_LENGTH, BAD_TYPE, BAD_VERSION, MessageType

from .strategies import thorough
from .switch_words import SAMPLES, message, multipart


def outcome(octets: bytes) -> object:
    """What decoding gave: Malformed counts as a value, anything else that is raised fails the test."""
    try:
        return openflow.decode(1, octets)
    except Malformed as fault:
        return fault


def with_true_length(octets: bytes) -> bytes:
    """A message whose header owns up to its length."""
    return octets[:2] + len(octets).to_bytes(2, "big") + octets[4:]


@given(st.binary(max_size=120))
@thorough
def test_any_bytes(octets: bytes) -> None:
    assert isinstance(outcome(octets), (Malformed, openflow.Message | None))


@given(st.sampled_from(MessageType), st.binary(max_size=150))
@thorough
def test_any_body_of_any_type(kind: MessageType, body: bytes) -> None:
    assert isinstance(outcome(message(kind, body)), (Malformed, openflow.Message | None))


@given(st.integers(0, 14), st.binary(max_size=150))
@thorough
def test_any_multipart_body(kind: int, body: bytes) -> None:
    assert isinstance(outcome(multipart(kind, body)), (Malformed, openflow.Message | None))


@given(st.sampled_from(sorted(SAMPLES)), st.data())
@thorough
def test_any_byte_of_a_valid_message_changed(name: str, data: st.DataObject) -> None:
    octets = bytearray(SAMPLES[name])
    for at in data.draw(st.lists(st.integers(0, len(octets) - 1), min_size=1, max_size=4)):
        octets[at] = data.draw(st.integers(0, 255))
    assert isinstance(outcome(bytes(octets)), (Malformed, openflow.Message | None))
    assert isinstance(outcome(with_true_length(bytes(octets))), (Malformed, openflow.Message | None))


@pytest.mark.parametrize("name", SAMPLES)
def test_a_message_cut_at_any_length(name: str) -> None:
    octets = SAMPLES[name]
    for size in range(len(octets)):
        fault = outcome(octets[:size])
        assert isinstance(fault, Malformed), size
        assert fault.error in (None, BAD_LENGTH)
        if size >= 8:
            assert isinstance(outcome(with_true_length(octets[:size])), (Malformed, openflow.Message | None)), size


LEAST = {
    "error": 12,
    "features": 32,
    "config": 12,
    "packet in": 34,
    "flow removed": 56,
    "port status": 80,
    "role": 24,
} | {name: 16 for name in SAMPLES if name.startswith("multipart")}
"""The size up to which nothing may be missing; behind it a list may end early, and a frame anywhere."""


@pytest.mark.parametrize("name", LEAST)
def test_a_message_shorter_than_its_fixed_part_is_malformed(name: str) -> None:
    for size in range(8, LEAST[name]):
        fault = outcome(with_true_length(SAMPLES[name][:size]))
        assert isinstance(fault, Malformed), size


@pytest.mark.parametrize("kind", [5, 7, 9, 13, 14, 15, 16, 17, 18, 20, 22, 24, 26, 28, 29, 30, 99, 255])
def test_a_type_that_no_switch_sends_is_refused(kind: int) -> None:
    fault = outcome(message(kind, bytes(40)))
    assert isinstance(fault, Malformed)
    assert fault.error == BAD_TYPE


@pytest.mark.parametrize("name", sorted(set(SAMPLES) - {"hello", "error"}))
def test_another_version_is_refused(name: str) -> None:
    fault = outcome(b"\1" + SAMPLES[name][1:])
    assert isinstance(fault, Malformed)
    assert fault.error == BAD_VERSION


def test_an_error_is_never_answered_by_an_error() -> None:
    for octets in (message(1), message(1, b"\0"), SAMPLES["error"][:-1], SAMPLES["error"] + b"x"):
        fault = outcome(octets)
        assert isinstance(fault, Malformed)
        assert fault.error is None


@pytest.mark.parametrize(
    ("octets", "fault"),
    [
        (message(12, b"\3" + bytes(71)), "unknown reason 3"),
        (message(25, bytes.fromhex("00000004 00000000 0000000000000000")), "unknown role 4"),
        (multipart(7, bytes.fromhex("0008040000000001")), "unknown type 4"),
    ],
)
def test_a_number_that_means_nothing_is_malformed(octets: bytes, fault: str) -> None:
    with pytest.raises(Malformed, match=fault):
        openflow.decode(1, octets)


@given(st.binary(max_size=100), st.integers(0, 60))
@thorough
def test_the_fast_path_and_decode_agree(noise: bytes, at: int) -> None:
    sample = SAMPLES["packet in with metadata"]
    octets = with_true_length(b"\4\x0a" + (sample[:at] + noise + sample[at + len(noise) :])[2:])

    assert seen(openflow.packet_in, octets) == seen(openflow.decode, octets)


def seen(read: Callable[[int, bytes], object], octets: bytes) -> object:
    try:
        packet = read(1, octets)
    except Malformed as fault:
        return str(fault), fault.error
    return [getattr(packet, name) for name in Packet.__slots__]
