"""The sequence diagram: who said what to whom, from top to bottom, hosts and switches in the order of the way."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from experiments.report import svg
from experiments.report.steps import summary
from experiments.story.frame import describe
from experiments.story.values import PacketStory, Story, Visit
from experiments.story.words import actions_text, duration_text, match_text, port_text, rule_actions_text

CONTROLLER = "controller"

GUTTER = 84
"""Pixels left of the first lifeline's column, for the times."""
WIDTH = 1068
"""Pixels that the diagram fills when its columns may be as wide as they like."""
NARROWEST, WIDEST = 112, 190
"""Pixels of a column."""
HEAD, BAND, ROW, HOP = 64, 62, 25, 21
"""Pixels of height: names on top, title of a packet, OpenFlow message, a frame's hop."""

LETTER = 6
"""Pixels that a letter of a label takes, about."""
BESIDE = 5
"""Pixels between a lifeline and the head of an arrow that ends at a mark on it."""


class Said(NamedTuple):
    """A message as the diagram shows it: its phase, who it concerns, on the arrow, under the pointer, when, which."""

    phase: str
    switch: str
    label: str
    title: str
    at: float
    number: int


@dataclass
class Canvas:
    """A diagram that grows downward."""

    columns: dict[str, float]
    y: float = HEAD
    back: list[str] = field(default_factory=list)
    front: list[str] = field(default_factory=list)

    def down(self, pixels: float) -> float:
        """Go on below."""
        self.y += pixels
        return self.y


def draw(story: Story) -> str:
    """The diagram of both pings."""
    names = lifelines(story)
    width = min(WIDEST, max(NARROWEST, (WIDTH - GUTTER) / len(names)))
    canvas = Canvas({name: GUTTER + width * (i + 0.5) for i, name in enumerate(names)})
    total = GUTTER + width * len(names)
    for packet in (*story.first, *story.second):
        if packet.answered_by_controller and not packet.visits:
            continue
        _band(canvas, packet, total)
        _packet(canvas, packet)
    bottom = canvas.down(34)
    lines = [
        svg.tag("line", x1=x, y1=HEAD - 14, x2=x, y2=bottom - 18, class_=f"lifeline {_kind(name, story)}")
        for name, x in canvas.columns.items()
    ]
    heads = [_name(name, _kind(name, story), x, y) for name, x in canvas.columns.items() for y in (24, bottom)]
    what = (
        f"Messages between {', '.join(names[:-1])} and the controller while {story.source} pings {story.target} twice"
    )
    detail = f"{story.queries} questions for the first ping, {sum(p.queries for p in story.second)} for the second."
    return svg.picture(
        total, bottom + 26, what, detail, *lines, *canvas.back, *canvas.front, *heads, class_="sequence"
    )  # fmt: skip


def lifelines(story: Story) -> list[str]:
    """The columns: the way, then switches off it that asked or were given rules, then the controller."""
    names = list(story.path)
    for packet in (*story.first, *story.second):
        for visit in (*packet.visits, *packet.elsewhere):
            names += [visit.switch, *(install.switch for install in visit.installs)]
            names += [delivery.switch for delivery in visit.deliveries]
    return [*dict.fromkeys(names), CONTROLLER]


def _kind(name: str, story: Story) -> str:
    return name if name == CONTROLLER else "host" if name in (story.source, story.target) else "switch"


def _name(name: str, kind: str, x: float, y: float) -> str:
    width = max(46, 9 * len(name) + 18)
    box = svg.tag("rect", x=x - width / 2, y=y - 16, width=width, height=30, rx=15 if kind == "host" else 6)
    return svg.group(box, svg.text(name, x, y + 4), class_=f"name {kind}")


def _band(canvas: Canvas, packet: PacketStory, width: float) -> None:
    """The title of a packet, with the names of the lifelines for who has scrolled down."""
    top = canvas.down(16)
    canvas.down(BAND - 16)
    number = "first ping" if packet.ping == 1 else "second ping"
    canvas.back.append(svg.tag("rect", x=0, y=top, width=width, height=28, rx=6, class_=f"band ping{packet.ping}"))
    canvas.front.append(svg.text(f"{packet.name}", 12, top + 19, "band-title", "start"))
    rest = f"{number}: {packet.text}; {summary(packet)}"
    canvas.front.append(svg.text(rest, width - 12, top + 19, "band-text", "end"))
    for name, x in canvas.columns.items():
        canvas.front.append(svg.text(name, x, top + 42, "again"))


def _packet(canvas: Canvas, packet: PacketStory) -> None:
    on_way = {visit.switch for visit in packet.visits}
    at = packet.source
    for visit in _by_time(packet):
        if visit.switch in on_way:
            _hop(canvas, at, visit.switch, packet)
            at = visit.switch
        if visit.query:
            _asked(canvas, visit)
        elif visit.hits:
            _cache_mark(canvas, visit.switch, canvas.y, _silently(visit), "hit")
        for line in visit.missing:
            _missing(canvas, line)
        if packet.visits and visit is packet.visits[-1]:
            _last_hop(canvas, at, packet)
    for line in packet.missing:
        _missing(canvas, line)


def _last_hop(canvas: Canvas, at: str, packet: PacketStory) -> None:
    """To the host, if the packet got that far; back to its sender, if the controller sent the answer."""
    if packet.answered_by_controller:
        _hop(canvas, at, packet.source, packet)
    elif not packet.missing and not any(visit.missing for visit in packet.visits):
        _hop(canvas, packet.path[-2], packet.target, packet)


def _missing(canvas: Canvas, line: str) -> None:
    canvas.front.append(svg.text(f"not seen: {line}", GUTTER, canvas.down(ROW), "missing", "start"))


def _by_time(packet: PacketStory) -> Iterable[Visit]:
    """On the way in its order; a copy's question where it was asked."""
    waiting = sorted(packet.elsewhere, key=lambda visit: visit.query.at if visit.query else 0.0)
    for visit in packet.visits:
        while waiting and visit.query and waiting[0].query and waiting[0].query.at < visit.query.at:
            yield waiting.pop(0)
        yield visit
    yield from waiting


def _hop(canvas: Canvas, here: str, there: str, packet: PacketStory) -> None:
    y = canvas.down(HOP)
    x1, x2 = canvas.columns[here], canvas.columns[there]
    x2 += 0 if there == packet.target else -BESIDE if x2 > x1 else BESIDE
    line = svg.arrow(x1, x2, y, "frame")
    title = (
        f"{packet.name}: {describe(packet.headers)}\n{here} to {there}, in the data plane: not on the OpenFlow channel"
    )
    canvas.front.append(svg.group(line, title=title))


def _asked(canvas: Canvas, visit: Visit) -> None:
    query = visit.query
    assert query is not None
    parse = svg.tag("circle", cx=canvas.columns[visit.switch], cy=canvas.y, r=4.5, class_="mark parse")
    canvas.front.append(svg.group(parse, title=f"{visit.switch} parses the packet from port {visit.in_port}: no rule"))
    title = (
        f"query: {visit.switch} asks, PACKET_IN\nreason {query.reason}, table {query.table}, port {query.in_port}\n"
        f"{query.bytes} bytes, frame {query.frame_bytes}, xid {query.xid}, "
        f"{'no buffer' if query.buffer_id is None else f'buffer {query.buffer_id}'}"
    )
    label = f"PACKET_IN {query.frame_bytes} bytes, port {query.in_port}"
    asked = _message(canvas, Said("query", visit.switch, label, title, query.at, query.message), to_controller=True)
    for index, said in enumerate(_orders(visit)):
        y = _message(canvas, said, to_controller=False)
        if index == 0:
            _decision(canvas, visit, asked, y)
    if visit.cached:
        rules = "\n".join(f"{match_text(rule.match)}: {rule_actions_text(rule)}" for rule in visit.cached)
        for switch in dict.fromkeys(install.switch for install in visit.installs):
            _cache_mark(
                canvas, switch, canvas.y + 10, f"cache: in the table of {switch}, as it reports itself\n{rules}", "new"
            )
        canvas.down(8)


def _orders(visit: Visit) -> list[Said]:
    """Installs and release in order of time."""
    orders: list[Said] = []
    for install in visit.installs:
        rule = install.rule
        title = (
            f"install: {install.switch} is given a rule, FLOW_MOD {install.command}\n{match_text(rule.match)}\n"
            f"{rule_actions_text(rule)}\npriority {rule.priority}, table {rule.table}, idle timeout "
            f"{rule.idle_timeout} s, hard timeout {rule.hard_timeout} s\ncookie {rule.cookie:#x}"
        )
        label = f"FLOW_MOD {rule_actions_text(rule)}"
        orders.append(Said("install", install.switch, label, title, install.at, install.message))
    for release in visit.deliveries if visit.release is None else (visit.release, *visit.deliveries):
        ways = ", ".join(port_text(port) for port in release.ports) or "nowhere"
        title = f"release: the packet goes on from {release.switch}, {release.by}\n{actions_text(release.actions)}"
        label = f"{release.by} to {ways}"
        orders.append(Said("release", release.switch, label, title, release.at, release.message))
    return sorted(orders, key=lambda said: said.number)


def _message(canvas: Canvas, said: Said, *, to_controller: bool) -> float:
    """An arrow between a switch and the controller; returns its height."""
    y = canvas.down(ROW)
    ends = [canvas.columns[said.switch], canvas.columns[CONTROLLER]]
    ends[1] -= BESIDE
    start, end = ends if to_controller else reversed(ends)
    line = svg.arrow(start, end, y, f"message {said.phase}")
    fitting = said.label if len(said.label) * LETTER < abs(end - start) else said.label.partition(" ")[0]
    words = svg.text(fitting, (start + end) / 2, y - 5, f"label {said.phase}")
    when = svg.text(f"{said.at:,.0f} µs", GUTTER - 14, y + 4, "time", "end")
    title = f"{said.title}\n{said.at:,.0f} µs, message {said.number}"
    canvas.front.append(svg.group(line, words, when, title=title, href=f"#m{said.number}"))
    return y


def _decision(canvas: Canvas, visit: Visit, top: float, bottom: float) -> None:
    decision = visit.decision
    assert decision is not None
    x = canvas.columns[CONTROLLER]
    bar = svg.tag("rect", x=x - 5, y=top, width=10, height=bottom - top, rx=3)
    took = duration_text(decision.took / 1e6)
    number = f"decision {decision.number}, " if decision.number is not None else ""
    words = svg.text(took, x + 11, (top + bottom) / 2 + 4, "label decide", "start")
    title = f"decide: {number}{took} after the question\n{decision.text}\n{decision.why}".strip()
    canvas.front.append(svg.group(bar, words, class_="decision", title=title))


def _cache_mark(canvas: Canvas, switch: str, y: float, title: str, kind: str) -> None:
    x = canvas.columns[switch]
    mark = svg.tag("rect", x=x - 5, y=y - 5, width=10, height=10, rx=2, transform=f"rotate(45 {x:.1f} {y:.1f})")
    canvas.front.append(svg.group(mark, class_=f"cache {kind}", title=title))


def _silently(visit: Visit) -> str:
    rule = visit.hits[-1]
    return f"cache: {visit.switch} has a rule, and asks nobody\n{match_text(rule.match)}\n{rule_actions_text(rule)}"
