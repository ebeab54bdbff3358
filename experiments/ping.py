"""Pinging from a host of the network, packet by packet."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from experiments.errors import UserError

if TYPE_CHECKING:
    from experiments.machine.network import Host

PATIENCE = 3
"""Seconds to wait for a reply."""

_REPLY = re.compile(r"\[(?P<time>[0-9.]+)\] .*icmp_seq=(?P<sequence>[0-9]+) .*time=(?P<rtt>[0-9.]+) ms")


class Reply(NamedTuple):
    """One packet of a ping: when its reply was printed (seconds, epoch), its round trip in seconds; None if lost."""

    time: float | None
    rtt: float | None


def ping(host: Host, address: str, count: int = 1, interval: float = 0.02) -> list[Reply]:
    """Ping ``count`` times, one packet every ``interval`` seconds; the round trips are those that ping measures."""
    command = ["ping", "-n", "-D", "-c", str(count), "-i", f"{interval:g}", "-W", str(PATIENCE), address]
    done = host.run(command, timeout=count * interval + PATIENCE + 10)
    if done.returncode > 1:
        said = " ".join((done.stderr or done.stdout).split())
        raise UserError(f"{host.name}: `{' '.join(command)}` failed: {said}")
    return parse(done.stdout, count)


def parse(output: str, count: int) -> list[Reply]:
    """What ``ping -D`` (iputils) printed about ``count`` packets, in the order in which they were sent."""
    replies = [Reply(None, None)] * count
    for found in _REPLY.finditer(output):
        index = int(found["sequence"]) - 1
        if 0 <= index < count and replies[index].rtt is None:
            replies[index] = Reply(float(found["time"]), float(found["rtt"]) / 1000)
    return replies
