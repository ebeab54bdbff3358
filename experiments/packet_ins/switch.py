"""One emulated switch: its connection, and the account of what it asked and what it was answered.

Every answer is held against its question, byte by byte where it is the plainest possible, by its meaning where it is
not; of one answer in `SAMPLE` the rules that came with it are read too. A controller may answer late or in another
order, may install rules or not; it may not send a packet elsewhere, to another switch, changed, twice or not at all.
"""

from __future__ import annotations

import socket
from collections import Counter, deque
from struct import Struct

from experiments.packet_ins import questions, wire
from experiments.packet_ins.questions import LAPS, SIZE, Questions
from experiments.packet_ins.wire import FRAME_AT, Unreadable

READ_SIZE = 1 << 18
SAMPLE = 997
"""A prime, so that samples do not fall on the same question each time."""

_HEAD = Struct("!xBH").unpack_from
_STRIDE = FRAME_AT + questions.FRAME
_CYCLE = LAPS * SIZE
_LLDP = b"\x88\xcc"


class Account:
    """What a switch has counted since its last `Switch.clear`. ``wrong``: answers by what is wrong with them."""

    def __init__(self) -> None:
        self.answered = 0
        self.rules = 0
        self.others = 0
        self.late = 0
        self.sampled = 0
        self.rules_read = 0
        self.wrong: Counter[str] = Counter()
        self.example = ""
        self.latencies: list[tuple[int, int]] = []
        """(nanoseconds, answers that took so long)."""

    def fault(self, what: str, example: str) -> None:
        """Count a wrong answer; the first is kept in words."""
        self.wrong[what] += 1
        self.example = self.example or f"{what}: {example}"


class Switch:
    """A switch, its number counting from 1. ``window``: how many of its questions may wait for an answer."""

    def __init__(self, number: int, pattern: str, window: int, *, serial: int = 0) -> None:
        self.number = number
        self.dpid = number
        self.window = window
        self.questions = Questions(number, pattern, serial)
        self.account = Account()
        self.asked = 0
        self.expected = 0
        self.missing: set[int] = set()
        self.ready = False
        self.socket = socket.socket()
        self._heads = [self.questions.heads(index) for index in range(SIZE)]
        self._pending = b""
        self._rest = b""
        self._early: list[bytes] = []
        self._sent: deque[tuple[int, int]] = deque()
        self._countdown = 1

    # ------------------------------------------------------------ the connection

    def connect(self, address: tuple[str, int]) -> None:
        """Connect and say HELLO. Raises OSError."""
        self.socket.connect(address)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.setblocking(False)
        self.write(wire.hello())

    def write(self, data: bytes | memoryview) -> None:
        """Send now what can be sent, the rest as soon as the controller reads."""
        if self._pending:
            self._pending += data
            return
        try:
            sent = self.socket.send(data)
        except BlockingIOError:
            sent = 0
        if sent < len(data):
            self._pending = bytes(data[sent:])

    def write_pending(self) -> None:
        """The controller reads again."""
        data, self._pending = self._pending, b""
        self.write(data)

    @property
    def blocked(self) -> bool:
        """Whether the controller does not read what it is sent."""
        return bool(self._pending)

    # ------------------------------------------------------------ asking

    @property
    def waiting(self) -> int:
        """How many questions have no answer."""
        return self.asked - self.expected + len(self.missing)

    def announce(self) -> None:
        """Have the controller hear every host."""
        serial = self.questions.serial
        self.write(b"".join(questions.announcement(self.number, serial, host) for host in range(questions.HOSTS)))

    def ask(self, count: int, now: int) -> None:
        """Ask the next ``count`` questions (``now`` in nanoseconds)."""
        self._sent.append((count, now))
        while count:
            lap, index = divmod(self.asked, SIZE)
            taken = min(count, SIZE - index)
            block = memoryview(self.questions.mark(lap))
            self.write(block[index * _STRIDE : (index + taken) * _STRIDE])
            self.asked += taken
            count -= taken

    def clear(self) -> Account:
        """Begin a new account, with the next answer as its first sample; questions that wait go on waiting."""
        self._countdown = 1
        account, self.account = self.account, Account()
        return account

    def give_up(self) -> int:
        """Wait no longer for what was not answered; returns how many that were."""
        lost = self.waiting
        self.missing.clear()
        self.expected = self.asked
        self._sent.clear()
        return lost

    # ------------------------------------------------------------ being answered

    def read(self, now: int) -> int:
        """Take what the controller says; how many answers there were. Raises ConnectionError, Unreadable."""
        data = self.socket.recv(READ_SIZE)
        if not data:
            raise ConnectionResetError("the controller closed the connection")
        before = self.account.answered
        self.take(data)
        answered = self.account.answered - before
        self._time(answered, now)
        return answered

    def take(self, data: bytes) -> None:
        """Take bytes of the controller, which may begin and end within a message. Raises Unreadable."""
        if self._rest:
            data = self._rest + data
        at, end, size = 0, len(data), SIZE
        heads = self._heads
        rules: list[int] = []
        lap, index = divmod(self.expected, size)
        block = self.questions.block(lap)
        right = 0
        while at + 8 <= end:
            kind, length = _HEAD(data, at)
            after = at + length
            if after > end:
                break
            if length < 8:
                raise Unreadable(f"a message of {length} bytes")
            if kind == wire.PACKET_OUT:
                place = index * _STRIDE + FRAME_AT
                if data[at + 8 : at + 32] in heads[index] and data[at + 40 : after] == block[place : place + 64]:
                    right += 1
                    self._countdown -= 1
                    if not self._countdown:
                        self._sample(lap * size + index, [data[rule:] for rule in rules], data[at:after])
                    index += 1
                    if index == size:
                        index, lap = 0, lap + 1
                        block = self.questions.block(lap)
                else:
                    self._right(right)
                    self._odd(data[at:after], [data[rule:] for rule in rules])
                    right = 0
                    lap, index = divmod(self.expected, size)
                    block = self.questions.block(lap)
                if rules:
                    rules.clear()
                self._early.clear()
            elif kind == wire.FLOW_MOD:
                self.account.rules += 1
                rules.append(at)
            else:
                self._control(data[at:after])
            at = after
        self._right(right)
        self._early += [data[rule:] for rule in rules]
        self._rest = data[at:]

    def _right(self, count: int) -> None:
        self.account.answered += count
        self.expected += count

    def _control(self, message: bytes) -> None:
        """Whatever is neither a packet nor a rule."""
        if message[1] == wire.FEATURES_REQUEST:
            self.ready = True
        answer = wire.reply(message, self.dpid, questions.PORTS)
        if answer is not None:
            self.write(answer)
        elif message[1] == wire.ERROR:
            self.account.fault("error", f"the controller sent ERROR {message[8:12].hex()}")

    def _odd(self, message: bytes, rules: list[bytes]) -> None:
        """An answer that is not the plain one to the next question, or none at all."""
        account = self.account
        try:
            out = wire.read_packet_out(message)
        except Unreadable as fault:
            account.fault("unreadable", str(fault))
            return
        whose = None if out.frame[12:14] == _LLDP else self.questions.whose(out.frame)
        if whose is None:
            account.others += 1
            return
        switch, sequence = whose
        if switch != self.number:
            account.fault("switch", f"switch {self.number} was told what to do with a packet of switch {switch}")
            return
        # An ARP reply does not say which lap it is for.
        cycle = _CYCLE if out.frame[questions.MARK_AT :][:2] == questions.MAGIC else SIZE
        sequence = self.expected + (sequence - self.expected + cycle // 2) % cycle - cycle // 2
        if sequence >= self.asked:
            account.fault("unasked", f"switch {self.number} did not ask about packet {sequence} yet")
            return
        if sequence < self.expected:
            if sequence not in self.missing:
                account.fault("twice", f"switch {self.number} was answered twice about packet {sequence}")
                return
            self.missing.remove(sequence)
            account.late += 1
        else:
            self.missing.update(range(self.expected, sequence))
            self.expected = sequence + 1
        account.answered += 1
        if sequence < (self.asked - 1) // SIZE * SIZE - SIZE:
            return  # The question is not at hand any more.
        wrong = self.questions.is_right(sequence, out)
        if wrong:
            index = sequence % SIZE
            here, there = self.questions.in_ports[index], self.questions.out_ports[index]
            account.fault(
                wrong, f"switch {self.number}, packet from port {here} to port {there}: sent to {out.outputs}"
            )
            return
        self._countdown -= 1
        if self._countdown <= 0:
            self._sample(sequence, rules, message)

    def _sample(self, sequence: int, rules: list[bytes], message: bytes) -> None:
        """Read an answer in full: its packet, and what the rules that came before it mean."""
        self._countdown = SAMPLE
        account = self.account
        account.sampled += 1
        try:
            out = wire.read_packet_out(message)
            wrong = self.questions.is_right(sequence, out)
            read = [wire.read_flow_mod(rule[: int.from_bytes(rule[2:4], "big")]) for rule in self._early + rules]
            if self.questions.pattern != "arp":
                wrong = wrong or next(filter(None, (self._judged(sequence, rule) for rule in read)), "")
        except Unreadable as fault:
            account.fault("unreadable", str(fault))
            return
        account.rules_read += len(read)
        if wrong:
            account.fault(wrong, f"switch {self.number}, sampled packet {sequence}: {out.outputs}, {read}")

    def _judged(self, sequence: int, rule: wire.Rule) -> str:
        """What is wrong with a rule that came with an answer: it must lead there, or back to who asked."""
        index = sequence % SIZE
        here, there = self.questions.in_ports[index], self.questions.out_ports[index]
        frame = self.questions.frame(sequence)
        if rule.command not in (wire.ADD, wire.MODIFY, wire.MODIFY_STRICT):
            return "rule"
        if wire.accepts(rule.match, here, frame):
            return "" if set(rule.outputs) == {there} or (not rule.outputs and rule.goto is not None) else "rule"
        back = rule.match.get(3) == (int.from_bytes(frame[6:12], "big"), (1 << 48) - 1)
        return "" if back and set(rule.outputs) == {here} else "rule"

    def _time(self, answered: int, now: int) -> None:
        """Ascribe answers to the oldest questions that wait."""
        sent, latencies = self._sent, self.account.latencies
        while answered and sent:
            count, when = sent[0]
            taken = min(count, answered)
            latencies.append((now - when, taken))
            answered -= taken
            if taken == count:
                sent.popleft()
            else:
                sent[0] = (count - taken, when)
