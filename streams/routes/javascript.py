"""The JavaScript rules that decide the bytes of an argument (ECMA-262, JSON and Number::toString).

The services and the worker before this one are JavaScript: every number is a double and is written in JavaScript's
form (`7e-8`, not `7e-08`), so a ledger holds exactly these bytes.
"""

from __future__ import annotations

import json
import math
import re
from decimal import Decimal
from enum import Enum
from typing import Final, NoReturn, TypeAlias

Json: TypeAlias = "bool | float | str | list[Json] | dict[str, Json] | None"


class Undefined(Enum):
    """JavaScript's `undefined`: what a property that is not there evaluates to."""

    UNDEFINED = "undefined"


UNDEFINED: Final = Undefined.UNDEFINED

_LONE_SURROGATE = re.compile(r"[\ud800-\udfff]")
_ARRAY_INDEX = re.compile(r"0|[1-9][0-9]{0,9}")
_ARRAY_INDEX_LIMIT = 2**32 - 1


def parse(text: str) -> Json:
    """JSON.parse. Raises ValueError with the place, also for nesting beyond what Python's parser takes (about 900)."""
    try:
        value: Json = _DECODER.decode(text)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error
    return value


def stringify(value: Json) -> str:
    """JSON.stringify: no spaces, non-ASCII kept, lone surrogates escaped, infinities as null."""
    written: list[str] = []
    # A stack instead of recursion: whatever `parse` took can be written again.
    ahead: list[_Verbatim | Json] = [value]
    while ahead:
        match ahead.pop():
            case _Verbatim(text):
                written.append(text)
            case list(items):
                ahead += _reversed_parts("[", [(None, item) for item in items], "]")
            case dict(members):
                ahead += _reversed_parts("{", list(members.items()), "}")
            case scalar:
                written.append(_scalar(scalar))
    return "".join(written)


def number_text(number: float) -> str:
    """Number::toString with radix 10: the shortest digits that read back as the same double."""
    if number == 0:
        return "0"
    if math.isinf(number):
        return "Infinity" if number > 0 else "-Infinity"
    # repr() finds the same shortest digits; only the notation differs.
    negative, digit_tuple, exponent = Decimal(repr(number)).normalize().as_tuple()
    digits = "".join(map(str, digit_tuple))
    return ("-" if negative else "") + _positional(digits, len(digits) + int(exponent))


def is_truthy(value: Json | Undefined) -> bool:
    """Whether `value || other` is `value`: empty arrays and objects are, `0`, `""`, `false` and `null` are not."""
    return isinstance(value, list | dict) or (value is not UNDEFINED and bool(value))


def is_well_formed(text: str) -> bool:
    """String.prototype.isWellFormed: no lone surrogates, so there is an UTF-8 form."""
    return _LONE_SURROGATE.search(text) is None


class _Verbatim:
    """Punctuation between values that are still to be written."""

    __match_args__ = ("text",)

    def __init__(self, text: str) -> None:
        self.text = text


def _reversed_parts(opening: str, members: list[tuple[str | None, Json]], closing: str) -> list[_Verbatim | Json]:
    parts: list[_Verbatim | Json] = []
    before = opening
    for key, value in members:
        parts += [_Verbatim(before if key is None else f"{before}{_quoted(key)}:"), value]
        before = ","
    parts.append(_Verbatim(closing if members else opening + closing))
    return parts[::-1]


def _scalar(value: bool | float | str | None) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case str():
            return _quoted(value)
        case _:
            return number_text(value) if math.isfinite(value) else "null"


def _quoted(text: str) -> str:
    return _LONE_SURROGATE.sub(lambda lone: f"\\u{ord(lone[0]):04x}", json.dumps(text, ensure_ascii=False))


def _positional(digits: str, point: int) -> str:
    """The value 0.`digits` x 10^`point` as ECMA-262 6.1.6.1.20 lays it out."""
    if len(digits) <= point <= 21:
        return digits + "0" * (point - len(digits))
    if 0 < point <= 21:
        return f"{digits[:point]}.{digits[point:]}"
    if -6 < point <= 0:
        return f"0.{'0' * -point}{digits}"
    mantissa = digits[0] + (f".{digits[1:]}" if len(digits) > 1 else "")
    return f"{mantissa}e{point - 1:+d}"


def _object(members: list[tuple[str, Json]]) -> dict[str, Json]:
    """Members in JavaScript's order: array indices first, ascending; then as written (OrdinaryOwnPropertyKeys)."""
    last_wins = dict(members)
    indices = sorted((key for key in last_wins if _is_array_index(key)), key=int)
    return {**{key: last_wins[key] for key in indices}, **last_wins} if indices else last_wins


def _is_array_index(key: str) -> bool:
    return _ARRAY_INDEX.fullmatch(key) is not None and int(key) < _ARRAY_INDEX_LIMIT


def _refuse_constant(name: str) -> NoReturn:
    # Python's parser takes NaN, Infinity and -Infinity, JSON has none of them.
    raise ValueError(f"{name} is not JSON")


_DECODER = json.JSONDecoder(object_pairs_hook=_object, parse_int=float, parse_constant=_refuse_constant)
