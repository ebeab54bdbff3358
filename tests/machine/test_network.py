"""What ovs-ofctl prints about a rule, as a value."""

from __future__ import annotations

import pytest

from experiments.machine.network import Flow, parse_flow


def test_a_rule_with_everything():
    line = (
        " cookie=0xf101000000000007, duration=12.345s, table=2, n_packets=3, n_bytes=294, idle_timeout=60, "
        "hard_timeout=300, send_flow_rem priority=10,icmp,in_port=1,dl_src=00:00:00:00:00:01 "
        "actions=output:2,goto_table:3"
    )
    assert parse_flow(line) == Flow(
        table=2, priority=10, cookie=0xF101000000000007, packets=3, bytes=294, duration=12.345, idle_timeout=60,
        hard_timeout=300, match="icmp,in_port=1,dl_src=00:00:00:00:00:01", actions="output:2,goto_table:3",
    )  # fmt: skip


def test_a_table_miss_rule():
    line = " cookie=0x0, duration=0.2s, table=0, n_packets=3, n_bytes=182, priority=0 actions=CONTROLLER:65535"
    flow = parse_flow(line)
    assert (flow.priority, flow.match, flow.actions) == (0, "", "CONTROLLER:65535")


def test_no_priority_is_the_default_one():
    line = " cookie=0x0, duration=0.2s, table=0, n_packets=0, n_bytes=0, reset_counts check_overlap {}actions=drop"
    for match in ("in_port=1", ""):
        flow = parse_flow(line.format(match and f"{match} "))
        assert (flow.priority, flow.match) == (32768, match)


def test_another_line_is_no_rule():
    with pytest.raises(ValueError, match="not a flow"):
        parse_flow("OFPST_FLOW reply (OF1.3) (xid=0x2):")
