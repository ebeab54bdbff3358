"""Looking for hosts that keep silent: who asked for which address, and how often the network is asked.

A search asks at every edge port and nowhere else, so no question crosses a link and none is flooded. Each address is
asked for at most ``attempts`` times, ``patience`` seconds apart, and then not again for ``rest`` seconds. All questions
together leave by at most ``rate`` ports a second; a search that has to wait for that is not lost.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from controller.model import Event, Host, Output, Packet, SearchEnded, Send
from controller.services.neighbours import question


@dataclass(frozen=True, slots=True)
class AskingSettings:
    """How hosts are asked; times in seconds.

    ``asker`` is the MAC that the questions come from: a rule must bring frames for it to the controller, or answers
    of hosts that are known are lost on the way.
    """

    asker: bytes = bytes.fromhex("024650000001")
    attempts: int = 3
    patience: float = 1.0
    rest: float = 10.0
    rate: float = 2000.0
    searches: int = 1024
    waiting: int = 8


class Budget:
    """So much may be spent a second, and a second's worth at once; a single large expense is paid off afterwards."""

    def __init__(self, rate: float) -> None:
        self._rate = rate
        self._left = rate
        self._at: float | None = None

    def spend(self, amount: float, now: float) -> bool:
        """Take ``amount`` if anything is left at all."""
        if self._at is not None:
            self._left = min(self._rate, self._left + (now - self._at) * self._rate)
        self._at = now
        if self._left <= 0:
            return False
        self._left -= amount
        return True


class _Search:
    __slots__ = ("asked", "due", "vlan", "waiting")

    def __init__(self, vlan: int, now: float) -> None:
        self.vlan = vlan
        self.asked = 0
        self.due = now
        self.waiting: list[Packet] = []


class Searches:
    """The addresses that are looked for.

    ``edges`` gives the edge ports of every switch as (dpid, port numbers).
    """

    def __init__(self, edges: Callable[[], Iterable[tuple[int, list[int]]]], settings: AskingSettings) -> None:
        self._edges = edges
        self._settings = settings
        self._budget = Budget(settings.rate)
        self._running: dict[bytes, _Search] = {}
        self._resting: dict[bytes, float] = {}

    def find(self, ip: bytes, now: float, packet: Packet | None, vlan: int) -> list[Send]:
        """Begin to look for ``ip`` unless it is being looked for or was lately; ``packet`` waits for the result."""
        if ip in self._resting:
            if self._resting[ip] > now:
                return []
            del self._resting[ip]
        search = self._running.get(ip)
        new = search is None
        if search is None:
            if len(self._running) + len(self._resting) >= self._settings.searches:
                return []
            search = self._running[ip] = _Search(vlan, now)
        if packet is not None and len(search.waiting) < self._settings.waiting:
            search.waiting.append(packet)
        return self._ask(ip, search, now) if new else []

    def __contains__(self, ip: bytes) -> bool:
        """Whether this address is being looked for."""
        return ip in self._running

    def found(self, ip: bytes, host: Host) -> Event:
        """The address that was looked for is known now; tell those who wait for it."""
        return SearchEnded(ip, host, tuple(self._running.pop(ip).waiting))

    def tick(self, now: float, orders: list[Send], events: list[Event]) -> None:
        """Ask again for what was not answered, and give up what was asked for often enough."""
        for ip, search in [(ip, search) for ip, search in self._running.items() if search.due <= now]:
            if search.asked < self._settings.attempts:
                orders += self._ask(ip, search, now)
            else:
                del self._running[ip]
                self._resting[ip] = now + self._settings.rest
                events.append(SearchEnded(ip, None, tuple(search.waiting)))
        for ip in [ip for ip, until in self._resting.items() if until <= now]:
            del self._resting[ip]

    def _ask(self, ip: bytes, search: _Search, now: float) -> list[Send]:
        ports = [(dpid, numbers) for dpid, numbers in self._edges() if numbers]
        if not self._budget.spend(sum(len(numbers) for _, numbers in ports), now):
            return []
        search.asked += 1
        search.due = now + self._settings.patience
        frame = question(self._settings.asker, ip, vlan=search.vlan)
        return [Send(dpid, tuple(Output(number) for number in numbers), frame) for dpid, numbers in ports]
