"""A packet's story, rebuilt from the OpenFlow messages on the wire: parse, query, decide, install, release, cache."""

from experiments.story.explain import explained
from experiments.story.tables import Rule, rule_of
from experiments.story.tell import Pings, tell
from experiments.story.values import CacheUse, PacketStory, Story, Visit

__all__ = ["CacheUse", "PacketStory", "Pings", "Rule", "Story", "Visit", "explained", "rule_of", "tell"]
