"""Tells a test what lives inside the gateway, over a file descriptor that only the test can have handed down.

Python imports this module at start-up where the test puts its folder on PYTHONPATH; the gateway itself knows nothing of it and gets
no new door: without the descriptor in the environment nothing happens.
"""

from __future__ import annotations

import gc
import json
import os
import socket
import sys
import threading
from collections import Counter
from typing import cast

_LIVING = {
    "asyncio.Task": "tasks",
    "dragoman.tasks.Errand": "tasks",
    "dragoman.server.protocol.Connection": "clients",
    "dragoman.server.answer.Answer": "answers",
    "dragoman.upstream.connection.Connection": "providers",
    "dragoman.upstream.reply.Reply": "replies",
    "dragoman.core.exchange.Exchange": "exchanges",
    "dragoman.core.translated.Translated": "translations",
    "dragoman.app.compose.Composed": "runtimes",
}


def _census() -> dict[str, int]:
    gc.collect()
    counts: Counter[str] = Counter(dict.fromkeys(_LIVING.values(), 0))
    for each in gc.get_objects():
        kind = cast("type[object]", type(each))
        # Some types have a property where others have the name of their module.
        name = _LIVING.get(f"{kind.__module__}.{kind.__qualname__}".removeprefix("_"))
        if name is not None and not (name == "tasks" and each.done()):
            counts[name] += 1
    counts["blocks"] = sys.getallocatedblocks()
    counts["helpers"] = sum(thread.name.startswith(("asyncio_", "uvloop_")) for thread in threading.enumerate())
    return dict(counts)


def _answer(line: socket.socket) -> None:
    while line.recv(1):
        line.sendall(json.dumps(_census()).encode() + b"\n")


if "TORTURE_PROBE_FD" in os.environ:
    _line = socket.socket(fileno=int(os.environ.pop("TORTURE_PROBE_FD")))
    threading.Thread(target=_answer, args=(_line,), name="probe", daemon=True).start()
