"""What journeys start: a gateway as a process of its own, a simulated provider in this one, a real model."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Generator
from pathlib import Path
from typing import Any

from patience import PATIENCE_S

from dragoman.cli.child import child_gateway
from dragoman.simulator.app import Simulator, serve
from dragoman.simulator.script import Script

HERE = Path(__file__).parent


def unlisted(config: dict[str, Any]) -> dict[str, Any]:
    """The config, with providers that are not asked for their models unless it says so: what a provider got is counted."""
    providers = {name: {"list": False, **provider} for name, provider in config.get("providers", {}).items()}
    return {**config, **({"providers": providers} if providers else {})}


@contextlib.contextmanager
def gateway(folder: Path, config: dict[str, Any], **env: str) -> Generator[str]:
    """`dragoman serve` with this config, in a home of its own; its address. Its log stays in `folder`."""
    file = folder / "dragoman.yaml"
    # JSON is YAML too.
    file.write_text(json.dumps(unlisted(config)))
    surroundings = {"PATH": os.environ["PATH"], "HOME": str(folder), "XDG_STATE_HOME": str(folder), **env}
    with child_gateway(surroundings, run="journey", config=str(file)) as child:
        yield child.address


@contextlib.contextmanager
def simulator(script: Script, *, key: str | None = None, kept: int | None = None, made: type[Simulator] = Simulator) -> Generator[str]:
    """A simulated provider on a thread of this process, which refuses every key but this one; its address. It keeps the last 200
    requests, or as many as are told. `made`: one that differs in its ways."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="simulator", daemon=True)
    thread.start()

    def run(work: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(work, loop).result(PATIENCE_S)

    provider = made(script, key=key)
    if kept is not None:
        provider.records.last = deque(maxlen=kept)
    serving = serve(simulator=provider)
    try:
        yield run(serving.__aenter__())
    finally:
        run(serving.__aexit__(None, None, None))
        loop.call_soon_threadsafe(loop.stop)
        thread.join(PATIENCE_S)
        loop.close()


@contextlib.contextmanager
def real_model() -> Generator[str]:
    """SmolLM2 on llama.cpp (model_server.py); its address."""
    process = subprocess.Popen(
        [sys.executable, str(HERE / "model_server.py")], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    assert process.stdin is not None and process.stdout is not None
    try:
        address = process.stdout.readline().strip()
        assert address.startswith("http"), "the model server did not start"
        yield address
    finally:
        process.stdin.close()
        try:
            process.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
