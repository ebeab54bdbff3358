"""The process that writes packets to a capture file: nothing else, so that it keeps up with any controller.

It inherits an open packet socket, the capture file and two pipes from `experiments.capture.recorder`, and imports
nothing of Flowpath, so that it starts at once. It copies until the first pipe closes (its parent wants it, or died),
then everything that the socket still holds, and ends. After every flush it writes a byte to the second pipe.
"""

import contextlib
import io
import os
import select
import socket
import struct
import sys

RECORD = struct.Struct("=IIII")
"""Header of a packet in a pcap file: seconds, nanoseconds, bytes here, bytes on the wire."""

LARGEST = 1 << 18
"""Bytes kept of one packet; loopback segments have up to 64 KiB and some."""

BATCH = 4096
"""Packets between two flushes when there is no pause."""

SCM_TIMESTAMPNS = 35
"""Linux: the kernel's time of arrival as seconds and nanoseconds."""

ARRIVAL = struct.Struct("@qq")


def copy(packets: socket.socket, file_fd: int, stop_fd: int, news_fd: int) -> None:
    """Copy packets to the file until ``stop_fd`` closes and the socket is empty."""
    poller = select.poll()
    poller.register(packets, select.POLLIN)
    poller.register(stop_fd, select.POLLIN)
    os.set_blocking(news_fd, False)
    buffer = bytearray(LARGEST)
    stopping = False
    with io.BufferedWriter(io.FileIO(file_fd, "wb"), 1 << 20) as file:
        while True:
            more = copy_waiting(packets, file, buffer)
            file.flush()
            with contextlib.suppress(OSError):  # nobody follows, or has more news already than it has read
                os.write(news_fd, b".")
            if more:
                continue
            if stopping:
                return
            stopping = any(fd == stop_fd for fd, _ in poller.poll())


def copy_waiting(packets: socket.socket, file: io.BufferedIOBase, buffer: bytearray) -> bool:
    """Copy what the socket holds; True when there may be more than one batch."""
    view = memoryview(buffer)
    receive = packets.recvmsg_into
    space = socket.CMSG_SPACE(ARRIVAL.size)
    for _ in range(BATCH):
        try:
            wire, ancillary, _, _ = receive([buffer], space, socket.MSG_DONTWAIT | socket.MSG_TRUNC)
        except OSError:
            return False  # nothing is waiting, or the interface went down
        kept = min(wire, LARGEST)
        seconds, nanoseconds = ARRIVAL.unpack(ancillary[0][2])
        file.write(RECORD.pack(seconds, nanoseconds, kept, wire))
        file.write(view[:kept])
    return True


if __name__ == "__main__":
    socket_fd, file_fd, stop_fd, news_fd = map(int, sys.argv[1:])
    try:
        copy(socket.socket(fileno=socket_fd), file_fd, stop_fd, news_fd)
    except OSError as error:
        sys.exit(os.strerror(error.errno or 0))
