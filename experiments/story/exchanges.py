"""Which orders answer which query.

Flowpath's controller makes this easy: every order of one decision bears the decision's number, as xid and in the low
half of the cookie. Any other OpenFlow 1.3 controller is read by what every controller must do: the PACKET_OUT carries
the frame (or names the buffer) that the switch asked about, and the rule installed for a packet matches it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from experiments.story.frame import Headers, read_frame
from experiments.story.tables import fits
from experiments.story.values import Seen

NO_BUFFER = 0xFFFFFFFF
COOKIE_MARK = 0xF1
"""Top byte of every cookie that Flowpath's controller writes."""

ORDERS = ("FLOW_MOD", "GROUP_MOD", "METER_MOD", "PACKET_OUT")


@dataclass(frozen=True)
class Numbered:
    """A message and its number."""

    number: int
    message: Seen


@dataclass
class Exchange:
    """A query and what came of it. ``orders`` are in order of time and include ``release``, which sends the packet on
    from the switch that asked, and ``deliveries``, which send it on from others."""

    query: Numbered
    headers: Headers
    orders: list[Numbered] = field(default_factory=list)
    release: Numbered | None = None
    deliveries: list[Numbered] = field(default_factory=list)
    decision: int | None = None

    @property
    def dpid(self) -> int | None:
        """The switch that asked."""
        return self.query.message.dpid

    @property
    def installs(self) -> list[Numbered]:
        """The FLOW_MODs among the orders."""
        return [order for order in self.orders if order.message.name == "FLOW_MOD"]


def in_order(messages: Iterable[Seen]) -> list[Numbered]:
    """The messages by time, numbered; those of one instant in the order in which they were captured."""
    return [Numbered(i, message) for i, message in enumerate(sorted(messages, key=lambda message: message.time))]


def decision_of(cookie: int) -> tuple[int, int] | None:
    """(application, decision) in a cookie of Flowpath's controller, else None."""
    return (cookie >> 48 & 0xFF, cookie & 0xFFFFFFFF) if cookie >> 56 == COOKIE_MARK else None


def is_ours(messages: Iterable[Numbered]) -> bool:
    """Whether Flowpath's controller is at the other end: its rules say so."""
    return any(
        numbered.message.name == "FLOW_MOD" and decision_of(numbered.message.fields.get("cookie", 0)) is not None
        for numbered in messages
    )


def pair(messages: Sequence[Numbered]) -> list[Exchange]:
    """Every query with its orders. ``messages`` are in order of time, from the first of the connections if possible."""
    ours = is_ours(messages)
    exchanges: list[Exchange] = []
    late: list[Numbered] = []
    for numbered in messages:
        message = numbered.message
        if message.name == "PACKET_IN" and message.from_switch:
            exchanges.append(_ask(numbered))
        elif message.name in ORDERS and not message.from_switch:
            asked = _released(exchanges, numbered)
            if asked:
                asked.release = numbered
                asked.orders.append(numbered)
                asked.decision = message.xid if ours else None
            elif deliver := _delivered(exchanges, numbered, ours):
                deliver.deliveries.append(numbered)
                deliver.orders.append(numbered)
                deliver.decision = message.xid if ours else None
            elif ours:
                late.append(numbered)
            elif message.name == "FLOW_MOD":
                _attach(_best_fit(exchanges, numbered), numbered)
    undecided = [exchange for exchange in exchanges if exchange.decision is None]
    for numbered in late:
        _attach(_by_decision(exchanges, numbered) or _best_fit(undecided, numbered), numbered)
    for exchange in exchanges:
        exchange.orders.sort(key=lambda order: order.number)
    return exchanges


def unasked(messages: Iterable[Numbered], exchanges: Iterable[Exchange]) -> list[Numbered]:
    """The PACKET_OUTs that answer no query: the controller's own packets, or answers to questions that were missed."""
    answers = {order.number for exchange in exchanges for order in exchange.orders}
    return [
        each
        for each in messages
        if each.message.name == "PACKET_OUT" and not each.message.from_switch and each.number not in answers
    ]


def _ask(query: Numbered) -> Exchange:
    fields = query.message.fields
    headers = read_frame(bytes.fromhex(fields.get("data", "")))
    headers["in_port"] = fields.get("match", {}).get("in_port")
    return Exchange(query, headers)


def _released(exchanges: Iterable[Exchange], order: Numbered) -> Exchange | None:
    """The oldest open query whose packet this order sends on: by buffer, else by the frame itself."""
    message = order.message
    buffer = message.fields.get("buffer_id", NO_BUFFER)
    for exchange in exchanges:
        if exchange.release or exchange.dpid != message.dpid:
            continue
        asked = exchange.query.message.fields
        if buffer != NO_BUFFER:
            if asked.get("buffer_id") == buffer:
                return exchange
        elif message.name == "PACKET_OUT" and message.fields.get("data"):
            same_port = message.fields.get("in_port") == exchange.headers["in_port"]
            if same_port and asked.get("data") == message.fields["data"]:
                return exchange
    return None


def _delivered(exchanges: Iterable[Exchange], order: Numbered, ours: bool) -> Exchange | None:
    """The oldest query about the frame that this PACKET_OUT sends on from another switch.

    Flowpath's decisions say by their number whose they are; of others, one that has released the packet is done.
    """
    message = order.message
    data = message.fields.get("data")
    if message.name != "PACKET_OUT" or not data:
        return None
    for exchange in exchanges:
        decided = exchange.decision not in (None, message.xid) if ours else exchange.release is not None
        if not decided and exchange.dpid != message.dpid and exchange.query.message.fields.get("data") == data:
            return exchange
    return None


def _by_decision(exchanges: Iterable[Exchange], order: Numbered) -> Exchange | None:
    number = _decision_number(order)
    return next((exchange for exchange in exchanges if exchange.decision == number), None)


def _decision_number(order: Numbered) -> int:
    marked = decision_of(order.message.fields.get("cookie", 0))
    return marked[1] if marked else order.message.xid


def _best_fit(exchanges: Iterable[Exchange], order: Numbered) -> Exchange | None:
    """The query that a rule was probably installed for: its packet meets the rule, and it came before.

    The switch that asked comes before others, a query that still waits for its release before one that has it; among
    the waiting the oldest, because controllers answer in order, among the released the newest.
    """
    fields = order.message.fields
    match = fields.get("match", {})
    if order.message.name != "FLOW_MOD" or not match or fields.get("command") not in ("ADD", "MODIFY", "MODIFY_STRICT"):
        return None
    elsewhere = {name: value for name, value in match.items() if name != "in_port"}
    candidates = []
    for exchange in exchanges:
        here = exchange.dpid == order.message.dpid
        if exchange.query.number < order.number and fits(match if here else elsewhere, exchange.headers):
            waiting = exchange.release is None or exchange.release.number > order.number
            age = exchange.query.number
            candidates.append(((here, waiting, -age if waiting else age), exchange))
    return max(candidates, key=lambda candidate: candidate[0], default=(None, None))[1]


def _attach(exchange: Exchange | None, order: Numbered) -> None:
    if exchange is None:
        return
    exchange.orders.append(order)
    marked = decision_of(order.message.fields.get("cookie", 0))
    if marked and exchange.decision is None:
        exchange.decision = marked[1]
