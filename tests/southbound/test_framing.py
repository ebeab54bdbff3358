"""Cutting a byte stream into messages."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.southbound.openflow import Framer, Malformed
from controller.southbound.wire import BAD_LENGTH, BAD_TYPE

from .strategies import quick
from .switch_words import SAMPLES, message

samples = st.lists(st.sampled_from(list(SAMPLES.values())), max_size=12)


@quick
@given(samples, st.lists(st.integers(1, 700), max_size=40))
def test_messages_come_out_whole_however_the_stream_was_cut(messages: list[bytes], sizes: list[int]) -> None:
    stream = b"".join(messages)
    framer = Framer()
    found: list[bytes] = []
    for size in sizes:
        found += framer.feed(stream[:size])
        stream = stream[size:]
    found += framer.feed(stream)
    assert found == messages


def test_one_byte_at_a_time() -> None:
    messages = list(SAMPLES.values())
    framer = Framer()
    found = [whole for octet in b"".join(messages) for whole in framer.feed(bytes([octet]))]
    assert found == messages


def test_a_message_comes_as_soon_as_its_last_byte() -> None:
    framer = Framer()
    assert list(framer.feed(message(2, b"pin"))) == [message(2, b"pin")]
    assert list(framer.feed(message(2, b"ping")[:-1])) == []
    assert list(framer.feed(b"g" + message(3))) == [message(2, b"ping"), message(3)]


def test_the_longest_message() -> None:
    longest = message(2, bytes(65535 - 8))
    framer = Framer()
    assert list(framer.feed(longest[:40000])) == []
    assert list(framer.feed(longest[40000:] + b"\4")) == [longest]


@pytest.mark.parametrize("length", range(8))
def test_a_length_below_the_headers_ends_the_stream_behind_whole_messages(length: int) -> None:
    stream = Framer().feed(message(2) + bytes([4, 2, 0, length, 0, 0, 0, 0]))
    assert next(stream) == message(2)
    with pytest.raises(Malformed) as caught:
        next(stream)
    assert caught.value.error == BAD_LENGTH


def test_another_protocol_is_noticed_before_its_imagined_message_is_complete() -> None:
    with pytest.raises(Malformed, match="not OpenFlow") as caught:
        list(Framer().feed(b"GET / HTTP/1.1\r\n\r\n"))
    assert caught.value.error == BAD_TYPE


@quick
@given(st.lists(st.binary(max_size=40), max_size=10))
def test_any_bytes_are_cut_into_messages_or_malformed(chunks: list[bytes]) -> None:
    framer = Framer()
    found: list[bytes] = []
    try:
        for chunk in chunks:
            found += framer.feed(chunk)
    except Malformed:
        pass
    assert b"".join(chunks).startswith(b"".join(found))
    assert all(int.from_bytes(whole[2:4], "big") == len(whole) for whole in found)
