"""The language of ``flowpath capture --filter``: which messages to show. docs/capture.md shows it by examples.

    expression  = conjunction { "or" conjunction }
    conjunction = term { "and" term }
    term        = "not" term | "(" expression ")" | field comparison value | field "in" "(" value { "," value } ")"

Fields and their values are the table `FIELDS`; comparisons are == != < <= > >=; ``&&``, ``||`` and ``!`` mean the
words. Parsing is by recursive descent, each method one rule of the grammar.
"""

from __future__ import annotations

import difflib
import operator
import re
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from typing import Any, NamedTuple

from experiments.capture.hosts import Host, concerns, parse_host
from experiments.capture.messages import Message
from experiments.capture.names import TYPE
from experiments.errors import UserError

Predicate = Callable[[Message, float], bool]
"""Whether a message is wanted; the number is the time of the capture's first message."""


class FilterError(UserError):
    """An expression that says nothing: what is wrong, and a caret under where."""

    def __init__(self, what: str, expression: str, at: int, length: int = 1) -> None:
        super().__init__(f"filter: {what}\n  {expression}\n  {' ' * at}{'^' * max(length, 1)}")


def parse(expression: str) -> Predicate:
    """The predicate that an expression describes; an empty one holds for every message. Raises `FilterError`."""
    if not expression.strip():
        return lambda message, start: True
    return _Parser(expression).parse()


class _Token(NamedTuple):
    kind: str
    text: str
    at: int


_TOKENS = re.compile(
    r"\s*(?:(?P<operator>==|!=|<=|>=|<|>|=)|(?P<mark>[(),])|(?P<word>&&|\|\||!|[\w.:+/-]+)|\"(?P<quoted>[^\"]*)\")"
)
_SYNONYMS = {"&&": "and", "||": "or", "!": "not"}
_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


class _Parser:
    def __init__(self, expression: str) -> None:
        self._expression = expression
        self._tokens = list(self._tokenise())
        self._next = 0

    def parse(self) -> Predicate:
        predicate = self._expression_rule()
        if self._peek.kind != "end":
            raise self._error("`and`, `or` or the end is expected here", self._peek)
        return predicate

    def _tokenise(self) -> Iterator[_Token]:
        at = 0
        text = self._expression.rstrip()
        while at < len(text):
            found = _TOKENS.match(text, at)
            if not found or not found.lastgroup:
                at += len(text[at:]) - len(text[at:].lstrip())
                raise FilterError("this character means nothing here", self._expression, at)
            word = found[found.lastgroup]
            kind = "word" if found.lastgroup == "word" else found.lastgroup
            if kind == "word":
                word = _SYNONYMS.get(word, word)
                if word.lower() in {"and", "or", "not", "in"}:
                    kind, word = "mark", word.lower()
            yield _Token(kind, word, found.start(found.lastgroup))
            at = found.end()
        yield _Token("end", "", len(text))

    @property
    def _peek(self) -> _Token:
        return self._tokens[self._next]

    def _take(self) -> _Token:
        token = self._peek
        self._next += token.kind != "end"
        return token

    def _accept(self, mark: str) -> bool:
        if self._peek.kind == "mark" and self._peek.text == mark:
            self._next += 1
            return True
        return False

    def _expect(self, mark: str, why: str) -> None:
        if not self._accept(mark):
            raise self._error(f"`{mark}` is expected here, {why}", self._peek)

    def _error(self, what: str, token: _Token) -> FilterError:
        return FilterError(what, self._expression, token.at, len(token.text))

    def _expression_rule(self) -> Predicate:
        terms = [self._conjunction()]
        while self._accept("or"):
            terms.append(self._conjunction())
        return terms[0] if len(terms) == 1 else lambda message, start: any(term(message, start) for term in terms)

    def _conjunction(self) -> Predicate:
        terms = [self._term()]
        while self._accept("and"):
            terms.append(self._term())
        return terms[0] if len(terms) == 1 else lambda message, start: all(term(message, start) for term in terms)

    def _term(self) -> Predicate:
        if self._accept("not"):
            inner = self._term()
            return lambda message, start: not inner(message, start)
        if self._accept("("):
            inner = self._expression_rule()
            self._expect(")", "to close the parenthesis")
            return inner
        return self._comparison()

    def _comparison(self) -> Predicate:
        token = self._take()
        if token.kind != "word":
            raise self._error(f"a field is expected here: {', '.join(FIELDS)}", token)
        name = token.text.lower()
        if name not in FIELDS:
            raise self._error(f"there is no field {token.text!r}; {_near(name, FIELDS)}", token)
        field = FIELDS[name]
        if self._accept("in"):
            self._expect("(", "before the values")
            tests = [field.test(self._value(field), operator.eq)]
            while self._accept(","):
                tests.append(field.test(self._value(field), operator.eq))
            self._expect(")", "after the values")
            return lambda message, start: any(test(message, start) for test in tests)
        sign = self._take()
        if sign.kind != "operator" or sign.text not in _COMPARE:
            raise self._error("a comparison is expected here: == != < <= > >= or in (...)", sign)
        if not field.ordered and sign.text not in {"==", "!="}:
            raise self._error(f"`{name}` has no order: compare it with ==, != or in (...)", sign)
        return field.test(self._value(field), _COMPARE[sign.text])

    def _value(self, field: _Field) -> Any:
        token = self._take()
        if token.kind not in {"word", "quoted"}:
            raise self._error(f"a value is expected here: {field.values}", token)
        try:
            return field.value(token.text)
        except ValueError as error:
            raise self._error(str(error) or f"{token.text!r} is not {field.values}", token) from None


# ---------------------------------------------------------------- the fields

Test = Callable[[Any, Callable[[Any, Any], bool]], Predicate]


class _Field(NamedTuple):
    values: str
    value: Callable[[str], Any]
    test: Test
    ordered: bool = False


def _near(word: str, known: Iterable[str]) -> str:
    """A suggestion for a misspelt word, or all that there are."""
    near = difflib.get_close_matches(word, sorted(known), n=2, cutoff=0.6)
    return f"did you mean {' or '.join(near)}?" if near else f"there are: {', '.join(known)}"


def _type(text: str) -> int:
    name = text.upper().removeprefix("OFPT_")
    if name in TYPE:
        return TYPE[name]
    if name.isdigit():
        return int(name)
    raise ValueError(f"there is no message type {text!r}; {_near(name, TYPE)}")


def _number(text: str) -> int:
    try:
        return int(text, 0)
    except ValueError:
        raise ValueError(f"{text!r} is no number (7, 0x1f)") from None


def _dpid(text: str) -> int:
    digits = text.replace(":", "")
    if re.fullmatch("[0-9a-fA-F]{16}", digits):
        return int(digits, 16)
    try:
        return int(text, 0)
    except ValueError:
        raise ValueError(f"{text!r} is no switch: a dpid is written 2, 0x2 or 0000000000000002") from None


def _host(text: str) -> Host:
    try:
        return parse_host(text)
    except ValueError:
        raise ValueError(f"{text!r} is no address: write 10.0.0.1, fe80::1 or aa:bb:cc:dd:ee:ff") from None


_UNITS = {"": 1.0, "s": 1.0, "ms": 1e-3, "us": 1e-6}


class _Time(NamedTuple):
    seconds: float
    relative: bool


def _time(text: str) -> _Time:
    relative = re.fullmatch(r"(\d+\.?\d*|\.\d+)(s|ms|us|)", text)
    if relative:
        return _Time(float(relative[1]) * _UNITS[relative[2]], relative=True)
    try:
        return _Time(datetime.fromisoformat(text).timestamp(), relative=False)
    except ValueError:
        raise ValueError(
            f"{text!r} is no time: write 1.5 or 20ms after the first message, or 2026-01-31T12:00:00"
        ) from None


_DIRECTIONS = {"from_switch": True, "to_controller": True, "from_controller": False, "to_switch": False}


def _direction(text: str) -> bool:
    if text.lower() in _DIRECTIONS:
        return _DIRECTIONS[text.lower()]
    raise ValueError(f"there is no direction {text!r}; {_near(text.lower(), _DIRECTIONS)}")


def _attribute(name: str) -> Test:
    def test(wanted: Any, compare: Callable[[Any, Any], bool]) -> Predicate:
        return lambda message, _: compare(getattr(message, name), wanted)

    return test


def _test_host(wanted: Host, compare: Callable[[Any, Any], bool]) -> Predicate:
    return lambda message, _: compare(concerns(message, wanted), True)


def _test_time(wanted: _Time, compare: Callable[[Any, Any], bool]) -> Predicate:
    return lambda message, start: compare(message.time - start * wanted.relative, wanted.seconds)


FIELDS = {
    "type": _Field("a message type such as FLOW_MOD", _type, _attribute("type")),
    "switch": _Field("a dpid such as 2", _dpid, _attribute("dpid")),
    "host": _Field("a MAC or IP address", _host, _test_host),
    "time": _Field("seconds after the first message, or a date and time", _time, _test_time, ordered=True),
    "xid": _Field("a number", _number, _attribute("xid"), ordered=True),
    "direction": _Field("from_switch or from_controller", _direction, _attribute("from_switch")),
    "length": _Field("a number of bytes", _number, _attribute("length"), ordered=True),
}
"""The fields of a message that an expression can ask for."""
