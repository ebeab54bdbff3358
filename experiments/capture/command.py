"""See the OpenFlow messages between switches and controller, live or from a capture file.

  flowpath capture                                        live on the loopback interface, until Ctrl-C
  flowpath capture --write openflow.pcap                  the same, and keep the capture (Wireshark opens it)
  flowpath capture --read openflow.pcap                   what a capture holds
  flowpath capture --filter 'type == FLOW_MOD and switch == 2'
  flowpath capture --read openflow.pcap --json            an object a line for other programs, counts last

Counts by type are printed at the end. docs/capture.md describes filters and fields.
"""

from __future__ import annotations

import argparse
import json
import signal
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from experiments.capture.filters import parse
from experiments.capture.messages import OPENFLOW_PORT, Message, messages, read
from experiments.capture.recorder import Recorder
from experiments.capture.streams import Gap
from experiments.capture.summary import summary
from experiments.errors import Exit, UserError

Wanted = Callable[[Message, float], bool]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of ``flowpath capture``."""
    parser.add_argument("--interface", default="lo", metavar="NAME", help="where to listen (default: lo)")
    parser.add_argument(
        "--port", type=_port, default=OPENFLOW_PORT, help=f"the controller's TCP port (default: {OPENFLOW_PORT})"
    )
    files = parser.add_mutually_exclusive_group()
    files.add_argument("--write", type=Path, metavar="FILE", help="keep what is captured in this pcap file")
    files.add_argument(
        "--read", type=Path, nargs="+", default=[], metavar="FILE",
        help="read these pcap or pcapng files, one after the other, instead of listening",
    )  # fmt: skip
    parser.add_argument("--filter", default="", metavar="EXPR", help="show only messages for which this holds")
    parser.add_argument("--json", action="store_true", help="one JSON object a line, counts last")


def run(args: argparse.Namespace) -> int:
    """Show the messages, then counts by type; 0 also when Ctrl-C ended it."""
    wanted = parse(args.filter)
    # `latest/openflow.pcap` is one of `*/openflow.pcap`, too.
    files = list({path.resolve(): path for path in args.read}.values())
    for path in files:
        gaps: list[Gap] = []
        file = str(path) if len(files) > 1 else ""
        counts = _show(args, read(path, args.port, gaps.append), wanted, file)
        _finish(args, counts, gaps, 0, file)
    if not files:
        gaps = []
        with _recorder(args) as recorder:
            source = messages(recorder.follow(), args.port, gaps.append, live=True)
            counts = _show(args, source, wanted, "", live=True)
        _finish(args, counts, gaps, recorder.dropped)
    return Exit.FINE


def _show(
    args: argparse.Namespace, source: Iterable[Message], wanted: Wanted, file: str, *, live: bool = False
) -> Counter[str]:
    """Print the messages that are wanted, and count them by type."""
    show = _print_json if args.json else _print_line
    start: float | None = None
    counts: Counter[str] = Counter()
    for message in source:
        if start is None:
            start = message.time
            if not args.json:
                print(f"{file}: " * bool(file), end="")
                print(f"times in seconds after {datetime.fromtimestamp(start).isoformat(sep=' ')}")
        if wanted(message, start):
            counts[message.name] += 1
            show(message, start)
            if live:
                sys.stdout.flush()
    return counts


@contextmanager
def _recorder(args: argparse.Namespace) -> Iterator[Recorder]:
    """A recorder that Ctrl-C or SIGTERM stops; what it has written by then is still shown."""
    with ExitStack() as stack:
        path = args.write or Path(stack.enter_context(tempfile.TemporaryDirectory())) / "openflow.pcap"
        recorder = stack.enter_context(Recorder(args.interface, args.port, path))

        def stop(number: int, _: object) -> None:
            recorder.stop()
            # A second time means at once.
            signal.signal(number, signal.default_int_handler)

        for number in (signal.SIGINT, signal.SIGTERM):
            stack.callback(signal.signal, number, signal.signal(number, stop))
        print(f"listening on {args.interface}, port {args.port}; Ctrl-C ends it", file=sys.stderr)
        yield recorder


def _print_line(message: Message, start: float) -> None:
    print(f"{message.time - start:12.6f} {summary(message)}")


def _print_json(message: Message, _: float) -> None:
    print(json.dumps(as_json(message)))


def as_json(message: Message) -> dict[str, Any]:
    """A message as ``--json`` prints it: the dpid as 16 hex digits, everything else as in `Message`."""
    return {
        "time": message.time,
        "dpid": None if message.dpid is None else f"{message.dpid:016x}",
        "from_switch": message.from_switch,
        "switch": message.switch,
        "type": message.type,
        "name": message.name,
        "xid": message.xid,
        "length": message.length,
        "fields": message.fields,
    }


def _finish(args: argparse.Namespace, counts: Counter[str], gaps: list[Gap], dropped: int, file: str = "") -> None:
    for gap in gaps:
        print(f"flowpath: {gap}", file=sys.stderr)
    if dropped:
        print(f"flowpath: the kernel dropped {dropped} packets: not every message is here", file=sys.stderr)
    by_type = dict(sorted(counts.items()))
    if args.json:
        named = {"file": file} if file else {}
        print(json.dumps({**named, "counts": by_type, "total": counts.total(), "gaps": len(gaps), "dropped": dropped}))
        return
    print(f"{counts.total()} messages")
    for name, count in by_type.items():
        print(f"{count:8} {name}")


def _port(text: str) -> int:
    if not text.isdigit() or not 0 < int(text) < 65536:
        raise UserError(f"--port {text}: a TCP port is a number from 1 to 65535")
    return int(text)
