"""What a host costs the network OS: time per observation and memory, `python -m experiments.benchmarks.hosts [HOSTS]`.

Frames are IPv4 over UDP, 64 bytes, of 48 hosts per port and 48 ports per switch. The times include the loop around the
observations, the best of five rounds counts. The memory is what `tracemalloc` sees of the service, each host with one
address.
"""

from __future__ import annotations

import gc
import sys
import time
import tracemalloc
from collections.abc import Callable, Sequence

from controller.model import Location, Packet
from controller.services.hosts import Hosts

HOSTS_PER_PORT = 48
PORTS_PER_SWITCH = 48
ROUNDS = 5


class EveryPort:
    """A topology without links."""

    def is_edge(self, _: Location) -> bool:
        """Hosts may be behind every port."""
        return True

    def edge_ports(self, _: int) -> list[int]:
        """None is asked for."""
        return []


def packet(number: int, shift: int = 0) -> Packet:
    """A packet of one host, ``shift`` ports away from its own."""
    place = number // HOSTS_PER_PORT
    mac = b"\x02\x00" + number.to_bytes(4, "big")
    ip = b"\x0a" + (number + 1).to_bytes(3, "big")
    header = bytes.fromhex("45000032000000004011") + bytes(2) + ip + b"\x0a\xff\xff\xfe"
    frame = b"\x02\xff\xff\xff\xff\xff" + mac + b"\x08\x00" + header + bytes.fromhex("30393039001e0000")
    dpid, port = divmod(place + shift, PORTS_PER_SWITCH)
    return Packet(dpid + 1, port + 1, frame.ljust(64, b"\0"))


def nanoseconds(observe: Callable[[Packet, float], Sequence[object]], packets: list[Packet], now: float) -> float:
    """Time per packet of one round."""
    start = time.perf_counter_ns()
    for each in packets:
        observe(each, now)
    return (time.perf_counter_ns() - start) / len(packets)


def measure(count: int) -> dict[str, float]:
    """Nanoseconds per observation by kind, and bytes per host."""
    packets = [packet(number) for number in range(count)]
    moved = [packet(number, 1) for number in range(count)]
    times: dict[str, list[float]] = {"new": [], "known": [], "known, noted": [], "moved": []}
    for _ in range(ROUNDS):
        gc.collect()
        hosts = Hosts(EveryPort())
        times["new"].append(nanoseconds(hosts.observe, packets, 1.0))
        times["known"].append(nanoseconds(hosts.observe, packets, 1.5))
        times["known, noted"].append(nanoseconds(hosts.observe, packets, 10.0))
        times["moved"].append(nanoseconds(hosts.observe, moved, 10.5))
    figures = {kind: min(rounds) for kind, rounds in times.items()}
    del hosts
    gc.collect()
    tracemalloc.start()
    hosts = Hosts(EveryPort())
    before, _ = tracemalloc.get_traced_memory()
    for each in packets:
        hosts.observe(each, 1.0)
    after, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    figures["bytes per host"] = (after - before) / len(hosts)
    return figures


def main() -> None:
    """Measure and print."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    print(f"{count} hosts, Python {sys.version.split()[0]}")
    for name, figure in measure(count).items():
        unit = "" if name.startswith("bytes") else " ns"
        print(f"  {name:15} {figure:8.0f}{unit}")


if __name__ == "__main__":
    main()
