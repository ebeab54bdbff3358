"""One switch's connection: what it says is read in turns, what it is told is written in batches."""

from __future__ import annotations

import logging
from contextlib import suppress
from socket import SHUT_RDWR, SHUT_WR
from typing import Any

from eventlet import event as green
from eventlet.greenio import GreenSocket
from eventlet.hubs import get_hub, trampoline
from ryu.controller.controller import CONF
from ryu.controller.handler import DEAD_DISPATCHER, MAIN_DISPATCHER
from ryu.lib import hub

from controller.model import Port, SwitchUp, dpid_text
from controller.southbound import openflow
from controller.southbound.openflow import Malformed, MessageType
from controller.southbound.replies import Features, MultipartReply
from controller.southbound.switchboard import Switchboard
from controller.southbound.wire import BAD_VERSION

from . import telling

log = logging.getLogger("controller.channel")

READ_SIZE = 65536
TURN = 64
"""Packet-ins that a connection may have answered before others get their turn."""
SLOW = 8
"""How many packet-ins' time a message through Ryu's parser takes, roughly."""
LOW, HIGH, LIMIT = 1 << 18, 1 << 20, 64 << 20
"""Bytes waiting for a switch: below LOW it is read from again."""
PARTING_WORDS = 1.0
"""Seconds that a switch has to read why it is disconnected."""

_PACKET_IN = int(MessageType.PACKET_IN)
_PACKET_OUT = int(MessageType.PACKET_OUT)


class Channel:
    """The connection behind one of Ryu's Datapaths."""

    def __init__(self, datapath: Any, board: Switchboard) -> None:
        self.datapath = datapath
        self.where = "{}:{}".format(*datapath.address[:2])
        self._board = board
        self._socket = datapath.socket
        self._socket.settimeout(None)
        # Only a plain socket can be written to without waiting; TLS may have to read first.
        self._raw = self._socket.fd if isinstance(self._socket, GreenSocket) else None
        self._framer = openflow.Framer()
        self._features: Features | None = None
        self._ports: list[Port] = []
        self._up = False
        self._parting = False
        self._closed = False
        self._out: list[bytes] = []
        self._rest: bytes | memoryview = b""
        self._waiting = 0
        self._work = green.Event()
        self._drained: green.Event | None = None

    # ------------------------------------------------------------ writing

    def put(self, data: bytes) -> None:
        """Have ``data`` written by the next `flush`."""
        if self._waiting > HIGH:
            data = self._shed(data)
        self._out.append(data)
        self._waiting += len(data)

    def flush(self) -> None:
        """Write what was put. What the switch does not take now is written as soon as it does."""
        if not self._out or self._rest or self._closed:
            return
        data = b"".join(self._out)
        self._out.clear()
        sent = 0
        if self._raw is not None:
            try:
                sent = self._raw.send(data)
            except BlockingIOError:
                pass
            except OSError:
                self.close()
                return
            self._waiting -= sent
        if sent < len(data):
            self._rest = memoryview(data)[sent:]
            if not self._work.ready():
                self._work.send()

    def send(self, data: bytes) -> bool:
        """Write soon: what one greenlet sends without pausing goes out together."""
        if self._closed or self._parting:
            return False
        if not self._out:
            get_hub().schedule_call_global(0, self.flush)
        self.put(bytes(data))
        return True

    def _shed(self, data: bytes) -> bytes:
        if self._waiting > LIMIT:
            log.error("%s does not read: disconnected with %d bytes waiting for it", self.who, self._waiting)
            self.close()
            return b""
        messages = list(openflow.Framer().feed(data))
        kept = [message for message in messages if message[1] != _PACKET_OUT]
        if len(kept) < len(messages):
            if not self._board.shed[self.datapath.id]:
                log.warning("%s does not read fast enough: packets for it are shed", self.who)
            self._board.shed[self.datapath.id] += len(messages) - len(kept)
        return b"".join(kept)

    def write_late(self) -> None:
        """Write what could not be written at once, until the connection ends."""
        while not self._closed:
            self._work.wait()
            while (self._rest or self._out) and not self._closed:
                if not self._rest:
                    self._rest = memoryview(b"".join(self._out))
                    self._out.clear()
                try:
                    with hub.Timeout(CONF.socket_timeout):
                        sent = self._socket.send(self._rest)
                except hub.Timeout:
                    log.error("%s took nothing for %g s: disconnected", self.who, CONF.socket_timeout)
                    self.close()
                except OSError:
                    self.close()
                else:
                    self._rest = self._rest[sent:]
                    self._waiting -= sent
                    if self._drained is not None and self._waiting < LOW:
                        self._drained.send()
                        self._drained = None
            self._work = green.Event()
            if self._parting:
                self._shut(SHUT_WR)

    # ------------------------------------------------------------ reading

    @property
    def who(self) -> str:
        """The switch, or its address as long as it has not said who it is."""
        return f"switch {dpid_text(self.datapath.id)}" if self.datapath.id is not None else self.where

    def read(self) -> None:
        """Take what the switch says, until the connection ends."""
        try:
            while not self._closed and self.datapath.state != DEAD_DISPATCHER:
                # Others get their turn here, also when there is more to be read at once.
                if self._raw is not None:
                    trampoline(self._raw, read=True)
                else:
                    hub.sleep(0)
                chunk = self._socket.recv(READ_SIZE)
                if not chunk:
                    break
                if not self._parting:
                    self._take(chunk)
                if self._waiting > HIGH and not self._closed:
                    self._drained = green.Event()
                    self._drained.wait()
        except (OSError, EOFError):
            pass  # The connection is lost, which needs no other word than "left".
        finally:
            self._closed = True
            self._board.down(self, self.datapath.id)

    def _take(self, chunk: bytes) -> None:
        """The messages that a chunk completes, a bounded number in each turn."""
        board = self._board
        packet_in = board.controller.packet_in
        direct = self._up and not telling.observed()
        dpid = self.datapath.id
        now = begun = board.clock()
        left = TURN
        try:
            for message in self._framer.feed(chunk):
                try:
                    if direct and message[1] == _PACKET_IN:
                        left -= 1
                        board.deliver(packet_in(dpid, message, now))
                    else:
                        left -= SLOW
                        self._take_slowly(message, now)
                        direct = self._up and not telling.observed()
                        dpid = self.datapath.id
                except Malformed as fault:
                    self._refuse(message, fault)
                except Exception:
                    log.exception("%s: a message was not understood, by a fault of this controller", self.who)
                if left <= 0:
                    board.flush()
                    board.busy += board.clock() - begun
                    hub.sleep(0)
                    left = TURN
                    now = begun = board.clock()
                if self._closed or self._parting:
                    break
        except Malformed as fault:
            self._refuse(fault.refused, fault)
            self.part()
        board.flush()
        board.busy += board.clock() - begun

    def _take_slowly(self, message: bytes, now: float) -> None:
        """A message that Ryu is told of too. Raises Malformed."""
        board = self._board
        if self._up:
            board.deliver(board.controller.message(self.datapath.id, message, now))
        else:
            self._greet(message)
        # Ryu may wait for an application with a full queue.
        board.flush()
        if self._parting:
            return
        if not self._up or telling.is_for_ryu(message):
            try:
                telling.tell(self.datapath, message)
            except telling.Unending as fault:
                self.part()
                raise fault from None
        if not self._up and self._features and self.datapath.state == MAIN_DISPATCHER:
            self._up = True
            known, address = self._features, self.datapath.address[:2]
            sizes = (known.n_tables, known.n_buffers, known.capabilities)
            board.up(self, SwitchUp(known.dpid, tuple(self._ports), address, *sizes))

    def _greet(self, message: bytes) -> None:
        """Ryu shakes hands; here is only listened to who it is."""
        said = openflow.decode(0, message)
        if isinstance(said, Features) and said.auxiliary:
            log.warning("%s: auxiliary connection %d is not served", self.where, said.auxiliary)
            self.part()
        elif isinstance(said, Features):
            self._features = said
        elif isinstance(said, MultipartReply):
            self._ports += [part for part in said.parts if isinstance(part, Port)]

    # ------------------------------------------------------------ faults and the end

    def _refuse(self, message: bytes, fault: Malformed) -> None:
        who = self.who if self.datapath.id is not None else str(self.datapath.address[0])
        kind = (who, f"type {message[1] if len(message) > 1 else '?'}, error {fault.error}")
        self._board.malformed[kind] += 1
        if self._board.malformed[kind] == 1:
            log.warning("%s sent a malformed message: %s", self.who, fault)
        if fault.error is not None:
            self.put(openflow.error(fault.error, message))
            self.flush()
            if fault.error == BAD_VERSION:
                self.part()

    def part(self) -> None:
        """Disconnect, but let the switch read what was written before: that may be the reason."""
        self.flush()
        if not self._parting and not self._closed:
            self._parting = True
            if not self._waiting:
                self._shut(SHUT_WR)
            get_hub().schedule_call_global(PARTING_WORDS, self.close)
            self._board.down(self, self.datapath.id)

    def close(self) -> None:
        """Disconnect at once."""
        self._closed = True
        self._board.down(self, self.datapath.id)
        for waiting in (self._work, self._drained):
            if waiting is not None and not waiting.ready():
                waiting.send()
        self._drained = None
        self._shut(SHUT_RDWR)

    def _shut(self, how: int) -> None:
        with suppress(OSError):  # The other side was faster.
            self._socket.shutdown(how)
