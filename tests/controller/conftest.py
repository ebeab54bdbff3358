"""Tests that look into Ryu's process from within need what ryu-manager needs to start."""

from controller import ryu_startup

ryu_startup.prepare()
