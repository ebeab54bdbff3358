"""Packets of our own: sent and received on the hosts of a network, and sighted at the ports of its switches."""
