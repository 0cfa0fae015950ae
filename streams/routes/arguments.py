"""One argument of a chaincode call: a constant, or a field of the payload."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TypeAlias

from streams.routes.conversions import Conversion, Refusal, RefusalCode, convert, kind_of
from streams.routes.javascript import UNDEFINED, Json, Undefined, is_truthy, is_well_formed, number_text


@dataclass(frozen=True, slots=True)
class FieldPath:
    """Names from the payload's top down, `rule.approverGroup` for instance."""

    names: tuple[str, ...]

    def __str__(self) -> str:
        return ".".join(self.names)

    def find(self, within: Json) -> Json | Undefined:
        """The value there; UNDEFINED where a name is missing or leads through something that is no object."""
        value: Json | Undefined = within
        for name in self.names:
            value = value.get(name, UNDEFINED) if isinstance(value, dict) else UNDEFINED
        return value


@dataclass(frozen=True, slots=True)
class Constant:
    """Always this text."""

    value: str

    def text(self, payload: Json) -> str | Refusal:
        """The constant, whatever the payload says."""
        return self.value


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldArgument:
    """A field of the payload, converted.

    `paths` are alternatives as in JavaScript's `a || b`: the first that is neither missing, null, empty, 0 nor false,
    else the last. `default` is taken when that one is none of it either. `each` makes an array of objects from an
    array of objects: new name -> where its value is. `prefix` goes before the text.
    """

    paths: tuple[FieldPath, ...]
    conversion: Conversion
    default: str | None = None
    prefix: str = ""
    each: Mapping[str, FieldPath] | None = None

    @property
    def name(self) -> str:
        """The field or fields, for messages."""
        return " or ".join(str(path) for path in self.paths)

    def text(self, payload: Json) -> str | Refusal:
        """The argument's text, or why there is none; the problem then starts with the field's name."""
        value = _first_truthy(path.find(payload) for path in self.paths)
        if self.default is not None and not is_truthy(value):
            return self.prefix + self.default
        mapped = value if self.each is None else _mapped(value, self.each)
        text = mapped if isinstance(mapped, Refusal) else convert(mapped, self.conversion)
        if isinstance(text, Refusal):
            return replace(text, problem=f"{self.name} {text.problem}")
        return self.prefix + text


Argument: TypeAlias = Constant | FieldArgument


@dataclass(frozen=True, slots=True)
class Key:
    """What commands share that must not run together: a constant, or the first field that holds text or a number."""

    constant: str | None = None
    paths: tuple[FieldPath, ...] = ()

    def text(self, payload: Json) -> str | None:
        """The key of a payload; None when no field gives one."""
        if self.constant is not None:
            return self.constant
        for path in self.paths:
            match path.find(payload):
                case str(text) if text and is_well_formed(text):
                    return text
                case float(number):
                    return number_text(number)
        return None


def _first_truthy(values: Iterable[Json | Undefined]) -> Json | Undefined:
    last: Json | Undefined = UNDEFINED
    for last in values:
        if is_truthy(last):
            break
    return last


def _mapped(value: Json | Undefined, each: Mapping[str, FieldPath]) -> Json | Undefined | Refusal:
    if value is UNDEFINED:
        return UNDEFINED
    if value is None:
        return Refusal(RefusalCode.MISSING_ARGUMENT, "is null; it must be an array of objects")
    if not isinstance(value, list):
        return Refusal(RefusalCode.WRONG_ARGUMENT_TYPE, f"is {kind_of(value)}; it must be an array of objects")
    rows: list[Json] = []
    for index, item in enumerate(value):
        row: dict[str, Json] = {}
        for name, path in each.items():
            found = path.find(item)
            if found is UNDEFINED:
                # JSON.stringify would leave the name out without a word.
                return Refusal(RefusalCode.MISSING_ARGUMENT, f"has no {path} at [{index}]; every entry needs it")
            row[name] = found
        rows.append(row)
    return rows
