"""Flow tables rebuilt from orders: OpenFlow's own rules about matching, replacing, deleting and passing on."""

from __future__ import annotations

from typing import Any

import pytest

from experiments.story.tables import CONTROLLER, Tables, fits
from tests.experiments.wire import applying

PACKET = {"in_port": 1, "eth_dst": "00:00:00:00:00:02", "eth_src": "00:00:00:00:00:01", "ipv4_dst": "10.0.0.2"}


def order(command: str = "ADD", **fields: Any) -> dict[str, Any]:
    return {"command": command, "table_id": 0, "priority": 1, "match": {}, "instructions": [], **fields}


def switch(*orders: dict[str, Any]) -> Tables:
    tables = Tables()
    for each in orders:
        tables.apply("FLOW_MOD", each)
    return tables


@pytest.mark.parametrize(
    ("match", "fitting"),
    [
        ({}, True),
        ({"in_port": 1}, True),
        ({"in_port": 2}, False),
        ({"tcp_dst": 80}, False),
        ({"ipv4_dst": {"value": "10.0.0.0", "mask": "255.255.255.0"}}, True),
        ({"ipv4_dst": {"value": "10.0.1.0", "mask": "255.255.255.0"}}, False),
        ({"eth_dst": {"value": "00:00:00:00:00:00", "mask": "01:00:00:00:00:00"}}, True),
        ({"metadata": {"value": 7, "mask": 7}}, True),
    ],
)
def test_a_match_fits_when_each_of_its_fields_does(match: dict[str, Any], fitting: bool) -> None:
    assert fits(match, PACKET) is fitting


def test_the_highest_priority_wins() -> None:
    tables = switch(order(instructions=applying(2)), order(priority=9, instructions=applying(3)))
    assert tables.passage(PACKET).outputs == [3]


def test_without_any_rule_a_packet_goes_nowhere() -> None:
    passage = switch().passage(PACKET)
    assert not passage.forwards
    assert not passage.asks


def test_the_table_miss_rule_asks_and_does_not_forward() -> None:
    passage = switch(order(priority=0, instructions=applying(CONTROLLER))).passage(PACKET)
    assert passage.asks
    assert not passage.forwards


def test_an_added_rule_takes_the_place_of_its_like() -> None:
    tables = switch(order(instructions=applying(2)), order(instructions=applying(3)))
    assert len(list(tables)) == 1
    assert tables.passage(PACKET).outputs == [3]


def test_modify_changes_what_a_rule_does_and_nothing_else() -> None:
    tables = switch(order(instructions=applying(2), cookie=5), order("MODIFY", instructions=applying(4), cookie=6))
    [rule] = tables
    assert (rule.cookie, [action["port"] for action in rule.actions]) == (5, [4])


def test_delete_takes_what_its_match_covers() -> None:
    tables = switch(
        order(match={"in_port": 1, "eth_src": "a"}),
        order(match={"in_port": 2}),
        order("DELETE", match={"in_port": 1}),
    )
    assert [rule.match for rule in tables] == [{"in_port": 2}]


def test_delete_strict_takes_exactly_one() -> None:
    tables = switch(
        order(match={"in_port": 1}),
        order(match={"in_port": 1}, priority=2),
        order("DELETE_STRICT", match={"in_port": 1}),
        order("DELETE_STRICT", match={}),
    )
    assert [rule.priority for rule in tables] == [2]


def test_delete_may_be_limited_by_cookie_and_reach_all_tables() -> None:
    tables = switch(
        order(cookie=0xF1, table_id=3),
        order(cookie=0x01, table_id=4),
        order("DELETE", table_id=0xFF, cookie=0xF0, cookie_mask=0xF0),
    )
    assert [rule.cookie for rule in tables] == [0x01]


def test_a_switch_that_gives_up_a_rule_has_it_no_more() -> None:
    tables = switch(order(match={"in_port": 1}))
    tables.apply("FLOW_REMOVED", {"table_id": 0, "priority": 1, "match": {"in_port": 1}})
    assert not list(tables)


def test_tables_are_passed_in_turn_and_groups_opened() -> None:
    goto = {"type": "GOTO_TABLE", "table_id": 2}
    to_group = {"type": "WRITE_ACTIONS", "actions": [{"type": "GROUP", "group_id": 7}]}
    tables = switch(order(instructions=[goto]), order(table_id=2, instructions=[to_group]))
    buckets = [{"actions": [{"type": "OUTPUT", "port": 3}]}]
    tables.apply("GROUP_MOD", {"command": "ADD", "group_id": 7, "buckets": buckets})
    passage = tables.passage(PACKET)
    assert passage.outputs == [3]
    assert [rule.table for rule in passage.rules] == [0, 2]
    tables.apply("GROUP_MOD", {"command": "DELETE", "group_id": 7})
    assert tables.passage(PACKET).outputs == []


def test_the_action_set_keeps_one_output_and_clears() -> None:
    write = [{"type": "WRITE_ACTIONS", "actions": [{"type": "OUTPUT", "port": port}]} for port in (2, 3)]
    assert switch(order(instructions=write)).passage(PACKET).outputs == [3]
    cleared = [*write, {"type": "CLEAR_ACTIONS"}]
    assert switch(order(instructions=cleared)).passage(PACKET).outputs == []
