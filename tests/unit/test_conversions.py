"""Arguments are, byte for byte, what JavaScript makes of the payload; what would be a mishap there is refused."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.routes.arguments import Constant, FieldArgument, FieldPath, Key
from streams.routes.conversions import Conversion, Refusal, RefusalCode, convert
from streams.routes.javascript import UNDEFINED, Json, parse

LONE_SURROGATE = "a\ud800b"


def field(*paths: str, conversion: str = "raw", **more: object) -> FieldArgument:
    found = tuple(FieldPath(tuple(path.split("."))) for path in paths)
    return FieldArgument(paths=found, conversion=Conversion(conversion), **more)  # type: ignore[arg-type]


COUNTRIES = field(
    "countriesData",
    conversion="json",
    each={"countryCode": FieldPath(("code",)), "percentage": FieldPath(("percentage",))},
)


@pytest.mark.parametrize("text", ["", "a", "undefined", "\u0000", "  MY CBD ABG872 0QWER 0001 ", "漢 😀"])
@pytest.mark.parametrize("conversion", ["raw", "str", "S"])
def test_text_is_sent_as_it_is(text: str, conversion: str) -> None:
    assert convert(text, Conversion(conversion)) == text


@pytest.mark.parametrize("conversion", ["str", "S"])
@pytest.mark.parametrize(("value", "expected"), [(True, "true"), (False, "false"), (30.0, "30"), (-0.0, "0")])
def test_booleans_and_numbers_become_text(conversion: str, value: Json, expected: str) -> None:
    assert convert(value, Conversion(conversion)) == expected


@pytest.mark.parametrize("conversion", Conversion)
def test_a_missing_value_is_refused_by_every_conversion(conversion: Conversion) -> None:
    assert convert(UNDEFINED, conversion) == Refusal(RefusalCode.MISSING_ARGUMENT, "is missing")


@pytest.mark.parametrize("conversion", ["raw", "str", "S"])
def test_null_counts_as_missing_where_text_is_wanted(conversion: str) -> None:
    refusal = convert(None, Conversion(conversion))
    assert isinstance(refusal, Refusal)
    assert refusal.code is RefusalCode.MISSING_ARGUMENT
    assert refusal.problem.startswith("is null; it must be text")


@pytest.mark.parametrize(
    ("conversion", "value", "kind"),
    [
        ("raw", 5.0, "a number"),
        ("raw", True, "true or false"),
        ("raw", ["a"], "an array"),
        ("raw", {"a": "b"}, "an object"),
        ("str", ["a"], "an array"),
        ("str", {}, "an object"),
        ("S", [], "an array"),
        ("S", {"a": 1.0}, "an object"),
    ],
)
def test_a_value_of_the_wrong_type_is_refused_with_both_types(conversion: str, value: Json, kind: str) -> None:
    refusal = convert(value, Conversion(conversion))
    assert isinstance(refusal, Refusal)
    assert refusal.code is RefusalCode.WRONG_ARGUMENT_TYPE
    assert refusal.problem.startswith(f"is {kind}; it must be text")


@pytest.mark.parametrize("conversion", ["raw", "str", "S"])
def test_text_that_has_no_utf8_form_is_refused(conversion: str) -> None:
    refusal = convert(LONE_SURROGATE, Conversion(conversion))
    assert isinstance(refusal, Refusal)
    assert refusal.code is RefusalCode.WRONG_ARGUMENT_TYPE


def test_json_escapes_what_has_no_utf8_form() -> None:
    assert convert([LONE_SURROGATE], Conversion.JSON) == '["a\\ud800b"]'


@pytest.mark.parametrize("value", [None, "", 0.0, -0.0, False])
def test_a_default_is_taken_for_every_falsy_value(value: Json) -> None:
    assert field("remark", default="else").text({"remark": value}) == "else"


def test_a_default_is_taken_for_a_missing_field() -> None:
    assert field("remark", default="").text({}) == ""


def test_a_default_does_not_hide_a_value_of_the_wrong_type() -> None:
    refusal = field("remark", default="else").text({"remark": 5.0})
    assert isinstance(refusal, Refusal)
    assert refusal.problem.startswith("remark is a number")


@pytest.mark.parametrize(
    ("payload", "expected"),
    [
        ({"nationality": "MY", "countryCode": "DE"}, "MY"),
        ({"countryCode": "DE"}, "DE"),
        ({"nationality": None, "countryCode": "DE"}, "DE"),
        ({"nationality": "", "countryCode": "DE"}, "DE"),
        ({"countryCode": ""}, ""),
    ],
)
def test_alternatives_follow_javascripts_or(payload: Json, expected: str) -> None:
    assert field("nationality", "countryCode").text(payload) == expected


@pytest.mark.parametrize("payload", [{}, {"nationality": ""}, {"nationality": None}])
def test_no_alternative_left_is_a_missing_argument_that_names_all(payload: Json) -> None:
    refusal = field("nationality", "countryCode").text(payload)
    assert refusal == Refusal(RefusalCode.MISSING_ARGUMENT, "nationality or countryCode is missing")


def test_a_path_leads_into_objects_and_not_into_anything_else() -> None:
    argument = field("rule.approver")
    no_objects: list[Json] = [None, "approver", ["approver"], 1.0]
    assert argument.text({"rule": {"approver": "a"}}) == "a"
    for rule in no_objects:
        assert isinstance(argument.text({"rule": rule}), Refusal)


def test_a_constant_ignores_the_payload() -> None:
    assert Constant("").text({"": "x"}) == ""


def test_a_prefix_goes_before_the_text_and_never_before_nothing() -> None:
    argument = field("code", conversion="S", prefix="qsend-")
    assert argument.text({"code": "QS-1"}) == "qsend-QS-1"
    assert argument.text({"code": 5.0}) == "qsend-5"
    assert isinstance(argument.text({}), Refusal)
    assert isinstance(argument.text({"code": None}), Refusal)


def test_countries_keep_code_and_percentage_in_this_order_and_drop_the_rest() -> None:
    payload = parse('{"countriesData": [{"percentage": 0.00000007, "name": "Vatican City", "code": "VA"}]}')
    assert COUNTRIES.text(payload) == '[{"countryCode":"VA","percentage":7e-8}]'


@pytest.mark.parametrize(
    ("countries", "code", "problem"),
    [
        ("null", "MISSING_ARGUMENT", "countriesData is null; it must be an array of objects"),
        ('{"code": "VA"}', "WRONG_ARGUMENT_TYPE", "countriesData is an object; it must be an array of objects"),
        ('[{"code": "VA"}]', "MISSING_ARGUMENT", "countriesData has no percentage at [0]; every entry needs it"),
        ('[{"code": "VA", "percentage": 1}, null]', "MISSING_ARGUMENT", "countriesData has no code at [1]"),
        ('["VA"]', "MISSING_ARGUMENT", "countriesData has no code at [0]"),
    ],
)
def test_countries_that_would_lose_a_key_are_refused(countries: str, code: str, problem: str) -> None:
    refusal = COUNTRIES.text(parse(f'{{"countriesData": {countries}}}'))
    assert isinstance(refusal, Refusal)
    assert refusal.code == code
    assert refusal.problem.startswith(problem)


@pytest.mark.parametrize(
    ("payload", "expected"),
    [
        ({"userID": "a", "userId": "b"}, "a"),
        ({"userId": "b"}, "b"),
        ({"userID": 1e21}, "1e+21"),
        ({"userID": "", "userId": "b"}, "b"),
        ({"userID": LONE_SURROGATE}, None),
        ({"userID": True, "userId": ["b"]}, None),
        ({}, None),
    ],
)
def test_a_key_is_the_first_usable_field_if_there_is_one(payload: Json, expected: str | None) -> None:
    key = Key(paths=(FieldPath(("userID",)), FieldPath(("userId",))))
    assert key.text(payload) == expected


def test_a_constant_key_ignores_the_payload() -> None:
    assert Key(constant="system").text({"system": "x"}) == "system"


json_values = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(st.characters()),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@settings(deadline=None)
@given(json_values, st.sampled_from(Conversion))
def test_every_value_becomes_text_with_a_utf8_form_or_is_refused(value: Json, conversion: Conversion) -> None:
    if isinstance(value, float) and math.isnan(value):
        return
    text = convert(value, conversion)
    if not isinstance(text, Refusal):
        text.encode()
