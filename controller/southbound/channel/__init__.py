"""One switch's connection inside Ryu: batched reads and writes in place of Ryu's two system calls a message.

:func:`install` replaces ``_recv_loop``, ``_send_loop``, ``send`` and ``close`` of Ryu's Datapath. What a switch says
goes to the controller, by the board of all connections (`controller.southbound.switchboard`), in the order of the wire;
everything but PACKET_IN also goes through Ryu's own parser, events and handlers, and so does PACKET_IN as soon as
another Ryu application observes it.

**Turns.** A connection gets :data:`TURN` messages' worth of time, then the others have theirs. What a turn decided is
written at its end with one system call per switch.

**Slow switches.** What a switch does not take at once waits here, and its own greenlet writes it when it can: nobody
else waits. A switch with :data:`HIGH` bytes waiting is not read from, and PACKET_OUTs for it are shed, since packets
may be lost and orders may not. At :data:`LIMIT`, or when it takes nothing for Ryu's ``socket-timeout``, it is
disconnected.

**Malformed messages** are counted, logged once per kind and switch, and answered as OpenFlow asks. Where the stream
cannot be followed any further the connection is closed, and no other.
"""

from __future__ import annotations

import logging
import ssl
from typing import Any

import ryu.base.app_manager  # noqa: F401  (before ryu.controller.controller, which imports it in a circle)
from ryu.controller import controller as ryu_controller
from ryu.controller.controller import Datapath, StreamServer
from ryu.controller.handler import DEAD_DISPATCHER

from controller.southbound import endless
from controller.southbound.switchboard import Switchboard

from .connection import HIGH, LIMIT, Channel

__all__ = ["HIGH", "LIMIT", "Channel", "connect", "install"]

log = logging.getLogger("controller.channel")


def connect(board: Switchboard) -> None:
    """Have all connections from now on served by ``board``."""
    Datapath.flowpath_board = board  # Ryu makes its Datapaths by itself and can hand them nothing.


def install() -> None:
    """Replace the methods of Ryu's Datapath that read and write. Doing so again changes nothing."""
    endless.watch()
    Datapath._recv_loop = _recv_loop
    Datapath._send_loop = _send_loop
    Datapath.send = _send
    Datapath.close = _close
    ryu_controller.StreamServer = _Server


class _Server(StreamServer):  # type: ignore[misc]
    """Ryu's server, which uses up its TLS settings on the first switch, for any number of them."""

    def __init__(self, listen_info: Any, handle: Any, ssl_ctx: ssl.SSLContext | None = None, **tls: Any) -> None:
        super().__init__(listen_info, handle)
        if ssl_ctx is not None:
            ssl_ctx.load_cert_chain(tls["certfile"], tls["keyfile"])
            if "ca_certs" in tls:
                ssl_ctx.verify_mode = tls["cert_reqs"]
                ssl_ctx.load_verify_locations(tls["ca_certs"])
            self.handle = lambda plain, address: self._secure(ssl_ctx, handle, plain, address)

    def _secure(self, context: ssl.SSLContext, handle: Any, plain: Any, address: Any) -> None:
        try:
            secured = context.wrap_socket(plain, server_side=True)
        except OSError as error:
            log.warning("%s:%d: no TLS: %s", *address[:2], error)
            plain.close()
        else:
            handle(secured, address)


def _channel(datapath: Any) -> Channel:
    channel: Channel | None = getattr(datapath, "flowpath_channel", None)
    if channel is None:
        channel = datapath.flowpath_channel = Channel(datapath, datapath.flowpath_board)
    return channel


def _recv_loop(datapath: Any) -> None:
    try:
        _channel(datapath).read()
    finally:
        datapath.socket.close()


def _send_loop(datapath: Any) -> None:
    try:
        _channel(datapath).write_late()
    finally:
        datapath.send_q = None  # Ryu takes this for "no more sending".


def _send(datapath: Any, buf: bytes, close_socket: bool = False) -> bool:
    channel = _channel(datapath)
    sent = channel.send(buf)
    if close_socket:
        channel.part()
    return sent


def _close(datapath: Any) -> None:
    datapath.set_state(DEAD_DISPATCHER)
    _channel(datapath).part()
