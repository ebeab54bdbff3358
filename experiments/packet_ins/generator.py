"""The load: many emulated switches in one process, by epoll, and what it measured of a controller.

As a program it reads a `Job` as one line of JSON, says ``connected``, waits for a line, and writes a `Result`. It ends
when its input does.
"""

from __future__ import annotations

import json
import os
import select
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, NamedTuple

from experiments.packet_ins.questions import SIZE
from experiments.packet_ins.switch import Account, Switch
from experiments.packet_ins.wire import Unreadable

QUIET = 0.3
"""Seconds without a word after which a controller counts as having said what it had to."""
SETTLING = 2.0
"""Seconds after which it counts so in any case: some probe the ports now and then for ever."""
TRIAL = 1.0
"""Seconds without an answer after which a trial question counts as lost."""
PATIENCE = 30.0
"""Seconds that a controller gets to shake hands, and to answer a whole lap rightly."""
DRAIN = 5.0
"""Seconds without an answer after which what was not answered counts as lost."""
TRIAL_WINDOW = 8
PERCENTILES = (0.5, 0.9, 0.99, 0.999)


class Failed(Exception):
    """The controller did not do what every controller does; the text says what."""


@dataclass(frozen=True)
class Job:
    """What to measure. ``quiet``: the last so many switches ask one question at a time, and are told of apart.

    ``warmup`` and ``duration`` in seconds; ``pid`` is the controller's, 0 if unknown; ``cpu`` is where to run, -1 for
    anywhere; ``serial`` tells the hosts of this measurement from those of another.
    """

    host: str
    port: int
    switches: int = 16
    window: int = 64
    quiet: int = 0
    pattern: str = "pairs"
    warmup: float = 1.0
    duration: float = 3.0
    serial: int = 0
    pid: int = 0
    cpu: int = -1


@dataclass(frozen=True)
class Result:
    """What was measured. ``answers`` and ``rate`` (a second) are of the measured time, the checks of everything since
    the warm-up began. CPU is a share of one processor; latencies in microseconds, by percentile; ``resident`` in bytes.
    """

    answers: int
    seconds: float
    rate: float
    verified: int
    sampled: int
    rules_read: int
    rules_per_answer: float
    others: int
    late: int
    lost: int
    wrong: dict[str, int]
    example: str
    latency: dict[str, float]
    quiet_latency: dict[str, float]
    quiet_answers: int
    generator_cpu: float
    controller_cpu: float | None
    resident: int | None
    distribution: list[float] = field(default_factory=list)
    """A hundred quantiles of the latency that the run is about, in microseconds."""

    @property
    def right(self) -> bool:
        """Whether every question was answered, and rightly."""
        return not self.wrong and not self.lost and self.answers > 0

    @property
    def per_processor_second(self) -> float | None:
        """Answers for each second of the controller's processor time."""
        return self.rate / self.controller_cpu if self.controller_cpu else None


class _Usage(NamedTuple):
    wall: float
    own: float
    controller: float | None


class _Accounts(NamedTuple):
    """Of every switch, before, during and after the measured time."""

    warm: Sequence[Account]
    measured: Sequence[Account]
    drained: Sequence[Account]


class Load:
    """The switches of a job and their connections. Raises ValueError for a window that no block of questions holds."""

    def __init__(self, job: Job) -> None:
        if not 0 < job.window <= SIZE:
            raise ValueError(f"a window of {job.window}: between 1 and {SIZE}")
        self.job = job
        loud = job.switches - job.quiet
        windows = [job.window] * loud + [1] * job.quiet
        self.switches = [
            Switch(number, job.pattern, window, serial=job.serial) for number, window in enumerate(windows, 1)
        ]
        self._poll = select.epoll()
        self._by_file: dict[int, Switch] = {}
        self._asking = False

    def close(self) -> None:
        """End all connections."""
        for switch in self.switches:
            switch.socket.close()
        self._poll.close()

    def connect(self) -> None:
        """Connect, and shake hands until the controller has nothing more to say. Raises Failed."""
        try:
            for switch in self.switches:
                switch.connect((self.job.host, self.job.port))
                self._poll.register(switch.socket, select.EPOLLIN)
                self._by_file[switch.socket.fileno()] = switch
            deadline = time.monotonic() + PATIENCE
            while not all(switch.ready for switch in self.switches):
                if time.monotonic() > deadline:
                    raise Failed(f"{sum(not s.ready for s in self.switches)} switches were not asked who they are")
                self.turn(QUIET)
        except OSError as fault:
            raise Failed(str(fault)) from None
        self.until_quiet()

    def until_quiet(self) -> None:
        """Serve until nobody says anything."""
        deadline = time.monotonic() + SETTLING
        while self.turn(QUIET) and time.monotonic() < deadline:
            pass

    def hold(self, file: int) -> None:
        """Serve until something can be read from ``file``."""
        self._poll.register(file, select.EPOLLIN)
        while not self.turn(-1, file):
            pass
        self._poll.unregister(file)

    def turn(self, timeout: float, watched: int = -1) -> bool:
        """Wait for words of the controller and take them; whether there were any (or any at ``watched``)."""
        happened = False
        clock = time.perf_counter_ns
        for file, events in self._poll.poll(timeout):
            if file == watched:
                happened = True
                continue
            switch = self._by_file[file]
            try:
                if events & ~select.EPOLLOUT:
                    answered = switch.read(clock())
                    happened |= watched < 0
                    if self._asking and answered:
                        switch.ask(answered, clock())
                if events & select.EPOLLOUT:
                    switch.write_pending()
                wanted = select.EPOLLIN | (select.EPOLLOUT if switch.blocked else 0)
                if switch.blocked or events & select.EPOLLOUT:
                    self._poll.modify(file, wanted)
            except (OSError, Unreadable) as fault:
                raise Failed(f"switch {switch.number}: {fault}") from None
        return happened

    # ------------------------------------------------------------ the phases

    def teach(self) -> None:
        """Have all hosts known: announce them, and ask until a whole lap is answered rightly. Raises Failed."""
        deadline = time.monotonic() + PATIENCE
        while True:
            for switch in self.switches:
                switch.announce()
            self.until_quiet()
            for switch in self.switches:
                switch.clear()
            for _ in range(SIZE // TRIAL_WINDOW):
                self._ask_and_wait(TRIAL_WINDOW)
            lost = sum(switch.give_up() for switch in self.switches)
            account = merged(switch.clear() for switch in self.switches)
            if not lost and not account.wrong:
                return
            if time.monotonic() > deadline:
                raise Failed(f"after {PATIENCE:g} s still {lost} questions without answer; {account.example}")

    def _ask_and_wait(self, count: int) -> None:
        for switch in self.switches:
            switch.ask(count, time.perf_counter_ns())
        self._wait(TRIAL)

    def _wait(self, patience: float) -> None:
        """Serve until everything is answered, or nothing was for so many seconds."""
        waiting, deadline = self._waiting(), time.monotonic() + patience
        while waiting and (left := deadline - time.monotonic()) > 0:
            self.turn(left)
            if (now_waiting := self._waiting()) < waiting:
                waiting, deadline = now_waiting, time.monotonic() + patience

    def _waiting(self) -> int:
        return sum(switch.waiting for switch in self.switches)

    def measure(self) -> Result:
        """Warm up, measure, and wait for the last answers. Raises Failed."""
        job = self.job
        self._asking = True
        for switch in self.switches:
            switch.ask(switch.window, time.perf_counter_ns())
        self._serve(job.warmup)
        warm = [switch.clear() for switch in self.switches]
        begin = self._usage()
        self._serve(job.duration)
        end = self._usage()
        self._asking = False
        measured = [switch.clear() for switch in self.switches]
        self._wait(DRAIN)
        lost = sum(switch.give_up() for switch in self.switches)
        drained = [switch.clear() for switch in self.switches]
        return result(job, _Accounts(warm, measured, drained), lost, begin, end)

    def _serve(self, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            self.turn(left)

    def _usage(self) -> _Usage:
        return _Usage(time.monotonic(), time.process_time(), processor_time(self.job.pid))


def result(job: Job, accounts: _Accounts, lost: int, begin: _Usage, end: _Usage) -> Result:
    """What the accounts of all switches, before, during and after the measured time, come to."""
    measured = accounts.measured
    everything = merged([*accounts.warm, *measured, *accounts.drained])
    loud = merged(measured[: job.switches - job.quiet])
    quiet = merged(measured[job.switches - job.quiet :])
    seconds = end.wall - begin.wall
    controller = None
    if begin.controller is not None and end.controller is not None:
        controller = (end.controller - begin.controller) / seconds
    subject = quiet if job.quiet else loud
    return Result(
        answers=loud.answered,
        seconds=seconds,
        rate=loud.answered / seconds,
        verified=everything.answered,
        sampled=everything.sampled,
        rules_read=everything.rules_read,
        rules_per_answer=everything.rules / max(everything.answered, 1),
        others=everything.others,
        late=everything.late,
        lost=lost,
        wrong=dict(everything.wrong),
        example=everything.example,
        latency=percentiles(loud.latencies),
        quiet_latency=percentiles(quiet.latencies),
        quiet_answers=quiet.answered,
        generator_cpu=(end.own - begin.own) / seconds,
        controller_cpu=controller,
        resident=resident(job.pid),
        distribution=quantiles(subject.latencies, [(k + 0.5) / 100 for k in range(100)]),
    )


def merged(accounts: Iterable[Account]) -> Account:
    """The sum of some accounts."""
    total = Account()
    wrong: Counter[str] = Counter()
    for each in accounts:
        for name in ("answered", "rules", "others", "late", "sampled", "rules_read"):
            setattr(total, name, getattr(total, name) + getattr(each, name))
        wrong += each.wrong
        total.example = total.example or each.example
        total.latencies += each.latencies
    total.wrong = wrong
    return total


def percentiles(latencies: Sequence[tuple[int, int]]) -> dict[str, float]:
    """``p50`` and so on up to ``max``, in microseconds; empty without any."""
    if not latencies:
        return {}
    found = quantiles(latencies, PERCENTILES)
    names = [f"p{100 * share:g}" for share in PERCENTILES]
    return {**dict(zip(names, found, strict=True)), "max": max(latencies)[0] / 1000}


def quantiles(latencies: Sequence[tuple[int, int]], shares: Sequence[float]) -> list[float]:
    """Quantiles (ascending shares) of counted nanoseconds, in microseconds."""
    found: list[float] = []
    total, below = sum(count for _, count in latencies), 0
    for latency, count in sorted(latencies):
        below += count
        while len(found) < len(shares) and below >= shares[len(found)] * total:
            found.append(latency / 1000)
    return found


def processor_time(pid: int) -> float | None:
    """Seconds of processor time that a process has used, its threads included (proc(5)); None if it cannot be known."""
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as file:
            fields = file.read().rpartition(")")[2].split()
    except OSError:
        return None
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def resident(pid: int) -> int | None:
    """Bytes of memory that a process occupies; None if it cannot be known."""
    try:
        with open(f"/proc/{pid}/statm", encoding="ascii") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return None


def generate(job: Job, connected: Callable[[Load], None] = lambda _: None) -> Result:
    """Carry out a job. ``connected`` is called when all switches are. Raises Failed."""
    load = Load(job)
    try:
        load.connect()
        connected(load)
        load.teach()
        return load.measure()
    finally:
        load.close()


def main() -> int:
    """The program; what failed is the result's ``failed``."""
    said: dict[str, Any] = json.loads(sys.stdin.buffer.raw.readline())  # type: ignore[union-attr]
    job = Job(**said)
    if job.cpu >= 0:
        os.sched_setaffinity(0, {job.cpu})

    def connected(load: Load) -> None:
        print("connected", flush=True)
        load.hold(sys.stdin.fileno())
        if not sys.stdin.buffer.raw.readline():  # type: ignore[union-attr]
            raise SystemExit

    try:
        print(json.dumps(asdict(generate(job, connected))), flush=True)
    except Failed as fault:
        print(json.dumps({"failed": str(fault)}), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
