"""Telling the story of two pings from the captured messages.

The first ping is asked about: an ARP request and its reply, an echo request and its reply, each followed from host to
host. The second ping should cross in silence, by the rules that the first left behind. Whatever step is not in the
capture is named in `Story.missing`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

from experiments.story import frame
from experiments.story.exchanges import Exchange, Numbered, in_order, is_ours, pair, unasked
from experiments.story.follow import Replay, Trace, follow
from experiments.story.frame import Headers, read_frame
from experiments.story.tables import Rule, Tables
from experiments.story.values import CacheUse, PacketStory, Seen, Story, Visit
from experiments.story.visits import Reports, Scene, answered, visit_of
from experiments.story.wiring import Wiring

if TYPE_CHECKING:
    from experiments.story.wiring import Graph


class Pings(NamedTuple):
    """Who pings whom; when the first ping began, when the second did, and when that was over (seconds, epoch)."""

    source: str
    target: str
    first: float
    second: float
    end: float


@dataclass(frozen=True)
class Chapter:
    """A packet to tell of; a frame is about it that has these ``headers``."""

    name: str
    ping: int
    source: str
    target: str
    headers: Headers

    def is_about(self, exchange: Exchange) -> bool:
        """Whether a query is about this packet."""
        return self.headers.items() <= exchange.headers.items()


def tell(messages: Iterable[Seen], graph: Graph, pings: Pings, before: Reports, after: Reports) -> Story:
    """The story of two pings.

    ``messages`` begin before the switches' first rules; ``before`` and ``after`` are the flow tables that the switches
    reported between the two pings and after the second.
    """
    wiring = Wiring(graph)
    numbered = [each for each in in_order(messages) if each.message.time <= pings.end]
    exchanges = pair(numbered)
    first = [each for each in exchanges if pings.first <= each.query.message.time < pings.second]
    second = [each for each in exchanges if pings.second <= each.query.message.time]
    chapters = _chapters(wiring, pings)
    told_of = [each for each in first if any(chapter.is_about(each) for chapter in chapters)]
    begin = told_of[0].query.message.time if told_of else pings.first

    own = [each for each in unasked(numbered, exchanges) if each.message.time >= pings.first]
    scene = Scene(wiring, Replay(numbered, wiring), begin, exchanges, own, before, is_ours(numbered))
    scene.replay.advance(_last_before(numbered, pings.first))
    packets = [_packet(chapter, first, scene) for chapter in chapters]
    packets = _answered_by_controller(packets, own, scene)
    scene.replay.advance(_last_before(numbered, pings.second))
    silent = [_packet(replace(chapter, ping=2), second, scene) for chapter in chapters[2:]]
    uses = [use for packet in silent for use in _cache_uses(packet, before, after, scene)]
    return Story(
        source=pings.source,
        target=pings.target,
        begin=begin,
        path=packets[2].path,
        first=tuple(packets),
        second=tuple(silent),
        cache=tuple(uses),
        ours=scene.ours,
        missing=tuple(dict.fromkeys([*_missing(packets), *_missing_of_second(silent, uses, after)])),
    )


def _chapters(wiring: Wiring, pings: Pings) -> list[Chapter]:
    """The four packets of a ping between hosts that do not know each other yet (RFC 826, RFC 792)."""
    source, target = pings.source, pings.target
    there = {"eth_src": wiring.mac(source), "eth_dst": wiring.mac(target)}
    back = {"eth_src": wiring.mac(target), "eth_dst": wiring.mac(source)}
    here, yonder = wiring.ip(source), wiring.ip(target)
    who_has = {"arp_op": 1, "arp_spa": here, "arp_tpa": yonder, "eth_type": frame.ARP}
    is_at = {"arp_op": 2, "arp_spa": yonder, "arp_sha": wiring.mac(target), "arp_tpa": here, "eth_type": frame.ARP}
    echo = {"eth_type": frame.IPV4, "ip_proto": frame.ICMP}
    request = {**echo, "ipv4_src": here, "ipv4_dst": yonder, "icmpv4_type": frame.ECHO_REQUEST}
    reply = {**echo, "ipv4_src": yonder, "ipv4_dst": here, "icmpv4_type": frame.ECHO_REPLY}
    return [
        Chapter("ARP request", 1, source, target, {**there, "eth_dst": frame.BROADCAST, **who_has}),
        Chapter("ARP reply", 1, target, source, {**back, **is_at}),
        Chapter("ICMP echo request", 1, source, target, {**there, **request}),
        Chapter("ICMP echo reply", 1, target, source, {**back, **reply}),
    ]


def _last_before(messages: Sequence[Numbered], time: float) -> int:
    return max((each.number for each in messages if each.message.time < time), default=-1)


def _packet(chapter: Chapter, exchanges: Sequence[Exchange], scene: Scene) -> PacketStory:
    about = [exchange for exchange in exchanges if chapter.is_about(exchange)]
    headers = about[0].headers if about else chapter.headers
    trace = follow(headers, (chapter.source, chapter.target), about, scene.replay, scene.wiring)
    visits = tuple(visit_of(stop, chapter.name, headers, scene) for stop in trace.on_path())
    return PacketStory(
        name=chapter.name,
        ping=chapter.ping,
        source=chapter.source,
        target=chapter.target,
        text=frame.describe(headers),
        headers=headers,
        path=trace.path,
        visits=visits,
        elsewhere=tuple(visit_of(stop, chapter.name, headers, scene) for stop in trace.elsewhere()),
        missing=_lost(chapter, trace, visits),
    )


def _lost(chapter: Chapter, trace: Trace, visits: Sequence[Visit]) -> tuple[str, ...]:
    """A line for a packet that was not seen to arrive although no step is missing."""
    if trace.arrived or any(visit.missing for visit in visits):
        return ()
    last = visits[-1].switch if visits else chapter.source
    return (f"switch {last}: the {chapter.name} was not seen to go on from here to {chapter.target}",)


def _answered_by_controller(
    packets: list[PacketStory], unasked_for: Sequence[Numbered], scene: Scene
) -> list[PacketStory]:
    """The packets, corrected for a controller that answers ARP itself: the request ends, the reply begins there."""
    request, reply, *echoes = packets
    if any(visit.asked for visit in reply.visits):
        return packets
    wanted = {name: request.headers.get(other) for name, other in (("arp_spa", "arp_tpa"), ("arp_tpa", "arp_spa"))}
    for order in unasked_for:
        sent = read_frame(bytes.fromhex(order.message.fields.get("data", "")))
        if sent.get("arp_op") == 2 and wanted.items() <= sent.items():
            asked = tuple(answered(visit, order, scene) for visit in request.visits if visit.asked)
            request = replace(request, visits=asked, missing=(), answered_by_controller=True)
            reply = replace(reply, text=frame.describe(sent), visits=(), missing=(), answered_by_controller=True)
            return [request, reply, *echoes]
    return packets


def _missing(packets: Sequence[PacketStory]) -> list[str]:
    """Every line about the first ping, in order; a ping without any query is no story."""
    lines = [line for packet in packets for visit in packet.visits for line in visit.missing]
    lines += [line for packet in packets for line in packet.missing]
    if not lines and not any(packet.queries for packet in packets):
        return ["no switch asked (PACKET_IN) about any packet of the first ping (query)"]
    if not lines and not any(visit.installs for packet in packets for visit in packet.visits):
        return ["no query about the first ping was followed by a FLOW_MOD on any switch (install)"]
    return lines


def _cache_uses(packet: PacketStory, before: Reports, after: Reports, scene: Scene) -> list[CacheUse]:
    """The rule that carried a packet of the second ping on each switch, with the switch's own counts."""
    uses = []
    for visit in packet.visits:
        tables: Tables = scene.replay.at(visit.switch).holding(before.get(visit.switch, ()))
        passage = tables.passage({**packet.headers, "in_port": visit.in_port})
        if passage.forwards:
            rule = passage.rules[-1]
            uses.append(
                CacheUse(visit.switch, packet.name, rule, rule.packets, _count(rule, after.get(visit.switch, ())))
            )
    return uses


def _count(rule: Rule, report: Iterable[Rule]) -> int | None:
    return next((each.packets for each in report if each.identity == rule.identity), None)


def _missing_of_second(packets: Sequence[PacketStory], uses: Sequence[CacheUse], after: Reports) -> list[str]:
    """A line for each switch that asked again, has no rule, or whose count does not show that the rule was used."""
    lines = []
    for packet in packets:
        used = {use.switch: use for use in uses if use.packet == packet.name}
        for visit in (*packet.visits, *packet.elsewhere):
            if visit.asked:
                lines.append(
                    f"switch {visit.switch}: asked (PACKET_IN) about the second ping's {packet.name} too (cache)"
                )
            elif visit.switch not in after:
                lines.append(f"switch {visit.switch}: reported no flow table (cache)")
            elif visit.switch not in used:
                lines.append(f"switch {visit.switch}: reported no rule for the second ping's {packet.name} (cache)")
            elif not used[visit.switch].hit:
                lines.append(f"switch {visit.switch}: its rule did not count the second ping's {packet.name} (cache)")
    return lines
