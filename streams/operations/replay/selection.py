"""Which records a replay looks at: topics, a start, an end, and filters. Flags as kafka-consumer-groups has them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from streams.errors import SettingsInvalid
from streams.kafka.lag import Stretch, stretches
from streams.kafka.ranges import offsets_at

_DURATION = re.compile(r"P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?)?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """What is named must match; empty: everything.

    `topics`: topic -> partitions (empty: all of them); without a topic, those of the commands of every identity.
    `since`/`from_offset`: the first record; `until`/`until_offset`: the first record that is not meant any more.
    `from_lsn`: rows that were captured at this position of the log or later. `statuses`: of the row.
    """

    topics: Mapping[str, frozenset[int]] = field(default_factory=dict)
    since: datetime | None = None
    from_offset: int | None = None
    until: datetime | None = None
    until_offset: int | None = None
    command_ids: frozenset[str] = frozenset()
    types: frozenset[str] = frozenset()
    tenants: frozenset[str] = frozenset()
    identities: frozenset[str] = frozenset()
    statuses: frozenset[str] = frozenset()
    from_lsn: int | None = None
    include_failed: bool = False

    def takes(self, *, command_id: str, command_type: str, tenant_id: str, identity: str | None) -> bool:
        """Whether a command is meant, as far as its record tells."""
        return (
            (not self.command_ids or command_id in self.command_ids)
            and (not self.types or command_type in self.types)
            and (not self.tenants or tenant_id in self.tenants)
            and (not self.identities or identity in self.identities)
        )


def meant(bootstrap_servers: str, topic: str, selection: Selection) -> dict[int, Stretch]:
    """The stretch of each partition that the selection means. Raises KafkaException, SettingsInvalid."""
    held = stretches(bootstrap_servers, topic)
    only = selection.topics.get(topic) or held.keys()
    if unknown := set(only) - held.keys():
        raise SettingsInvalid(f"--topic {topic}: it has no partition {', '.join(map(str, sorted(unknown)))}")
    firsts = {partition: stretch.first for partition, stretch in held.items()}
    ends = {partition: stretch.end for partition, stretch in held.items()}
    if selection.since is not None:
        firsts = offsets_at(bootstrap_servers, topic, held, selection.since)
    if selection.until is not None:
        ends = offsets_at(bootstrap_servers, topic, held, selection.until)
    found = {}
    for partition in only:
        stretch = held[partition]
        first = max(firsts[partition], selection.from_offset or 0, stretch.first)
        end = min(ends[partition], stretch.end if selection.until_offset is None else selection.until_offset)
        found[partition] = Stretch(min(first, stretch.end), max(min(first, stretch.end), end))
    return found


def parse_topics(texts: list[str]) -> dict[str, frozenset[int]]:
    """`topic` or `topic:0,1`. Raises SettingsInvalid."""
    topics = {}
    for text in texts:
        name, _, numbers = text.partition(":")
        parts = [part.strip() for part in numbers.split(",") if part.strip()]
        if not name or not all(part.isdigit() for part in parts):
            raise SettingsInvalid(f"--topic {text}: is not `topic` or `topic:partition,partition`")
        topics[name] = frozenset(map(int, parts))
    return topics


def parse_time(text: str, flag: str) -> datetime:
    """ISO 8601; without a zone it is UTC, as kafka-consumer-groups has it. Raises SettingsInvalid."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError as error:
        raise SettingsInvalid(f"{flag} {text}: is not a time such as 2026-09-01T12:30:00.000") from error
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at


def parse_start(to_datetime: str | None, by_duration: str | None) -> datetime | None:
    """A time, or so long before now. Raises SettingsInvalid."""
    if to_datetime and by_duration:
        raise SettingsInvalid("--to-datetime and --by-duration exclude each other")
    if by_duration:
        return datetime.now(UTC) - parse_duration(by_duration, "--by-duration")
    return parse_time(to_datetime, "--to-datetime") if to_datetime else None


def parse_duration(text: str, flag: str) -> timedelta:
    """ISO 8601 `PnDTnHnMnS`. Raises SettingsInvalid."""
    found = _DURATION.fullmatch(text)
    if found is None or not any(found.groups()):
        raise SettingsInvalid(f"{flag} {text}: is not a duration such as PT1H30M or P1D")
    days, hours, minutes, seconds = (float(part or 0) for part in found.groups())
    return timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)


def parse_lsn(text: str) -> int:
    """`16/B374D848` as Postgres shows it, or a plain number as Debezium does. Raises SettingsInvalid."""
    high, slash, low = text.partition("/")
    try:
        return (int(high, 16) << 32) + int(low, 16) if slash else int(text)
    except ValueError as error:
        raise SettingsInvalid(f"--from-lsn {text}: is not a position such as 16/B374D848") from error


def parse_share(text: str) -> float:
    """`20%` or `0.2`. Raises SettingsInvalid."""
    try:
        share = float(text.removesuffix("%")) / (100 if text.endswith("%") else 1)
    except ValueError:
        share = 0.0
    if not 0 < share <= 1:
        raise SettingsInvalid(f"--share {text}: is not a share of the window such as 20%")
    return share
