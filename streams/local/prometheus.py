"""Prometheus for a local line: found on PATH, or taken from its Debian package without installing anything.

`python -m streams.local.prometheus fetch [FOLDER]` makes sure that it is there; `run` serves the alerts of a running
line, as `make prometheus` does.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from streams.errors import StackFailed
from streams.files import ROOT
from streams.local.ports import HOST

SERVER, PROMTOOL = "prometheus", "promtool"
_PROGRAMS = (SERVER, PROMTOOL)
_TIMEOUT_S = 180
_LISTEN = f"{HOST}:9090"
_LOCAL = ROOT / ".local"


def install_prometheus(folder: Path) -> Mapping[str, Path]:
    """The programs `prometheus` and `promtool`: those on PATH, else those in `folder`, fetched if they are missing.

    apt checks the package's signature. Raises StackFailed where the package cannot be had.
    """
    on_path = {name: Path(path) for name in _PROGRAMS if (path := shutil.which(name))}
    if len(on_path) == len(_PROGRAMS):
        return on_path
    programs = {name: folder / "usr" / "bin" / name for name in _PROGRAMS}
    if not all(path.is_file() for path in programs.values()):
        _fetch(folder)
    return programs


def _fetch(folder: Path) -> None:
    for name in ("apt-get", "dpkg-deb"):
        if shutil.which(name) is None:
            raise StackFailed(f"neither prometheus and promtool nor {name} are on PATH: install Prometheus")
    folder.parent.mkdir(parents=True, exist_ok=True)
    # Beside its destination, so that the rename at the end stays within one file system.
    arriving = Path(tempfile.mkdtemp(prefix=".arriving-", dir=folder.parent))
    try:
        unpacked = arriving / "unpacked"
        _run(["dpkg-deb", "-x", str(_download(arriving)), str(unpacked)], arriving)
        shutil.rmtree(folder, ignore_errors=True)
        unpacked.replace(folder)
    finally:
        shutil.rmtree(arriving, ignore_errors=True)


def _download(arriving: Path) -> Path:
    """The package, by the machine's lists of packages, or by lists of our own where it has none or old ones."""
    try:
        _run(["apt-get", "download", SERVER], arriving)
    except StackFailed:
        state, cache = arriving / "state", arriving / "cache"
        for part in (state / "lists" / "partial", cache / "archives" / "partial"):
            part.mkdir(parents=True)
        # Our own, so that nobody has to be root and the system stays as it is.
        own = ["-o", f"Dir::State={state}", "-o", f"Dir::Cache={cache}", "-o", "APT::Sandbox::User="]
        _run(["apt-get", *own, "update"], arriving)
        _run(["apt-get", *own, "download", SERVER], arriving)
    (package,) = arriving.glob(f"{SERVER}_*.deb")
    return package


def _run(argv: Sequence[str], folder: Path) -> None:
    try:
        ran = subprocess.run(argv, cwd=folder, capture_output=True, text=True, timeout=_TIMEOUT_S, check=False)
    except subprocess.TimeoutExpired as error:
        raise StackFailed(f"{' '.join(argv[:2])} took longer than {_TIMEOUT_S} s") from error
    if ran.returncode != 0:
        last = (ran.stderr.strip().splitlines() or ["no message"])[-1]
        raise StackFailed(f"{' '.join(argv)} failed: {last}")


def main(arguments: Sequence[str]) -> int:
    """`fetch [FOLDER]` or `run`."""
    match arguments:
        case ["fetch", *folder] if len(folder) <= 1:
            for path in install_prometheus(Path(folder[0]) if folder else _LOCAL / "prometheus").values():
                print(path)
        case ["run"]:
            _serve()
        case _:
            print("usage: python -m streams.local.prometheus fetch [FOLDER] | run", file=sys.stderr)
            return 2
    return 0


def _serve() -> None:
    """Become a Prometheus with the shipped rules and the targets of the line. Raises StackFailed if there is none."""
    targets = _LOCAL / "state" / "prometheus-targets.json"
    if not targets.exists():
        raise StackFailed(f"there is no {targets}: start the line first, with streams up")
    deploy, data = ROOT / "deploy" / "prometheus", _LOCAL / "state" / "prometheus"
    data.mkdir(parents=True, exist_ok=True)
    shutil.copy(deploy / "rules.yaml", data)
    config = data / "prometheus.yaml"
    config.write_text((deploy / config.name).read_text().replace("targets/*.json", str(targets)))
    server = str(install_prometheus(_LOCAL / "prometheus")[SERVER])
    print(f"Prometheus is at http://{_LISTEN}/alerts; Ctrl-C stops it", flush=True)
    flags = [f"--config.file={config}", f"--storage.tsdb.path={data / 'tsdb'}", f"--web.listen-address={_LISTEN}"]
    os.execv(server, [server, *flags, "--log.level=warn"])  # noqa: S606


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except StackFailed as failure:
        sys.exit(f"error: {failure}")
