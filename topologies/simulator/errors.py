"""The errors with which a switch refuses a message (OpenFlow 1.3.5 §7.4.4)."""

from __future__ import annotations

from enum import Enum


class Fault(Enum):
    """Error type and code as they go on the wire."""

    HELLO_INCOMPATIBLE = (0, 0)
    BAD_VERSION = (1, 0)
    BAD_TYPE = (1, 1)
    BAD_MULTIPART = (1, 2)
    BAD_EXPERIMENTER = (1, 3)
    BAD_LENGTH = (1, 6)
    BUFFER_UNKNOWN = (1, 8)
    BAD_TABLE_ID = (1, 9)
    IS_SLAVE = (1, 10)
    BAD_PORT = (1, 11)
    ACTION_BAD_TYPE = (2, 0)
    ACTION_BAD_LENGTH = (2, 1)
    ACTION_BAD_EXPERIMENTER = (2, 2)
    ACTION_BAD_OUT_PORT = (2, 4)
    ACTION_BAD_ARGUMENT = (2, 5)
    ACTION_BAD_QUEUE = (2, 8)
    ACTION_BAD_OUT_GROUP = (2, 9)
    ACTION_INCONSISTENT = (2, 10)
    ACTION_BAD_SET_TYPE = (2, 13)
    ACTION_BAD_SET_LENGTH = (2, 14)
    ACTION_BAD_SET_ARGUMENT = (2, 15)
    UNKNOWN_INSTRUCTION = (3, 0)
    UNSUPPORTED_INSTRUCTION = (3, 1)
    GOTO_BAD_TABLE_ID = (3, 2)
    INSTRUCTION_BAD_LENGTH = (3, 7)
    MATCH_BAD_TYPE = (4, 0)
    MATCH_BAD_LENGTH = (4, 1)
    MATCH_BAD_FIELD = (4, 6)
    MATCH_BAD_VALUE = (4, 7)
    MATCH_BAD_MASK = (4, 8)
    MATCH_BAD_PREREQUISITE = (4, 9)
    MATCH_DUPLICATE_FIELD = (4, 10)
    TABLE_FULL = (5, 1)
    FLOW_BAD_TABLE_ID = (5, 2)
    OVERLAP = (5, 3)
    FLOW_BAD_COMMAND = (5, 6)
    FLOW_BAD_FLAGS = (5, 7)
    GROUP_EXISTS = (6, 0)
    INVALID_GROUP = (6, 1)
    GROUP_LOOP = (6, 7)
    UNKNOWN_GROUP = (6, 8)
    CHAINED_GROUP = (6, 9)
    GROUP_BAD_TYPE = (6, 10)
    GROUP_BAD_COMMAND = (6, 11)
    BAD_BUCKET = (6, 12)
    BAD_WATCH = (6, 13)
    PORT_MOD_BAD_PORT = (7, 0)
    PORT_MOD_BAD_ADDRESS = (7, 1)
    PORT_MOD_BAD_CONFIG = (7, 2)
    TABLE_MOD_BAD_TABLE = (8, 0)
    BAD_ROLE = (11, 2)
    STALE_ROLE = (11, 0)
    OUT_OF_METERS = (12, 11)


class Refused(Exception):
    """A message that the switch does not carry out."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault.name)
        self.fault = fault
