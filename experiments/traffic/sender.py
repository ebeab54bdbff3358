"""A process of its own that sends numbered datagrams at an even rate, each with the time of its sending, until killed.

It is started by path, without the project's environment: ``sender.py FD ADDRESS PORT RATE STREAM``, FD an open UDP
socket, STREAM a number that tells its datagrams from another's.
"""

from __future__ import annotations

import ctypes
import os
import socket
import struct
import sys
import time
from contextlib import suppress

DATAGRAM = struct.Struct("!4sIIQ")
"""Mark, stream, number, nanoseconds since the epoch."""
MARK = b"fpst"
LENGTH = 64

_PR_SET_TIMERSLACK = 29


def main() -> None:
    """Send for ever. A packet that is late goes at once, and the next ones keep to the original times."""
    address, rate = sys.argv[2], float(sys.argv[4])
    fd, port, stream = (int(sys.argv[index]) for index in (1, 3, 5))
    ctypes.CDLL(None).prctl(_PR_SET_TIMERSLACK, 1, 0, 0, 0)
    with suppress(OSError):  # a container may forbid it; then packets are sometimes late, and say so
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))
    sock = socket.socket(fileno=fd)
    padding = bytes(LENGTH - DATAGRAM.size)
    period = 1 / rate
    due = time.monotonic()
    number = 0
    while True:
        with suppress(OSError):  # what the host itself cannot send is lost like any other
            sock.sendto(DATAGRAM.pack(MARK, stream, number, time.time_ns()) + padding, (address, port))
        number += 1
        due += period
        if (left := due - time.monotonic()) > 0:
            time.sleep(left)


if __name__ == "__main__":
    main()
