"""What would be done about a letter, and why: the line of a plan."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum

from streams.kafka import codecs
from streams.kafka.topics import OPERATOR_ACTIONS
from streams.messages import RoutedCommand
from streams.operations.audit import Writer
from streams.operations.letters.letter import Letter
from streams.operators import LetterResolution, OperatorAction, Resolution


class Deed(StrEnum):
    """submit: its workers get it again. settle: they get it again, and only learn what the ledger holds.

    give up: it FAILED for good, its key is free. mark: it had ended; only the letter is dealt with. refuse: nothing.
    """

    SUBMIT = "submit"
    SETTLE = "settle"
    GIVE_UP = "give up"
    MARK = "mark"
    REFUSE = "refuse"


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One letter; `command` is what is published or given up (None: no command is concerned)."""

    found: Letter
    deed: Deed
    why: str
    command: RoutedCommand | None = None


def counts(steps: Iterable[Step]) -> dict[str, int]:
    """How many of each deed."""
    made: dict[str, int] = {}
    for step in steps:
        made[step.deed.value] = made.get(step.deed.value, 0) + 1
    return made


def unless(said: str | None, step: Step) -> Step:
    """The step, refused if anything is said against it."""
    return step if said is None or step.deed is Deed.REFUSE else replace(step, deed=Deed.REFUSE, why=said)


def resolve(
    writer: Writer, found: Letter, resolution: Resolution, action: OperatorAction, command: RoutedCommand | None
) -> LetterResolution:
    """Note that the letter, and those before it of the same command, are dealt with. Raises KafkaException."""
    made = resolutions(found, resolution, action, command)
    write(writer, made)
    return made[-1]


def write(writer: Writer, made: Iterable[LetterResolution]) -> None:
    """Returns when the brokers have them. Raises confluent_kafka.KafkaException."""
    writer.append(
        OPERATOR_ACTIONS, [(one.action_id.encode(), codecs.LETTER_RESOLUTIONS.encode(one), {}) for one in made]
    )


def resolutions(
    found: Letter, resolution: Resolution, action: OperatorAction, command: RoutedCommand | None
) -> list[LetterResolution]:
    """Of each letter of the same command, that of the newest last."""
    return [
        LetterResolution(
            action_id=action.action_id,
            resolution=resolution,
            letter=address,
            command_id=found.letter.command_id,
            revision=command.revision if command is not None else found.revision,
            identity=command.identity if command is not None else found.letter.identity,
            reason=action.reason,
            by=action.by,
            happened_at=datetime.now(UTC),
        )
        for address in (*found.earlier, found.address)
    ]
