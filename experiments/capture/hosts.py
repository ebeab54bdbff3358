"""Whether a message is about a host: its address in a match, in an action, or in the frame that it carries."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from ipaddress import ip_address
from typing import Any, NamedTuple

from experiments.capture import frames
from experiments.capture.messages import Message
from experiments.capture.oxm import ADDRESSES


class Host(NamedTuple):
    """A MAC or IP address, as text in its usual form and as the bytes of the wire."""

    text: str
    address: bytes


def parse_host(text: str) -> Host:
    """A MAC (aa:bb:cc:dd:ee:ff, dashes too), IPv4 or IPv6 address. Raises ValueError for anything else."""
    parts = text.replace("-", ":").split(":")
    if len(parts) == 6 and all(len(part) == 2 for part in parts):
        mac = bytes.fromhex("".join(parts))
        return Host(mac.hex(":"), mac)
    ip = ip_address(text)
    return Host(str(ip), ip.packed)


def concerns(message: Message, host: Host) -> bool:
    """Whether the host's address is in a match (also under its mask), in a SET_FIELD, or in a carried frame."""
    return _in_fields(message.fields, host)


def _in_fields(fields: Mapping[str, Any], host: Host) -> bool:
    frame = fields.get("data")
    # scapy reads frames thoroughly and slowly: only those that hold the address's bytes at all.
    if frame and host.address.hex() in frame and host.text in frames.hosts(bytes.fromhex(frame)):
        return True
    if fields.get("type") == "SET_FIELD" and fields.get("value") == host.text:
        return True
    match = fields.get("match")
    if match and any(_matches(value, host) for name, value in match.items() if name in ADDRESSES):
        return True
    return any(_in_fields(inner, host) for inner in _inner(fields))


def _inner(fields: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    for name, value in fields.items():
        if name == "match":
            continue
        if isinstance(value, dict):
            yield value
        elif isinstance(value, list):
            yield from (item for item in value if isinstance(item, dict))


def _matches(value: Any, host: Host) -> bool:
    if isinstance(value, str):
        return value == host.text
    wanted, mask = parse_host(value["value"]).address, parse_host(value["mask"]).address
    if len(wanted) != len(host.address) or not any(mask):
        return False
    return all(ours & bits == theirs & bits for ours, theirs, bits in zip(host.address, wanted, mask, strict=True))
