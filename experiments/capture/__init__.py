"""OpenFlow on the wire: record it without loss, and read it as messages. docs/capture.md explains how.

with Recorder(path="openflow.pcap"):
    ...
for message in read("openflow.pcap"):
    print(message.name, message.fields)
"""

from experiments.capture.messages import Message, read
from experiments.capture.recorder import Recorder

__all__ = ["Message", "Recorder", "read"]
