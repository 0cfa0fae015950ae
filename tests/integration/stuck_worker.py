"""`python stuck_worker.py stream|loop IDENTITY`: a submit worker whose stream, or whose event loop, stands still.

It does so with the first record that it takes.
"""

from __future__ import annotations

import asyncio
import sys
import time
from typing import Any

from streams.settings import SubmitSettings, load
from streams.workers import faust_app
from streams.workers.submit import SubmitWorker, create_app

FOR_S = 3600.0


async def stand_still(worker: SubmitWorker, event: Any) -> None:
    if sys.argv[1] == "loop":
        time.sleep(FOR_S)  # noqa: ASYNC251 - that is the fault
    await asyncio.sleep(FOR_S)


if __name__ == "__main__":
    SubmitWorker.take = stand_still  # type: ignore[method-assign]
    faust_app.run(create_app(load(SubmitSettings), sys.argv[2]))
