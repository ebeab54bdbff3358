"""The story for people: a page that is whole and loads nothing, a terminal that is plain where it should be."""

from __future__ import annotations

import io
import json
import re
import xml.etree.ElementTree as ET
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any, Literal

import pytest
from rich.console import Console

from experiments.cold_starts import Measured, Sample
from experiments.outcome import SCHEMA, Outcome
from experiments.report import Narrator, page, write
from experiments.report.phases import BY_NAME
from experiments.story import Pings
from experiments.story.wiring import Wiring
from tests.experiments.wire import BEGIN, END, SECOND, Routed, Wire
from topologies import build_graph

ABOUT: dict[str, Any] = {
    "experiment": "packet-flow",
    "started": "2030-01-02T03:04:05+00:00",
    "topology": "linear:3",
    "application": "controller.app",
    "samples": 3,
    "pings_per_start": 3,
    "seed": None,
    "datapath": "netdev",
    "packets_not_captured": 0,
    "machine": {"system": "Linux", "kernel": "6", "processor": "one", "processors": 2},
    "versions": {"flowpath": "0.1", "odd <b>": "1 & 2"},
}
VOID = {"meta", "br", "link", "img", "input", "hr"}


def outcome_of(wire: Wire, lost: bool = False) -> Outcome:
    rtts = {1: 0.0094, 2: 0.0005, 3: None if lost else 0.0004}
    samples = tuple(Sample(start, ping, rtt) for start in (1, 2, 3) for ping, rtt in rtts.items())
    pings = Pings(wire.source, wire.target, BEGIN - 0.1, SECOND, END)
    measured = Measured(samples, pings, wire.before, wire.after)
    return Outcome.of(wire.graph, wire.story(), measured, wire.messages, ABOUT)


@pytest.fixture
def outcome() -> Outcome:
    return outcome_of(Wire(build_graph("linear:3")))


class Reader(HTMLParser):
    """Checks that elements are closed in order, and gathers what a page refers to."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.ids: list[str] = []
        self.references: list[str] = []
        self.text: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in VOID:
            self.open.append(tag)
        for name, value in attrs:
            if name == "id":
                self.ids.append(str(value))
            if name in ("src", "href", "xlink:href", "srcset", "action", "poster", "data"):
                self.references.append(str(value))

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        assert self.open
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text.append(data)


def read(html: str) -> Reader:
    reader = Reader()
    reader.feed(html)
    reader.close()
    assert reader.open == []
    return reader


def drawings(html: str) -> list[ET.Element]:
    return [ET.fromstring(found) for found in re.findall(r"<svg.*?</svg>", html, flags=re.DOTALL)]


def test_the_page_is_whole_and_loads_nothing(outcome: Outcome) -> None:
    html = page.render(outcome)
    reader = read(html)
    beside = {"openflow.pcap", "result.json", "controller.log"}
    assert {each for each in reader.references if not each.startswith("#")} == beside
    assert not re.search(r"url\((?!#)|@import|<script", html)


def test_every_place_that_the_page_leads_to_is_on_it_once(outcome: Outcome) -> None:
    reader = read(page.render(outcome))
    inside = {each[1:] for each in reader.references if each.startswith("#")}
    assert inside <= set(reader.ids)
    assert len(reader.ids) == len(set(reader.ids))


def test_drawings_are_well_formed_and_named(outcome: Outcome) -> None:
    found = drawings(page.render(outcome))
    assert len(found) == 3
    for svg in found:
        assert svg.get("role") == "img"
        assert svg[0].tag.endswith("title")
        assert svg[0].text


def test_the_diagram_shows_every_message_of_the_story(outcome: Outcome) -> None:
    diagram = drawings(page.render(outcome))[1]
    space = "{http://www.w3.org/2000/svg}"
    shown = {link.get("href") for link in diagram.iter(f"{space}a")}
    story = outcome.story
    told = [visit for each in story.first for visit in each.visits]
    messages = [visit.query.message for visit in told if visit.query]
    messages += [install.message for visit in told for install in visit.installs]
    messages += [visit.release.message for visit in told if visit.release]
    assert shown == {f"#m{number}" for number in messages}


def test_names_and_numbers_are_on_the_page(outcome: Outcome) -> None:
    text = " ".join(read(page.render(outcome)).text)
    for words in ("h1 pings h3", "9.40 ms", "The story is complete", "no PACKET_IN carries it", "odd <b> 1 & 2"):
        assert words in text


def test_what_is_missing_is_on_the_page_and_on_the_terminal() -> None:
    wire = Wire(build_graph("linear:3"))
    wire.messages.remove(wire.pick("FLOW_MOD", "s2"))
    outcome = outcome_of(wire)
    line = outcome.story.missing[0]
    assert line in " ".join(read(page.render(outcome)).text)
    said = narrated(outcome, terminal=False)
    assert line in " ".join(said.split())
    assert "The story is complete" not in said


def test_a_routed_story_a_larger_network_and_lost_pings_can_be_drawn() -> None:
    wire = Routed(build_graph("ring:4"), target="h2", way=("s1", "s4", "s3", "s2"))
    html = page.render(outcome_of(wire, lost=True))
    assert len(drawings(html)) == 3
    assert "comes from the controller" in narrated(outcome_of(wire), terminal=False)
    tree = build_graph("fat-tree:4")
    fat = Routed(tree, target="h16", way=Wiring(tree).way("h1", "h16")[1:-1])
    assert fat.story().complete
    assert len(drawings(page.render(outcome_of(fat)))) == 3


def test_a_run_without_any_reply_can_be_written_down(outcome: Outcome, tmp_path: Path) -> None:
    silent = replace(outcome, samples=(Sample(1, 1, None), Sample(1, 2, None)))
    write(tmp_path, silent)
    assert json.loads((tmp_path / "result.json").read_text())["summary"]["ratio"] is None
    assert "Not enough replies" in narrated(silent, terminal=False)


def test_result_json_has_all_samples_and_the_story(outcome: Outcome, tmp_path: Path) -> None:
    write(tmp_path, outcome)
    result = json.loads((tmp_path / "result.json").read_text())
    assert result["schema"] == SCHEMA
    assert len(result["round_trips_s"]) == 9
    assert result["summary"]["complete"] is True
    assert result["summary"]["ratio"] == pytest.approx(0.0094 / 0.00045)
    assert result["story"]["first"][0]["name"] == "ARP request"
    assert len(result["messages"]) == result["messages_captured"]
    assert read((tmp_path / "report.html").read_text())


def narrated(outcome: Outcome, *, terminal: bool) -> str:
    stream = io.StringIO()
    colours: Literal["standard", "auto"] = "standard" if terminal else "auto"
    console = Console(file=stream, width=80, highlight=False, force_terminal=terminal, color_system=colours)
    narrator = Narrator(console)
    narrator.opening(outcome.graph, outcome.story.source, outcome.story.target)
    narrator.progress("something is done")
    narrator.tell(outcome)
    narrator.closing(outcome, Path("results/packet-flow/now"))
    return stream.getvalue()


def test_a_pipe_gets_no_colours_and_lines_of_80_columns(outcome: Outcome) -> None:
    said = narrated(outcome, terminal=False)
    assert "\x1b" not in said
    assert max(map(len, said.splitlines())) <= 80
    assert not re.search(" +$", said, flags=re.MULTILINE)
    assert "The story is complete" in said


def test_a_terminal_gets_colours(outcome: Outcome) -> None:
    assert "\x1b[" in narrated(outcome, terminal=True)


def test_no_color_is_respected(outcome: Outcome, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    coloured = re.findall(r"\x1b\[[0-9;]*m", narrated(outcome, terminal=True))
    assert not [code for code in coloured if re.search(r"\b(3[0-7]|9[0-7]|38)\b", code)]


def test_the_terminal_tells_each_step_in_order(outcome: Outcome) -> None:
    said = narrated(outcome, terminal=False)
    part = said[said.index("ICMP echo request from h1") :]
    steps = re.findall(r"^ +(?:s[0-9]+ +)?(?:[0-9,]+ +)?([a-z]+) +\S", part, flags=re.MULTILINE)
    known = [step for step in steps if step in BY_NAME]
    assert known[:6] == ["parse", "query", "decide", "install", "release", "cache"]
