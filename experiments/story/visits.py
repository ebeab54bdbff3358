"""One packet at one switch: its steps as values, and the names of those that were not seen."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from experiments.story import tables
from experiments.story.exchanges import NO_BUFFER, Exchange, Numbered, decision_of
from experiments.story.follow import Replay, Stop, released_ports
from experiments.story.frame import Headers, is_group_address, read_frame
from experiments.story.tables import Rule
from experiments.story.values import Decision, Install, Query, Release, Visit
from experiments.story.wiring import Wiring
from experiments.story.words import port_text

Reports = Mapping[str, Sequence[Rule]]


@dataclass(frozen=True)
class Scene:
    """What all packets of a story share: the network, queries, PACKET_OUTs without one, the switches' reports."""

    wiring: Wiring
    replay: Replay
    begin: float
    queries: Sequence[Exchange]
    unasked: Sequence[Numbered]
    reports: Reports
    ours: bool

    def microseconds(self, message: Numbered) -> float:
        """When a message was on the wire, in the time of the story."""
        return round((message.message.time - self.begin) * 1e6, 1)


def visit_of(stop: Stop, name: str, headers: Headers, scene: Scene) -> Visit:
    """What happened to packet ``name`` at a switch."""
    switch, in_port = stop.place
    exchange = stop.exchange
    if exchange is None:
        return Visit(switch, in_port, stop.out_ports, hits=stop.rules, missing=_unexplained(stop, name, headers, scene))
    release = _release(exchange.release, exchange, scene) if exchange.release else None
    deliveries = tuple(_release(order, exchange, scene) for order in exchange.deliveries)
    installs = tuple(_install(order, scene) for order in exchange.installs)
    cached, not_held = _held(installs, name, scene.reports)
    return Visit(
        switch=switch,
        in_port=in_port,
        out_ports=stop.out_ports,
        query=_query(exchange.query, switch, scene),
        decision=_decision(exchange, installs, (*([release] if release else []), *deliveries), scene),
        installs=installs,
        release=release,
        deliveries=deliveries,
        cached=cached,
        missing=(*_unanswered(stop, exchange, name, headers, scene), *not_held),
    )


def answered(visit: Visit, order: Numbered, scene: Scene) -> Visit:
    """A visit whose query the controller answered with a packet of its own making, sent back to who asked."""
    query = visit.query
    if query is None or scene.wiring.switch(order.message.dpid) != visit.switch or order.number < query.message:
        return visit
    actions = order.message.fields.get("actions", ())
    ports = tuple(scene.replay.at(visit.switch).outputs(actions))
    at = scene.microseconds(order)
    number = order.message.xid if scene.ours else None
    decision = visit.decision or Decision(at, round(at - query.at, 1), number, None, "answer it, knowing the answer")
    release = Release(at, order.number, visit.switch, order.message.name, tuple(actions), ports)
    return replace(visit, decision=decision, release=release, missing=())


def _unexplained(stop: Stop, name: str, headers: Headers, scene: Scene) -> tuple[str, ...]:
    """A line for a packet that a switch did not ask about, unless a rule explains why and no answer says otherwise."""
    switch = stop.place.node
    if not stop.rules:
        return (f"switch {switch}: no query (PACKET_IN) about the {name}, and no rule for it",)
    for order in scene.unasked:
        sent = read_frame(bytes.fromhex(order.message.fields.get("data", "")))
        same = bool(sent) and all(headers[key] == value for key, value in sent.items() if key in headers)
        if same and scene.wiring.switch(order.message.dpid) == switch:
            return (f"switch {switch}: no query (PACKET_IN) about the {name}, though a PACKET_OUT answers one",)
    return ()


def _query(query: Numbered, switch: str, scene: Scene) -> Query:
    message, fields = query.message, query.message.fields
    buffer = fields.get("buffer_id", NO_BUFFER)
    return Query(
        at=scene.microseconds(query),
        message=query.number,
        switch=switch,
        in_port=fields.get("match", {}).get("in_port", 0),
        reason=str(fields.get("reason", "")),
        table=fields.get("table_id", 0),
        cookie=fields.get("cookie", 0),
        buffer_id=None if buffer == NO_BUFFER else buffer,
        xid=message.xid,
        bytes=message.length,
        frame_bytes=fields.get("total_len", 0),
    )


def _install(order: Numbered, scene: Scene) -> Install:
    fields = order.message.fields
    switch = scene.wiring.switch(order.message.dpid)
    rule = tables.rule_of(fields, order.number)
    return Install(scene.microseconds(order), order.number, switch, str(fields.get("command", "")), rule)


def _release(order: Numbered, exchange: Exchange, scene: Scene) -> Release:
    fields = order.message.fields
    switch = scene.wiring.switch(order.message.dpid)
    actions = fields["actions"] if "actions" in fields else tables.rule_of(fields).actions
    ports = released_ports(fields, scene.replay.at(switch), exchange.headers)
    return Release(
        scene.microseconds(order), order.number, switch, order.message.name, tuple(actions), tuple(dict.fromkeys(ports))
    )


def _decision(
    exchange: Exchange, installs: Sequence[Install], releases: Sequence[Release], scene: Scene
) -> Decision | None:
    """The decision shows in its first order."""
    if not exchange.orders:
        return None
    at = scene.microseconds(exchange.orders[0])
    marked = [found for install in installs if (found := decision_of(install.rule.cookie))]
    return Decision(
        at=at,
        took=round(at - scene.microseconds(exchange.query), 1),
        number=exchange.decision,
        application=marked[0][0] if marked else None,
        text=f"{_sent(exchange, releases, scene)}, {_remembered(installs)}",
    )


def _sent(exchange: Exchange, releases: Sequence[Release], scene: Scene) -> str:
    """What was decided about the packet, read from the orders."""
    if not releases:
        return "leave the packet where it is"
    asked = scene.wiring.switch(exchange.dpid)
    if any(release.switch != asked for release in releases):
        return "send it out from " + ", ".join(release.switch for release in releases)
    ports = releases[0].ports
    if ports in ((tables.FLOOD,), (tables.ALL,)):
        return "flood it"
    return "forward by " + ", ".join(map(port_text, ports)) if ports else "drop it"


def _remembered(installs: Sequence[Install]) -> str:
    """What was decided about packets like it."""
    switches = {install.switch for install in installs}
    if not switches:
        return "remember nothing"
    return "remember it" if len(switches) == 1 else f"remember it on {len(switches)} switches"


def _held(installs: Iterable[Install], name: str, reports: Reports) -> tuple[tuple[Rule, ...], list[str]]:
    """The installed rules as their switches report them, and a line for each that its switch does not report."""
    held: list[Rule] = []
    missing: list[str] = []
    for install in installs:
        if not install.command.startswith(("ADD", "MODIFY")):
            continue
        found = [rule for rule in reports.get(install.switch, ()) if rule.identity == install.rule.identity]
        held += found[:1]
        if not found:
            missing.append(
                f"switch {install.switch}: the rule installed for the {name} is not in its flow table (cache)"
            )
    return tuple(held), missing


def _unanswered(stop: Stop, exchange: Exchange, name: str, headers: Headers, scene: Scene) -> list[str]:
    """A line for every step that should have followed the query and was not seen."""
    switch = stop.place.node
    if stop.copied:
        return []
    if not exchange.orders:
        return [f"switch {switch}: no decision followed the query about the {name} (no FLOW_MOD, no PACKET_OUT)"]
    missing = []
    if not exchange.installs and _should_install(exchange, headers, scene):
        missing.append(f"switch {switch}: no FLOW_MOD followed the query about the {name} (install)")
    if not exchange.release and not exchange.deliveries:
        missing.append(f"switch {switch}: no PACKET_OUT followed the query about the {name} (release)")
    return missing


def _should_install(exchange: Exchange, headers: Headers, scene: Scene) -> bool:
    """A rule can be expected for a packet to one host, whose place this switch's earlier queries have shown."""
    target = headers["eth_dst"]
    return not is_group_address(target) and any(
        earlier.dpid == exchange.dpid and earlier.headers.get("eth_src") == target
        for earlier in scene.queries
        if earlier.query.number < exchange.query.number
    )
