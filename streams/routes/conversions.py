"""How a JSON value becomes the text that the chaincode gets, by the names the routes file uses.

raw    the value as it is: must be text
str    JavaScript's `value.toString()`: text, numbers (`30`, `12.5`, `1e+21`), `true` and `false`
S      JavaScript's `String(value)`: as `str`, for values that are given
json   JavaScript's `JSON.stringify(value)`: compact; `null` is a value and gives `null`

Stricter than JavaScript in three places, always before anything is sent: a missing value is refused and never sent
as the text `undefined`; `null` for raw, str and S is refused, not sent as `null`; arrays and objects for str and S
are refused, not sent as `a,b` or `[object Object]`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from streams.routes.javascript import UNDEFINED, Json, Undefined, is_well_formed, number_text, stringify


class RefusalCode(StrEnum):
    """Why an argument cannot be made; the error code of the row."""

    MISSING_ARGUMENT = "MISSING_ARGUMENT"
    WRONG_ARGUMENT_TYPE = "WRONG_ARGUMENT_TYPE"


@dataclass(frozen=True, slots=True)
class Refusal:
    """A value that cannot be sent. `problem` goes on where a sentence has named the field."""

    code: RefusalCode
    problem: str


class Conversion(StrEnum):
    """The conversions a routes file may name."""

    RAW = "raw"
    STR = "str"
    STRING = "S"
    JSON = "json"


def convert(value: Json | Undefined, conversion: Conversion) -> str | Refusal:
    """The text of a value, or why there is none. Text always has a UTF-8 form."""
    if value is UNDEFINED:
        return Refusal(RefusalCode.MISSING_ARGUMENT, "is missing")
    return _CONVERTERS[conversion](value)


def kind_of(value: Json) -> str:
    """The JSON type of a value, in words; never the value, which does not belong into messages."""
    match value:
        case None:
            return "null"
        case bool():
            return "true or false"
        case str():
            return "text"
        case list():
            return "an array"
        case dict():
            return "an object"
        case _:
            return "a number"


def _raw(value: Json) -> str | Refusal:
    match value:
        case str():
            return _sendable(value)
        case _:
            return _refused(value, "text")


def _text(value: Json) -> str | Refusal:
    match value:
        case str():
            return _sendable(value)
        case bool():
            return "true" if value else "false"
        case float():
            return number_text(value)
        case _:
            return _refused(value, "text, a number, true or false")


def _refused(value: Json, wanted: str) -> Refusal:
    if value is None:
        return Refusal(RefusalCode.MISSING_ARGUMENT, f"is null; it must be {wanted}")
    return Refusal(RefusalCode.WRONG_ARGUMENT_TYPE, f"is {kind_of(value)}; it must be {wanted}")


def _sendable(text: str) -> str | Refusal:
    if is_well_formed(text):
        return text
    return Refusal(RefusalCode.WRONG_ARGUMENT_TYPE, "holds half of a surrogate pair; it must be well-formed Unicode")


_CONVERTERS: dict[Conversion, Callable[[Json], str | Refusal]] = {
    Conversion.RAW: _raw,
    Conversion.STR: _text,
    Conversion.STRING: _text,
    Conversion.JSON: stringify,
}
