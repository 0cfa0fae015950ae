"""Settings are complete and right before anything starts, or every wrong variable is named."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from pydantic import ValidationError

from streams.errors import SettingsInvalid
from streams.settings import (
    PREFIX,
    RouteSettings,
    Settings,
    SinkSettings,
    SubmitSettings,
    ToolSettings,
    load,
    variables,
)

DSN = "postgresql://outbox:s3cret@127.0.0.1/outbox"
REQUIRED = {
    "STREAMS_POSTGRES__DSN": DSN,
    "STREAMS_KAFKA__BOOTSTRAP_SERVERS": "127.0.0.1:9092",
    "STREAMS_CONNECT__URL": "http://127.0.0.1:8083",
    "STREAMS_FABRIC__GATEWAY": "127.0.0.1:7051",
    "STREAMS_FABRIC__TLS_CA_FILE": "ca.pem",
    "STREAMS_FABRIC__WALLET": "wallet",
    "STREAMS_FABRIC__NONCE_SECRET_FILE": "nonce",
}
NUMBERS = {
    "STREAMS_KAFKA__REPLICATION_FACTOR",
    "STREAMS_KAFKA__COMMAND_PARTITIONS",
    "STREAMS_FABRIC__ENDORSE_TIMEOUT_S",
    "STREAMS_FABRIC__SUBMIT_TIMEOUT_S",
    "STREAMS_FABRIC__COMMIT_TIMEOUT_S",
    "STREAMS_FABRIC__CERTIFICATE_OVERLAP_S",
    "STREAMS_FABRIC__SETTLE_S",
    "STREAMS_SUBMIT__MAX_IN_FLIGHT",
    "STREAMS_SUBMIT__MAX_UNACKNOWLEDGED",
    "STREAMS_SUBMIT__BREAKER_THRESHOLD",
    "STREAMS_SUBMIT__BREAKER_BASE_S",
    "STREAMS_SUBMIT__BREAKER_CAP_S",
    "STREAMS_WORKER__STUCK_AFTER_S",
    "STREAMS_MONITOR__PERIOD_S",
    "STREAMS_WORKER__DEAD_LETTERS_PER_MINUTE",
    "STREAMS_SUBMIT__RETRY_BASE_S",
    "STREAMS_SUBMIT__RETRY_CAP_S",
    "STREAMS_SUBMIT__CONFLICT_CAP_S",
    "STREAMS_SUBMIT__WAIT_CAP_S",
    "STREAMS_SUBMIT__MAX_ATTEMPTS",
    "STREAMS_SUBMIT__MAX_TRIES",
    "STREAMS_SUBMIT__MAX_REFUSALS",
    "STREAMS_SUBMIT__DRAIN_TIMEOUT_S",
}
FLAGS = {"STREAMS_WORKER__STATIC_MEMBERSHIP"}
OF_A_FORM = {
    "STREAMS_SUBMIT__TENANT_WEIGHTS": ("acme=2, b=c=0.5", {"acme": 2.0, "b=c": 0.5}),
    "STREAMS_WORKER__LISTEN": ("127.0.0.1:8080", "127.0.0.1:8080"),
    "STREAMS_MONITOR__LISTEN": ("127.0.0.1:9640", "127.0.0.1:9640"),
}
UNLIKE_ANY = "STREAMS_XXXXXXXXXXXXXXXXXXXXXXXX"
KINDS: list[type[Settings]] = [RouteSettings, SubmitSettings, SinkSettings, ToolSettings]


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Nothing of ours is set but what is required."""
    for name in [name for name in os.environ if name.upper().startswith(PREFIX)]:
        monkeypatch.delenv(name)
    for name, value in REQUIRED.items():
        monkeypatch.setenv(name, value)
    return monkeypatch


def complaints(kind: type[Settings] = ToolSettings, env_file: Path | None = None) -> list[str]:
    with pytest.raises(SettingsInvalid) as refusal:
        load(kind, env_file)
    return str(refusal.value).splitlines()


def required_by(kind: type[Settings]) -> list[str]:
    return [name for name, section, field in variables(kind) if section.model_fields[field].is_required()]


def test_what_is_set_arrives_typed(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("STREAMS_FABRIC__ENDORSE_TIMEOUT_S", "2.5")
    environment.setenv("STREAMS_FABRIC__ENDORSING_ORGS", " Org1MSP , Org3MSP,")
    environment.setenv("STREAMS_SUBMIT__MAX_IN_FLIGHT", "7")
    environment.setenv("STREAMS_WORKER__STATIC_MEMBERSHIP", "true")
    settings = load(ToolSettings)
    assert settings.postgres.dsn.get_secret_value() == DSN
    assert settings.fabric.wallet == Path("wallet")
    assert (settings.fabric.endorse_timeout_s, settings.submit.max_in_flight) == (2.5, 7)
    assert settings.fabric.endorsing_orgs == ("Org1MSP", "Org3MSP")
    assert settings.worker.static_membership


def test_no_organisation_may_be_named(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("STREAMS_FABRIC__ENDORSING_ORGS", "")
    assert load(SubmitSettings).fabric.endorsing_orgs == ()


def test_the_tools_require_what_this_test_knows() -> None:
    assert required_by(ToolSettings) == list(REQUIRED)


@pytest.mark.parametrize("kind", KINDS)
def test_every_variable_of_a_process_is_known_to_the_tools(kind: type[Settings]) -> None:
    assert {name for name, _, _ in variables(kind)} <= {name for name, _, _ in variables()}


@pytest.mark.parametrize(("kind", "name"), [(kind, name) for kind in KINDS for name in required_by(kind)])
def test_a_missing_variable_is_named(environment: pytest.MonkeyPatch, kind: type[Settings], name: str) -> None:
    environment.delenv(name)
    assert complaints(kind) == [f"{name}: is not set"]


@pytest.mark.parametrize("kind", KINDS)
def test_a_missing_section_lists_its_required_variables(environment: pytest.MonkeyPatch, kind: type[Settings]) -> None:
    for name in REQUIRED:
        environment.delenv(name)
    assert complaints(kind) == [f"{name}: is not set" for name in required_by(kind)]


@pytest.mark.parametrize(
    ("kind", "others"),
    [(SubmitSettings, "POSTGRES CONNECT"), (SinkSettings, "FABRIC CONNECT"), (RouteSettings, "FABRIC")],
)
def test_a_process_needs_its_own_sections_only(
    environment: pytest.MonkeyPatch, kind: type[Settings], others: str
) -> None:
    for name in REQUIRED:
        if name.removeprefix(PREFIX).split("__")[0] in others.split():
            environment.delenv(name)
    assert load(kind)


@pytest.mark.parametrize("value", ["many s3cret", "-1", ""])
@pytest.mark.parametrize("name", sorted(NUMBERS))
def test_a_wrong_value_is_named_but_not_repeated(environment: pytest.MonkeyPatch, name: str, value: str) -> None:
    environment.setenv(name, value)
    (complaint,) = complaints()
    assert complaint.startswith(f"{name}: input should be ")
    assert "s3cret" not in complaint


@pytest.mark.parametrize("name", sorted({name for name, _, _ in variables()} - NUMBERS - FLAGS - OF_A_FORM.keys()))
def test_any_word_is_taken_by_what_is_no_number(environment: pytest.MonkeyPatch, name: str) -> None:
    environment.setenv(name, "word")
    assert "word" in load(ToolSettings).model_dump_json() or name == "STREAMS_POSTGRES__DSN"


@pytest.mark.parametrize("name", OF_A_FORM)
def test_a_value_of_a_certain_form_is_taken_in_that_form_only(environment: pytest.MonkeyPatch, name: str) -> None:
    text, value = OF_A_FORM[name]
    environment.setenv(name, text)
    section, field = name.removeprefix("STREAMS_").lower().split("__")
    assert getattr(getattr(load(ToolSettings), section), field) == value
    environment.setenv(name, "word")
    (complaint,) = complaints()
    assert complaint.startswith(f"{name}: value error, is not ")


@pytest.mark.parametrize("name", sorted(FLAGS))
def test_a_flag_is_true_or_false(environment: pytest.MonkeyPatch, name: str) -> None:
    environment.setenv(name, "word")
    (complaint,) = complaints()
    assert complaint.startswith(f"{name}: input should be a valid boolean")


def test_every_problem_is_told_at_once(environment: pytest.MonkeyPatch) -> None:
    environment.delenv("STREAMS_CONNECT__URL")
    environment.setenv("STREAMS_SUBMIT__MAX_IN_FLIGHT", "0")
    environment.setenv("STREAMS_COFFEE", "1")
    names = [complaint.split(":")[0] for complaint in complaints()]
    assert sorted(names) == ["STREAMS_COFFEE", "STREAMS_CONNECT__URL", "STREAMS_SUBMIT__MAX_IN_FLIGHT"]


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("STREAMS_SUBMIT__MAX_INFLIGHT", "STREAMS_SUBMIT__MAX_IN_FLIGHT"),
        ("STREAMS_FABRIC_GATEWAY", "STREAMS_FABRIC__GATEWAY"),
        ("streams_fabric__walet", "STREAMS_FABRIC__WALLET"),
    ],
)
def test_an_unknown_variable_is_refused_with_the_one_that_was_meant(
    environment: pytest.MonkeyPatch, name: str, meant: str
) -> None:
    environment.setenv(name, "1")
    assert complaints(RouteSettings) == [f"{name}: no such setting; did you mean {meant}?"]


def test_an_unknown_variable_that_resembles_none_is_refused(environment: pytest.MonkeyPatch) -> None:
    environment.setenv(UNLIKE_ANY, "1")
    assert complaints() == [f"{UNLIKE_ANY}: no such setting"]


def test_a_variable_of_another_prefix_is_nobodys_business(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("STREAM_XYZ", "1")
    assert load(ToolSettings)


def test_an_unknown_variable_of_a_file_is_refused_too(tmp_path: Path) -> None:
    env_file = tmp_path / "stack.env"
    env_file.write_text(f"{UNLIKE_ANY}=1\nOTHER=2\n")
    assert complaints(env_file=env_file) == [f"{UNLIKE_ANY}: no such setting"]


def test_a_file_stands_below_the_environment(environment: pytest.MonkeyPatch, tmp_path: Path) -> None:
    env_file = tmp_path / "stack.env"
    env_file.write_text("STREAMS_CONNECT__URL=http://file\nSTREAMS_FABRIC__GATEWAY=file:1\n")
    environment.delenv("STREAMS_FABRIC__GATEWAY")
    settings = load(ToolSettings, env_file)
    assert settings.connect.url == REQUIRED["STREAMS_CONNECT__URL"]
    assert settings.fabric.gateway == "file:1"
    assert settings.fabric.wallet == Path("wallet")


def test_a_secret_is_masked_wherever_settings_are_shown() -> None:
    settings = load(ToolSettings)
    for shown in (repr(settings), str(settings), str(settings.model_dump()), settings.model_dump_json()):
        assert "s3cret" not in shown
    assert "**********" in repr(settings.postgres)


def test_settings_cannot_be_changed() -> None:
    settings = load(ToolSettings)
    with pytest.raises(ValidationError, match="frozen"):
        setattr(settings, "routes", Path("other"))  # noqa: B010  (mypy knows, too, that it is frozen)
    with pytest.raises(ValidationError, match="frozen"):
        setattr(settings.kafka, "topic_prefix", "other")  # noqa: B010


def test_every_variable_is_described() -> None:
    for name, section, field in variables():
        assert section.model_fields[field].description, name


def test_a_section_is_not_a_variable(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("STREAMS_KAFKA", "foo")
    assert any(complaint.startswith("STREAMS_KAFKA: no such setting") for complaint in complaints())
