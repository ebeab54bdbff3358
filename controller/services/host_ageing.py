"""Which hosts have been silent for so long that they are asked whether they are there, and which did not answer."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator

from controller.model import Output, Send
from controller.services.host_table import HostTable, Record
from controller.services.neighbours import question
from controller.services.searches import AskingSettings, Budget


class _Doubt:
    """A host that is being asked."""

    __slots__ = ("asked", "due", "since")

    def __init__(self, now: float) -> None:
        self.since = now
        self.due = now
        self.asked = 0


class Ageing:
    """Doubts about hosts. A tick looks at those that are due only, and at no more than ``checks`` of them."""

    def __init__(self, table: HostTable, asking: AskingSettings, *, idle: float, grain: float, checks: int) -> None:
        self._table = table
        self._asking = asking
        self._idle = idle
        self._grain = grain
        self._checks = checks
        self._budget = Budget(asking.rate)
        self._doubts: OrderedDict[bytes, _Doubt] = OrderedDict()

    def doubt(self, record: Record, now: float) -> None:
        """Have the host asked, however lately it was seen. One without an address cannot be."""
        if record.addresses:
            self._open(record, now)

    def forget(self, mac: bytes) -> None:
        """The host is gone."""
        self._doubts.pop(mac, None)

    def longest_silent(self) -> Record:
        """The host that is missed least: one in doubt if there is any."""
        return self._table.records[next(iter(self._doubts or self._table.records))]

    def tick(self, now: float, orders: list[Send]) -> Iterator[Record]:
        """Ask those who are due, and give out those who did not answer; they must be removed from the table at once."""
        yield from self._settle(now, orders)
        yield from self._question(now, orders)

    def _settle(self, now: float, orders: list[Send]) -> Iterator[Record]:
        """The doubts that are due: the host was seen since, or is asked again, or is given up."""
        for _ in range(min(len(self._doubts), self._checks)):
            mac, doubt = next(iter(self._doubts.items()))
            record = self._table.records[mac]
            if doubt.due > now:
                break
            if record.last_seen >= doubt.since:
                del self._doubts[mac]
            elif doubt.asked >= self._asking.attempts or not record.addresses:
                yield record
            elif not self._ask(record, doubt, now, orders):
                break

    def _question(self, now: float, orders: list[Send]) -> Iterator[Record]:
        """Those silent for too long, the longest silent first; who is being asked goes to the end of the line."""
        records = self._table.records
        for _ in range(min(len(records), self._checks)):
            record = next(iter(records.values()))
            if record.last_seen + self._idle > now:
                break
            if record.mac in self._doubts:
                records.move_to_end(record.mac)
            elif not record.addresses:
                yield record
            elif not self._ask(record, self._open(record, now), now, orders):
                del self._doubts[record.mac]
                break

    def _open(self, record: Record, now: float) -> _Doubt:
        # Older than the grain, so that the next frame is noted.
        record.last_seen = min(record.last_seen, now - self._grain)
        doubt = self._doubts[record.mac] = _Doubt(now)
        return doubt

    def _ask(self, record: Record, doubt: _Doubt, now: float, orders: list[Send]) -> bool:
        """Ask a host for its latest address, at its own port."""
        if not self._budget.spend(1, now):
            return False
        doubt.asked += 1
        doubt.due = now + self._asking.patience
        self._doubts.move_to_end(record.mac)
        frame = question(self._asking.asker, record.addresses[-1], vlan=record.vlan, to=record.mac)
        orders.append(Send(record.dpid, (Output(record.port),), frame))
        return True
