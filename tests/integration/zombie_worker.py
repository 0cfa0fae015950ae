"""`python zombie_worker.py FOLDER IDENTITY`: a submit worker that stops before it tells of a failure.

It makes the file `refused`, and goes on when there is a file `go`. Its group misses it after some seconds.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Any

from streams.messages import OutcomeKind
from streams.settings import SubmitSettings, load
from streams.workers import faust_app, submit
from streams.workers.carrier import Carrier

SESSION_TIMEOUT_S = 6.0
"""As short as a broker allows."""

_publish = Carrier._publish


async def publish_later(carrier: Carrier, taken: Any, ending: Any) -> None:
    folder = Path(sys.argv[1])
    if ending.outcome.kind is OutcomeKind.FAILED:
        (folder / "refused").touch()
        while not (folder / "go").exists():  # noqa: ASYNC110 - the other side is another process
            await asyncio.sleep(0.01)
    await _publish(carrier, taken, ending)


if __name__ == "__main__":
    Carrier._publish = publish_later  # type: ignore[method-assign]
    submit.SESSION_TIMEOUT_S = SESSION_TIMEOUT_S
    faust_app.run(submit.create_app(load(SubmitSettings), sys.argv[2]))
