"""`streams simulator fault ...`: the bad days of a running simulator."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Iterator
from enum import StrEnum
from fnmatch import fnmatchcase
from http import HTTPStatus
from pathlib import Path
from typing import Annotated, Any, Literal, get_args, get_origin

import typer
from pydantic.fields import FieldInfo

from streams.chaincode.contracts import CONTRACTS, DEFAULT_CONTRACT
from streams.cli.output import cells, print_json, stdout, table
from streams.errors import StackFailed
from streams.simulator.config import CONTROL_FILE
from streams.simulator.faults import KINDS, Fault, Limits, read_fault

DEFAULT_STATE = Path(".local/simulator")
_QSCC = ("GetChainInfo", "GetBlockByNumber", "GetBlockByHash", "GetBlockByTxID", "GetTransactionByID")
_TIMEOUT_S = 10
_WORDS = ("number", "struck", "spent", "kind")

fault = typer.Typer(help="Faults of a running simulator.", no_args_is_help=True)

State = Annotated[Path, typer.Option(help="Folder of the simulator's blocks, keys and control address.")]
ControlUrl = Annotated[
    str | None, typer.Option("--control", help="The control API's address; default: what the folder --state says.")
]


@fault.command()
def kinds() -> None:
    """List the kinds of faults, with the fields of each.

    Example: streams simulator fault kinds
    """
    listed = table("kind", "what happens", "fields")
    for kind in KINDS:
        listed.add_row(*cells(kind.kind, " ".join((kind.__doc__ or "").split()), _fields(kind)))
    stdout.print(listed)
    limits = ", ".join(_described(Limits, name) for name in Limits.model_fields)
    stdout.print(f"\nEvery fault can be limited: {limits}")


@fault.command()
def add(
    kind: Annotated[str, typer.Argument(help="A kind of `streams simulator fault kinds`.")],
    fields: Annotated[list[str] | None, typer.Argument(metavar="FIELD=VALUE...", help="Fields and limits.")] = None,
    state: State = DEFAULT_STATE,
    control: ControlUrl = None,
) -> None:
    """Put a fault into force.

    Example: streams simulator fault add late call=submit delay_s=3 identity=org1-admin count=5
    """
    given = {"kind": kind} | _given(fields or [])
    try:
        function = read_fault(given).function
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error
    if function is not None and not any(fnmatchcase(name, function) for name in _functions()):
        meant = [name for name in _functions() if name.endswith(f":{function}")]
        raise typer.BadParameter(f"function: nothing is called {function!r}" + _did_you_mean(meant))
    added = _ask(state, control, "POST", "/faults", given)
    stdout.print(f"fault {added['number']} is in force")


@fault.command("list")
def list_faults(
    state: State = DEFAULT_STATE,
    control: ControlUrl = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """List the faults in force and those that are spent.

    Example: streams simulator fault list --json
    """
    faults = _ask(state, control, "GET", "/faults")
    if as_json:
        print_json(faults)
        return
    listed = table("number", "kind", "fields", "struck", right=("number", "struck"))
    for each in faults:
        given = " ".join(f"{name}={value}" for name, value in each.items() if _is_telling(name, value))
        listed.add_row(*cells(each["number"], each["kind"], given, f"{each['struck']}{' (spent)' * each['spent']}"))
    stdout.print(listed)


@fault.command()
def clear(
    number: Annotated[int | None, typer.Argument(help="Only this one.")] = None,
    state: State = DEFAULT_STATE,
    control: ControlUrl = None,
) -> None:
    """Take a fault, or all faults, out of force.

    Example: streams simulator fault clear
    """
    _ask(state, control, "DELETE", "/faults" if number is None else f"/faults/{number}")


def _ask(state: Path, control: str | None, method: str, path: str, body: object = None) -> Any:
    """Call the control API. Raises StackFailed, or BadParameter for a fault that this network cannot have."""
    file = state / CONTROL_FILE
    if control is None and not file.exists():
        raise StackFailed(f"there is no {file}: start the simulator with --control, or name its --control address")
    url = (control or file.read_text()).strip().rstrip("/") + path
    if not url.startswith("http://"):
        raise StackFailed(f"{url} is not an http:// address")
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(  # noqa: S310  (http only, checked above)
        url, data=data, method=method, headers={"Content-Type": "application/json"}
    )
    try:
        with urllib.request.urlopen(request, timeout=_TIMEOUT_S) as answer:  # noqa: S310
            return json.load(answer)
    except urllib.error.HTTPError as error:
        problem = json.load(error)["error"]
        if error.code == HTTPStatus.BAD_REQUEST:
            raise typer.BadParameter(problem) from error
        raise StackFailed(f"the simulator refuses: {problem}") from error
    except OSError as error:
        raise StackFailed(f"no simulator answers at {url}: {error}") from error


def _given(fields: list[str]) -> dict[str, str]:
    pairs = [field.partition("=") for field in fields]
    for name, equals, _ in pairs:
        if not equals:
            raise typer.BadParameter(f"{name!r} is not FIELD=VALUE")
    for name, times in Counter(name for name, _, _ in pairs).items():
        if times > 1 or name == "kind":
            raise typer.BadParameter(f"{name}: give it once" + " and first" * (name == "kind"))
    return {name: value for name, _, value in pairs}


def _functions() -> Iterator[str]:
    """What a call of the reference chaincode, or of qscc, may name."""
    for contract, functions in CONTRACTS.items():
        yield from (f"{contract}:{name}" for name in functions)
    yield from CONTRACTS[DEFAULT_CONTRACT]
    yield from _QSCC


def _did_you_mean(meant: list[str]) -> str:
    return (
        f"; did you mean {' or '.join(meant)}?" if meant else "; it is Contract:Function, with * and ? as in file names"
    )


def _is_telling(name: str, value: object) -> bool:
    """Not what every fault has and nobody has set."""
    limit = Limits.model_fields.get(name)
    return name not in _WORDS and (limit is None or limit.default != value)


def _fields(kind: type[Fault]) -> str:
    own = [name for name in kind.model_fields if name not in Limits.model_fields]
    return ", ".join(_described(kind, name) for name in own)


def _described(kind: type[Limits], name: str) -> str:
    field = kind.model_fields[name]
    if field.is_required():
        return f"{name} (required)"
    described = name if field.default is None else f"{name}={field.default}"
    allowed = "|".join(_allowed(field))
    return f"{described} ({allowed})" if allowed else described


def _allowed(field: FieldInfo) -> Iterator[str]:
    """The values of a field that takes no others."""
    if isinstance(field.annotation, type) and issubclass(field.annotation, StrEnum):
        yield from field.annotation
    for part in (field.annotation, *get_args(field.annotation)):
        if get_origin(part) is Literal:
            yield from get_args(part)
