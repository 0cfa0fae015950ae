"""Fetches the pinned jars once, verified by checksum, and keeps them in one folder.

`python -m streams.local.jars fetch [FOLDER]` fetches them; `python -m streams.local.jars lock` pins them anew.
"""

from __future__ import annotations

import contextlib
import hashlib
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

from streams.errors import StackFailed
from streams.files import ROOT
from streams.local.jar_lock import LOCK, Jar, read_lock, write_lock

_AT_ONCE, _TRIES, _TIMEOUT_S = 8, 3, 60
_DETAIL_FROM_BYTES = 1_000_000

ProgressBar = Callable[[str, int], contextlib.AbstractContextManager[Callable[[int], None]]]


def install_jars(folder: Path, *, lock: Path = LOCK, console: Console | None = None) -> list[Path]:
    """Every jar of `lock` in `folder`; what is missing is downloaded and verified. In the order of the lock.

    A file that is there with the right size was verified when it came and is not read again.
    Raises StackFailed: a download failed, or a checksum is not the pinned one.
    """
    jars = read_lock(lock)
    missing = [jar for jar in jars if not _is_present(folder / jar.file_name, jar)]
    if missing:
        folder.mkdir(parents=True, exist_ok=True)
        _download(missing, folder, console or Console(stderr=True))
    return [folder / jar.file_name for jar in jars]


def _is_present(path: Path, jar: Jar) -> bool:
    return path.is_file() and path.stat().st_size == jar.size


def _download(jars: Sequence[Jar], folder: Path, console: Console) -> None:
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    # Beside their destination, so that the rename at the end stays within one file system.
    arriving = Path(tempfile.mkdtemp(prefix=".arriving-", dir=folder))
    try:
        with Progress(*columns, console=console) as progress, ThreadPoolExecutor(_AT_ONCE) as pool:
            total = progress.add_task(f"{len(jars)} jars", total=sum(jar.size for jar in jars))
            fetches = [pool.submit(_fetch, jar, arriving, folder, _bars(progress)) for jar in jars]
            try:
                for fetch in as_completed(fetches):
                    progress.advance(total, fetch.result().size)
            except BaseException:
                pool.shutdown(cancel_futures=True)
                raise
    finally:
        shutil.rmtree(arriving, ignore_errors=True)


def _fetch(jar: Jar, arriving: Path, folder: Path, bars: ProgressBar) -> Jar:
    path = _fetch_unverified(jar, arriving, bars)
    found = hashlib.sha256(path.read_bytes()).hexdigest()
    if found != jar.sha256:
        raise StackFailed(f"{jar.coordinate}: the download has sha256 {found}, {LOCK.name} pins {jar.sha256}")
    path.replace(folder / jar.file_name)
    return jar


def _fetch_unverified(jar: Jar, arriving: Path, bars: ProgressBar) -> Path:
    from jgo.maven import MavenContext, PythonResolver
    from requests import RequestException

    context = MavenContext(repo_cache=arriving, timeout=_TIMEOUT_S, resolver=PythonResolver(progress_callback=bars))
    artifact = context.project(jar.group, jar.artifact).at_version(jar.version).artifact(jar.classifier)
    path: Path = artifact.cached_path
    for attempt in range(1, _TRIES + 1):
        path.unlink(missing_ok=True)  # the resolver refuses to write over what a broken try left
        try:
            context.resolver.download(artifact)
        except (RequestException, RuntimeError) as error:
            if attempt == _TRIES:
                raise StackFailed(f"{jar.coordinate}: download failed: {error}") from error
        else:
            break
    return path


def _bars(progress: Progress) -> ProgressBar:
    """A bar per large file while it comes; small ones only move the total."""

    @contextlib.contextmanager
    def bar(file_name: str, size: int) -> Iterator[Callable[[int], None]]:
        if size < _DETAIL_FROM_BYTES:
            yield lambda _: None
            return
        task = progress.add_task(f"  {file_name}", total=size)
        try:
            yield lambda count: progress.advance(task, count)
        finally:
            progress.remove_task(task)

    return bar


def main(arguments: Sequence[str]) -> int:
    """`fetch [FOLDER]` or `lock`."""
    match arguments:
        case ["lock"]:
            with tempfile.TemporaryDirectory() as cache:
                jars = write_lock(Path(cache))
        case ["fetch", *folder] if len(folder) <= 1:
            install_jars(Path(folder[0]) if folder else ROOT / ".local" / "jars")
            jars = read_lock()
        case _:
            print("usage: python -m streams.local.jars fetch [FOLDER] | lock", file=sys.stderr)
            return 2
    print(f"{len(jars)} jars, {sum(jar.size for jar in jars) / 1e6:.0f} MB")
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except StackFailed as failure:
        sys.exit(f"error: {failure}")
