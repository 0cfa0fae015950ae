"""Redrive: commands of dead letters are given to their workers once more, in the order of the letters of each key."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, islice

from streams.errors import RefusedCommand
from streams.kafka import codecs
from streams.kafka.replays import Replay
from streams.kafka.topics import replays_topic
from streams.ledger import Ledger
from streams.messages import RoutedCommand
from streams.operations.audit import Writer
from streams.operations.letters.letter import Letter, Wanted
from streams.operations.letters.step import Deed, Step, resolutions, write
from streams.operations.truth import Committed, NotKnown, Refused, Reused, truth
from streams.operators import OperatorAction, Resolution

BATCH_SIZE = 200
"""Letters that are redriven once more if the tool dies between the commands and the note that they were."""

Reroute = Callable[[Letter], RoutedCommand | None]
"""The command of a letter that preserves a change event, by the routes of today; None: it preserves something else."""


def chosen(letters: Sequence[Letter], wanted: Wanted) -> list[Letter]:
    """What is wanted, and with a parked command all that is parked on its key, in the order of the first letters."""
    matching = [found for found in letters if wanted.matches(found)]
    keys = {_key(found) for found in matching if found.is_parked}
    addresses = {found.address.offset for found in matching}
    return sorted(
        (
            found
            for found in letters
            if found.address.offset in addresses or (found.is_parked and found.is_open and _key(found) in keys)
        ),
        key=lambda found: found.first,
    )


@dataclass(frozen=True, slots=True)
class Planner:
    """Asks the ledger about each letter before anything is published."""

    ledgers: Mapping[str, Ledger]
    reroute: Reroute

    async def plan(self, letters: Iterable[Letter]) -> list[Step]:
        """One step each, in their order."""
        return [await self._step(found) for found in letters]

    async def _step(self, found: Letter) -> Step:
        if found.resolution is not None:
            return Step(found=found, deed=Deed.REFUSE, why=f"{found.resolution.resolution} by {found.resolution.by}")
        try:
            command = found.command or self.reroute(found)
        except RefusedCommand as error:
            return Step(found=found, deed=Deed.REFUSE, why=f"is refused by the routes of today: {error}")
        if command is None:
            return Step(found=found, deed=Deed.REFUSE, why="preserves no command: look at it with show, then discard")
        deed, why = await self._by_ledger(found, command)
        return Step(found=found, deed=deed, why=why, command=command)

    async def _by_ledger(self, found: Letter, command: RoutedCommand) -> tuple[Deed, str]:
        ended = Deed.SETTLE if found.is_parked else Deed.REFUSE
        match await truth(self.ledgers, command, found.letter.attempts):
            case Committed(entry):
                return Deed.SETTLE, f"is VALID in block {entry.block_number}: its row will say so"
            case Reused():
                return ended, "the ledger holds another command under its id"
            case Refused(code):
                return ended, f"is on the ledger as {code}, which no new attempt cures: edit it"
            case NotKnown(cause):
                return Deed.REFUSE, f"the ledger could not be asked: {cause}"
            case _:
                return Deed.SUBMIT, "is not on the ledger"


def redrive(writer: Writer, steps: Iterable[Step], action: OperatorAction, share: float) -> None:
    """Publish what is to be submitted or settled; each letter is dealt with once its command is with the brokers.

    Raises confluent_kafka.KafkaException; what was not published stays open.
    """
    replay = Replay(replay_id=action.action_id, share=share, is_redrive=True)
    chosen_steps = iter([step for step in steps if step.deed in (Deed.SUBMIT, Deed.SETTLE)])
    while batch := list(islice(chosen_steps, BATCH_SIZE)):
        deliver(writer, [step.command for step in batch if step.command is not None], replay)
        made = [resolutions(step.found, Resolution.REDRIVEN, action, step.command) for step in batch]
        write(writer, chain.from_iterable(made))


def deliver(writer: Writer, commands: Iterable[RoutedCommand], replay: Replay) -> None:
    """Give commands to the workers of their identities, in this order. Raises confluent_kafka.KafkaException."""
    records: dict[str, list[tuple[bytes, bytes, dict[str, str]]]] = {}
    for command in commands:
        key, value = command.ordering_key.encode(), codecs.ROUTED_COMMANDS.encode(command)
        records.setdefault(command.identity, []).append((key, value, replay.headers(command)))
    for identity, of_identity in records.items():
        writer.append(replays_topic(identity), of_identity)


def _key(found: Letter) -> tuple[str, str]:
    command = found.command
    return (command.identity, command.ordering_key) if command is not None else ("", "")
