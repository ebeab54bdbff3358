"""Actions and instructions on the wire (OpenFlow 1.3.5 §7.2.4, §7.2.5)."""

from __future__ import annotations

from collections.abc import Iterable
from enum import IntEnum
from struct import Struct

from controller.model import (
    Action,
    Apply,
    Clear,
    DecTtl,
    Goto,
    Instruction,
    Masked,
    Output,
    PopVlan,
    PushVlan,
    RawAction,
    SetField,
    SetQueue,
    ToGroup,
    UseMeter,
    Write,
    WriteMetadata,
)
from controller.southbound import oxm
from controller.southbound.wire import BAD_ACTION_LENGTH, BAD_INSTRUCTION_LENGTH, Malformed

_HEAD = Struct("!HH")
_OUTPUT = Struct("!HHIH6x")
_NUMBER = Struct("!HHI")
_ETHERTYPE = Struct("!HHH2x")
_EMPTY = Struct("!HH4x")
_GOTO = Struct("!HHB3x")
_METADATA = Struct("!HH4xQQ")


class ActionType(IntEnum):
    """OFPAT_*, those that the vocabulary has a word for (§7.2.4)."""

    OUTPUT = 0
    PUSH_VLAN = 17
    POP_VLAN = 18
    SET_QUEUE = 21
    GROUP = 22
    DEC_NW_TTL = 24
    SET_FIELD = 25


class InstructionType(IntEnum):
    """OFPIT_* (§7.2.3)."""

    GOTO_TABLE = 1
    WRITE_METADATA = 2
    WRITE_ACTIONS = 3
    APPLY_ACTIONS = 4
    CLEAR_ACTIONS = 5
    METER = 6


# Plain ints: struct takes an IntEnum more slowly, and these go out with every flow.
_OUTPUT_TYPE, _APPLY_TYPE = int(ActionType.OUTPUT), int(InstructionType.APPLY_ACTIONS)

_ACTION_LENGTH = {
    ActionType.OUTPUT: 16,
    ActionType.PUSH_VLAN: 8,
    ActionType.POP_VLAN: 8,
    ActionType.SET_QUEUE: 8,
    ActionType.GROUP: 8,
    ActionType.DEC_NW_TTL: 8,
}
_INSTRUCTION_LENGTH = {
    InstructionType.GOTO_TABLE: 8,
    InstructionType.WRITE_METADATA: 24,
    InstructionType.CLEAR_ACTIONS: 8,
    InstructionType.METER: 8,
}


# ---------------------------------------------------------------- encode


def encode_actions(actions: Iterable[Action]) -> bytes:
    """A list of actions. Raises ValueError for a SetField or RawAction that no switch could read."""
    return b"".join([_encode_action(action) for action in actions])


def _encode_action(action: Action) -> bytes:
    if isinstance(action, Output):
        return _OUTPUT.pack(_OUTPUT_TYPE, 16, action.port, action.max_len)
    if isinstance(action, ToGroup):
        return _NUMBER.pack(ActionType.GROUP, 8, action.group_id)
    if isinstance(action, SetField):
        return _encode_set_field(action)
    if isinstance(action, PushVlan):
        return _ETHERTYPE.pack(ActionType.PUSH_VLAN, 8, action.eth_type)
    if isinstance(action, PopVlan):
        return _EMPTY.pack(ActionType.POP_VLAN, 8)
    if isinstance(action, SetQueue):
        return _NUMBER.pack(ActionType.SET_QUEUE, 8, action.queue_id)
    if isinstance(action, DecTtl):
        return _EMPTY.pack(ActionType.DEC_NW_TTL, 8)
    data = action.data
    if len(data) < 8 or len(data) % 8 or int.from_bytes(data[2:4], "big") != len(data):
        raise ValueError(f"not an action: {data.hex()}")
    return data


def _encode_set_field(action: SetField) -> bytes:
    if isinstance(action.value, Masked):
        raise ValueError(f"set-field {action.name} takes no mask")
    field = oxm.encode_field(action.name, action.value)
    padding = -(4 + len(field)) & 7
    return _HEAD.pack(ActionType.SET_FIELD, 4 + len(field) + padding) + field + bytes(padding)


def encode_instructions(instructions: Iterable[Instruction]) -> bytes:
    """A list of instructions. Raises ValueError as :func:`encode_actions` does."""
    return b"".join([_encode_instruction(instruction) for instruction in instructions])


def _encode_instruction(instruction: Instruction) -> bytes:
    if isinstance(instruction, Apply):
        body = encode_actions(instruction.actions)
        return _EMPTY.pack(_APPLY_TYPE, 8 + len(body)) + body
    if isinstance(instruction, Write):
        body = encode_actions(instruction.actions)
        return _EMPTY.pack(InstructionType.WRITE_ACTIONS, 8 + len(body)) + body
    if isinstance(instruction, Goto):
        return _GOTO.pack(InstructionType.GOTO_TABLE, 8, instruction.table)
    if isinstance(instruction, WriteMetadata):
        return _METADATA.pack(InstructionType.WRITE_METADATA, 24, instruction.value, instruction.mask)
    if isinstance(instruction, UseMeter):
        return _NUMBER.pack(InstructionType.METER, 8, instruction.meter_id)
    return _EMPTY.pack(InstructionType.CLEAR_ACTIONS, 8)


# ---------------------------------------------------------------- decode


def decode_actions(data: bytes, start: int, end: int) -> tuple[Action, ...]:
    """The actions between ``start`` and ``end``; one that has no word here comes as RawAction. Raises Malformed."""
    actions: list[Action] = []
    while start < end:
        if end - start < 8:
            raise Malformed(f"{end - start} bytes cannot hold an action", BAD_ACTION_LENGTH)
        kind, length = _HEAD.unpack_from(data, start)
        if length < 8 or length % 8 or start + length > end or length != _ACTION_LENGTH.get(kind, length):
            raise Malformed(f"action {kind} of {length} bytes", BAD_ACTION_LENGTH)
        actions.append(_decode_action(kind, data, start, start + length))
        start += length
    return tuple(actions)


def _decode_action(kind: int, data: bytes, start: int, end: int) -> Action:
    match kind:
        case ActionType.OUTPUT:
            _, _, port, max_len = _OUTPUT.unpack_from(data, start)
            return Output(port, max_len)
        case ActionType.PUSH_VLAN:
            return PushVlan(_ETHERTYPE.unpack_from(data, start)[2])
        case ActionType.POP_VLAN:
            return PopVlan()
        case ActionType.SET_QUEUE:
            return SetQueue(_NUMBER.unpack_from(data, start)[2])
        case ActionType.GROUP:
            return ToGroup(_NUMBER.unpack_from(data, start)[2])
        case ActionType.DEC_NW_TTL:
            return DecTtl()
        case ActionType.SET_FIELD:
            name, value, _ = oxm.decode_field(data, start + 4, end)
            if name is not None and not isinstance(value, Masked):
                return SetField(name, value)
    return RawAction(data[start:end])


def decode_instructions(data: bytes, start: int, end: int) -> tuple[tuple[Instruction, ...], bool]:
    """The instructions between ``start`` and ``end``, and whether all could be told. Raises Malformed."""
    instructions: list[Instruction] = []
    whole = True
    while start < end:
        if end - start < 8:
            raise Malformed(f"{end - start} bytes cannot hold an instruction", BAD_INSTRUCTION_LENGTH)
        kind, length = _HEAD.unpack_from(data, start)
        if length < 8 or length % 8 or start + length > end or length != _INSTRUCTION_LENGTH.get(kind, length):
            raise Malformed(f"instruction {kind} of {length} bytes", BAD_INSTRUCTION_LENGTH)
        instruction = _decode_instruction(kind, data, start, start + length)
        if instruction is None:
            whole = False
        else:
            instructions.append(instruction)
        start += length
    return tuple(instructions), whole


def _decode_instruction(kind: int, data: bytes, start: int, end: int) -> Instruction | None:
    match kind:
        case InstructionType.GOTO_TABLE:
            return Goto(_GOTO.unpack_from(data, start)[2])
        case InstructionType.WRITE_METADATA:
            _, _, value, mask = _METADATA.unpack_from(data, start)
            return WriteMetadata(value, mask)
        case InstructionType.WRITE_ACTIONS:
            return Write(decode_actions(data, start + 8, end))
        case InstructionType.APPLY_ACTIONS:
            return Apply(decode_actions(data, start + 8, end))
        case InstructionType.CLEAR_ACTIONS:
            return Clear()
        case InstructionType.METER:
            return UseMeter(_NUMBER.unpack_from(data, start)[2])
    return None
