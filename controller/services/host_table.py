"""The hosts that are known, found by MAC, by address and by place: one record each, three indexes that agree.

The table knows nothing of frames or rules of learning (`controller.services.hosts` does). Records lie in the order in
which they were last seen, so the longest silent is found without a search.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator

from controller.model import Host, Location


class Record:
    """What is kept of a host; `HostTable` alone changes its place and addresses."""

    __slots__ = ("addresses", "dpid", "first_seen", "last_seen", "mac", "port", "vlan")

    def __init__(self, mac: bytes, location: Location, now: float) -> None:
        self.mac = mac
        self.dpid, self.port = location
        self.addresses: tuple[bytes, ...] = ()
        self.vlan = 0
        self.first_seen = now
        self.last_seen = now

    @property
    def location(self) -> Location:
        """Where the host is."""
        return Location(self.dpid, self.port)

    def host(self) -> Host:
        """The record as a value."""
        place = Location(self.dpid, self.port)
        return Host(self.mac, place, self.addresses, self.vlan, self.first_seen, self.last_seen)


class HostTable:
    """Records and their indexes.

    ``generation`` rises with every change of who is where and has which address, ``displacements`` only when a host
    that was known leaves its place or loses an address. ``hearsay`` are the addresses known from traffic only.
    """

    def __init__(self, addresses_per_host: int) -> None:
        self.records: OrderedDict[bytes, Record] = OrderedDict()
        self.hearsay: set[bytes] = set()
        self.generation = 0
        self.displacements = 0
        self._limit = addresses_per_host
        self._owners: dict[bytes, Record] = {}
        self._ports: dict[int, dict[int, set[bytes]]] = {}

    def owner(self, ip: bytes) -> Record | None:
        """The host that has this address."""
        return self._owners.get(ip)

    def at(self, location: Location) -> list[Record]:
        """The hosts behind a port, by MAC."""
        macs = self._ports.get(location.dpid, {}).get(location.port, ())
        return [self.records[mac] for mac in sorted(macs)]

    def count_at(self, location: Location) -> int:
        """How many hosts are behind a port."""
        return len(self._ports.get(location.dpid, {}).get(location.port, ()))

    def ports_with_hosts(self, dpid: int) -> list[int]:
        """The ports of a switch behind which there are hosts, in ascending order."""
        return sorted(self._ports.get(dpid, ()))

    def in_order(self) -> Iterator[Record]:
        """Every record, the longest silent first."""
        return iter(self.records.values())

    def add(self, mac: bytes, location: Location, now: float) -> Record:
        """A new host, which must not be known yet."""
        record = self.records[mac] = Record(mac, location, now)
        self._enter(record)
        self.generation += 1
        return record

    def seen(self, record: Record, now: float) -> None:
        """The host is there; nobody else's business."""
        record.last_seen = now
        self.records.move_to_end(record.mac)

    def move(self, record: Record, location: Location) -> None:
        """The host is behind another port."""
        self._leave(record)
        record.dpid, record.port = location
        self._enter(record)
        self.generation += 1
        self.displacements += 1

    def remove(self, record: Record) -> None:
        """Forget the host and its addresses."""
        del self.records[record.mac]
        self._leave(record)
        for ip in record.addresses:
            self._disown(ip)
        self.generation += 1
        self.displacements += 1

    def assign(self, record: Record, ip: bytes, *, firm: bool) -> None:
        """The host has this address, and nobody else; beyond the limit it loses the one it has had longest."""
        owner = self._owners.get(ip)
        if owner is not None:
            self._strip(owner, ip)
        if len(record.addresses) >= self._limit:
            self._strip(record, record.addresses[0])
        record.addresses = (*record.addresses, ip)
        self._owners[ip] = record
        if not firm:
            self.hearsay.add(ip)
        self.generation += 1

    def _strip(self, record: Record, ip: bytes) -> None:
        record.addresses = tuple(other for other in record.addresses if other != ip)
        self._disown(ip)
        self.displacements += 1

    def _disown(self, ip: bytes) -> None:
        del self._owners[ip]
        self.hearsay.discard(ip)

    def _enter(self, record: Record) -> None:
        ports = self._ports.get(record.dpid)
        if ports is None:
            ports = self._ports[record.dpid] = {}
        macs = ports.get(record.port)
        if macs is None:
            ports[record.port] = {record.mac}
        else:
            macs.add(record.mac)

    def _leave(self, record: Record) -> None:
        ports = self._ports[record.dpid]
        macs = ports[record.port]
        macs.remove(record.mac)
        if not macs:
            del ports[record.port]
            if not ports:
                del self._ports[record.dpid]
