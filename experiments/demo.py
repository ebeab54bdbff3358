"""A ping through real switches, told message by message.

The demo builds a network of Open vSwitch switches, starts Flowpath's controller, and lets one host ping another, twice.
It captures the OpenFlow messages meanwhile, and tells from them how the packets travelled:

  parse     a switch reads the packet's headers and looks for a rule
  query     there is none: it asks the controller (PACKET_IN)
  decide    the controller chooses what to do
  install   it orders rules for packets like this one (FLOW_MOD)
  release   it sends the packet itself on (PACKET_OUT)
  cache     the rule is in the switch: the next such packet crosses without asking

The second ping shows the last step: no switch asks. More cold starts then measure what asking costs. All that was
made (switches, hosts, controller) is taken down at the end; the results stay.

results, in DIR/packet-flow/<UTC time>/ (`latest` points to the newest):
  report.html      the story with diagrams, for a browser; loads nothing from outside
  result.json      all data: samples, story, flow tables, messages, versions, machine
  openflow.pcap    the captured messages; Wireshark and `flowpath capture --read` open it
  controller.log   what the controller said

examples:
  sudo ./flowpath demo
  sudo ./flowpath demo --topology linear:5
  sudo ./flowpath demo --topology tree:2x3 --from h2 --to h7 --samples 30

exit code: 0 if every step was seen; 1 if one was not, naming it; 2 if the machine or the arguments do not allow it
"""

from experiments.packet_flow import add_arguments, run

__all__ = ["add_arguments", "run"]
