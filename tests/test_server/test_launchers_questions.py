"""What launchers ask of a gateway: where a model name leads, and what a run cost."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Any

from house import ABOUT, get, go, house, identify_ada
from msgspec.structs import replace

from dragoman.ir.errors import GatewayError, Kind


def resolve(model: str) -> dict[str, Any]:
    if model != "openai/gpt 4":
        raise GatewayError(Kind.MODEL_NOT_FOUND, f"no model `{model}` is known", source="client")
    return {"model": model, "targets": ["openai/gpt 4"]}


def test_a_model_name_is_resolved_without_asking_anybody() -> None:
    async def story() -> None:
        async with house(about=replace(ABOUT, resolve=resolve)) as it:
            known, unknown = await it.ask(get("/api/resolve/openai/gpt%204")), await it.ask(get("/api/resolve/nope"))

        assert (known.status, known.json) == (200, {"model": "openai/gpt 4", "targets": ["openai/gpt 4"]})
        assert (unknown.status, unknown.json["error"]["code"], unknown.message) == (404, "model_not_found", "no model `nope` is known")

    go(story())


def test_strangers_learn_nothing_of_names() -> None:
    async def story() -> None:
        async with house(about=replace(ABOUT, closed=True, identify=identify_ada, resolve=resolve)) as it:
            assert (await it.ask(get("/api/resolve/nope"))).status == 401

    go(story())


def test_a_run_is_priced_beside_the_event_loop() -> None:
    threads: list[threading.Thread] = []

    def priced(sums: Mapping[str, Any]) -> Mapping[str, Any]:
        threads.append(threading.current_thread())
        return {**sums, "cost_usd": 0.5}

    async def story() -> None:
        async with house(about=replace(ABOUT, run={"r1": {"turns": 3}}.get, priced=priced)) as it:
            assert (await it.ask(get("/api/runs/r1"))).json == {"turns": 3, "cost_usd": 0.5}
        assert threads != [threading.current_thread()]

    go(story())
