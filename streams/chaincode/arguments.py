"""Texts become values: a chaincode call carries only strings.

Refusals are worded as contractapi-go words them (internal/types/types.go, internal/contract_function.go).
"""

from __future__ import annotations

import json
import re
from decimal import Decimal

from streams.chaincode.state import ChaincodeRefused

UINT64_MAX = 2**64 - 1

_WHOLE_NUMBER = re.compile(r"[0-9]{1,20}")
_SHA256_HEX = re.compile(r"[0-9a-fA-F]{64}")
_COUNTRY_CODE = re.compile(r"[A-Z]{2}")


def whole_number(text: str, *, position: int) -> int:
    """`text` as a uint64; `position` counts the function's arguments from 0."""
    if _WHOLE_NUMBER.fullmatch(text) and int(text) <= UINT64_MAX:
        return int(text)
    raise _not_converted(position, f"Cannot convert passed value {text} to uint64")


def boolean(text: str, *, position: int) -> bool:
    """`text` as a bool."""
    if text in ("true", "false"):
        return text == "true"
    raise _not_converted(position, f"Cannot convert passed value {text} to bool")


def parsed_json(text: str, expected: str, *, position: int) -> object:
    """`text` as JSON, fractions as Decimal; `expected` is the Go type that the refusal names."""
    try:
        # A float would be spelled by the platform, and endorsers must agree on every byte.
        parsed: object = json.loads(text, parse_float=Decimal, parse_constant=_refuse_constant)
        # An escaped half of a surrogate pair parses, but no key or answer could hold it.
        json.dumps(parsed, ensure_ascii=False, default=str).encode()
        return parsed
    except (ValueError, RecursionError) as error:
        raise wrong_format(text, expected, position=position) from error


def wrong_format(text: str, expected: str, *, position: int) -> ChaincodeRefused:
    """JSON of another shape than the parameter's Go type."""
    return _not_converted(position, f"Value {text} was not passed in expected format {expected}")


def amount(text: str, *, position: int) -> int:
    """A positive amount in Qirat."""
    value = whole_number(text, position=position)
    if value == 0:
        raise ChaincodeRefused("amount must be greater than zero")
    return value


def identifier(text: str, name: str) -> str:
    """The id of something new. `~` separates the parts of a key, so an id must not hold one."""
    if not text.strip():
        raise ChaincodeRefused(f"{name} cannot be empty")
    if "~" in text:
        raise ChaincodeRefused(f"invalid {name} format: must not contain '~'")
    return text


def not_blank(text: str, name: str) -> str:
    """A text that says something."""
    if not text.strip():
        raise ChaincodeRefused(f"{name} cannot be empty")
    return text


def sha256_hex(text: str, name: str) -> str:
    """A SHA-256 digest in hex, lower case."""
    if not _SHA256_HEX.fullmatch(text):
        raise ChaincodeRefused(f"invalid {name} format: must be 64 characters (SHA-256 hex)")
    return text.lower()


def country_code(text: str) -> str:
    """An ISO 3166 code such as MY."""
    if not _COUNTRY_CODE.fullmatch(text):
        raise ChaincodeRefused("invalid nationality format: must be a country code of two capital letters")
    return text


def _not_converted(position: int, cause: str) -> ChaincodeRefused:
    return ChaincodeRefused(f"Error managing parameter param{position}. Conversion error. {cause}")


def _refuse_constant(text: str) -> object:
    raise ValueError(f"{text} is not JSON")
