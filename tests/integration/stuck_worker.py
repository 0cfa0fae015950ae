"""`python stuck_worker.py stream|command|loop IDENTITY`: a submit worker of which something stands still.

Its stream, or its event loop, with the first record that it takes; or a command, whose outcome never leaves it.
"""

from __future__ import annotations

import asyncio
import sys
import time
from typing import Any

from streams.messages import Outcome
from streams.settings import SubmitSettings, load
from streams.workers import faust_app
from streams.workers.publishing import Publisher
from streams.workers.submit import SubmitWorker, create_app

FOR_S = 3600.0


async def stand_still(worker: SubmitWorker, event: Any) -> None:
    if sys.argv[1] == "loop":
        time.sleep(FOR_S)  # noqa: ASYNC251 - that is the fault
    await asyncio.sleep(FOR_S)


async def never_published(publisher: Publisher, outcome: Outcome) -> None:
    await asyncio.sleep(FOR_S)


if __name__ == "__main__":
    if sys.argv[1] == "command":
        Publisher.outcome = never_published  # type: ignore[method-assign]
    else:
        SubmitWorker.take = stand_still  # type: ignore[method-assign]
    faust_app.run(create_app(load(SubmitSettings), sys.argv[2]))
