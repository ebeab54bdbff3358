"""Values of the vocabulary for hypothesis, as a switch could hold them."""

from __future__ import annotations

from hypothesis import settings
from hypothesis import strategies as st

from controller.model import (
    Action,
    Apply,
    Bucket,
    Clear,
    DecTtl,
    FieldValue,
    Goto,
    Group,
    GroupType,
    Instruction,
    Masked,
    Match,
    Meter,
    Output,
    PopVlan,
    PushVlan,
    RawAction,
    Rule,
    SetField,
    SetQueue,
    ToGroup,
    UseMeter,
    Write,
    WriteMetadata,
)
from controller.southbound.oxm import FIELDS, Field

quick = settings(deadline=None, max_examples=60)
brief = settings(deadline=None, max_examples=15)
thorough = settings(deadline=None, max_examples=300)
"""Without deadlines: a busy machine is no fault of the code."""

u8, u16, u32, u64 = (st.integers(0, (1 << bits) - 1) for bits in (8, 16, 32, 64))


def plain_values(field: Field) -> st.SearchStrategy[int | bytes]:
    """Every value of a field without a mask."""
    if field.address:
        return st.binary(min_size=field.size, max_size=field.size)
    return st.integers(0, (1 << field.bits) - 1)


@st.composite
def masked_values(draw: st.DrawFn, field: Field) -> Masked:
    """A value under a mask that leaves out at least one bit."""
    mask = draw(st.integers(0, (1 << field.bits) - 2))
    value = draw(st.integers(0, (1 << field.bits) - 1)) & mask
    if field.address:
        return Masked(value.to_bytes(field.size, "big"), mask.to_bytes(field.size, "big"))
    return Masked(value, mask)


def field_values(field: Field) -> st.SearchStrategy[FieldValue]:
    """Everything that a match may ask of a field."""
    plain = plain_values(field)
    return st.one_of(plain, masked_values(field)) if field.maskable else plain


@st.composite
def matches(draw: st.DrawFn) -> Match:
    names = draw(st.lists(st.sampled_from(sorted(FIELDS)), unique=True, max_size=8))
    return Match.of((name, draw(field_values(FIELDS[name]))) for name in names)


set_fields = st.sampled_from(sorted(FIELDS)).flatmap(
    lambda name: st.builds(SetField, st.just(name), plain_values(FIELDS[name]))
)

RAW_ACTIONS = {
    "copy-ttl-out": RawAction(bytes.fromhex("000b000800000000")),
    "copy-ttl-in": RawAction(bytes.fromhex("000c000800000000")),
    "set-mpls-ttl": RawAction(bytes.fromhex("000f000840000000")),
    "dec-mpls-ttl": RawAction(bytes.fromhex("0010000800000000")),
    "push-mpls": RawAction(bytes.fromhex("0013000888470000")),
    "pop-mpls": RawAction(bytes.fromhex("0014000808000000")),
    "set-nw-ttl": RawAction(bytes.fromhex("0017000840000000")),
    "push-pbb": RawAction(bytes.fromhex("001a000888e70000")),
    "pop-pbb": RawAction(bytes.fromhex("001b000800000000")),
    "experimenter": RawAction(bytes.fromhex("ffff00100000dead00010203040506ff")),
}
"""Actions of OpenFlow 1.3 that the vocabulary has no word for."""

actions: st.SearchStrategy[Action] = st.one_of(
    st.builds(Output, u32, u16),
    st.builds(ToGroup, u32),
    set_fields,
    st.builds(PushVlan, u16),
    st.just(PopVlan()),
    st.builds(SetQueue, u32),
    st.just(DecTtl()),
    st.sampled_from(sorted(RAW_ACTIONS.values(), key=lambda action: action.data)),
)
action_lists = st.lists(actions, max_size=5).map(tuple)

instructions: st.SearchStrategy[Instruction] = st.one_of(
    st.builds(Apply, action_lists),
    st.builds(Write, action_lists),
    st.just(Clear()),
    st.builds(Goto, u8),
    st.builds(WriteMetadata, u64, u64),
    st.builds(UseMeter, u32),
)
instruction_lists = st.lists(instructions, max_size=4).map(tuple)

rules = st.builds(Rule, matches(), instruction_lists, u16, u8, u16, u16, st.booleans(), u64)
buckets = st.builds(Bucket, action_lists, u16, u32, u32)
groups = st.builds(Group, u32, st.sampled_from(GroupType), st.lists(buckets, max_size=4).map(tuple))
meters = st.builds(Meter, u32, u32, u32, st.booleans())
