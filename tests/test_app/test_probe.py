"""Probes ask for the list of models only, mark what fails, and take back no more than they did."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Coroutine
from typing import Any

import uvloop

from dragoman.app.compose import Composed, compose, lasting
from dragoman.app.probe import Prober, probes
from dragoman.config.load import parse
from dragoman.config.routing_schema import Probes
from dragoman.observe.observer import Observer
from dragoman.routing.resolve import Target
from dragoman.routing.seat import Seat

CONFIG = """\
providers:
  p: {{kind: openai, base_url: {url}, keys: [first-provider-key, {{key: second-provider-key, name: spare}}]}}
models:
  a: {{targets: [p/one], fallbacks: [p/two]}}
  "b-*": p/*
routing: {{breaker: {{failures: 2}}}}
"""
PATIENCE_S = 120


class Provider:
    """Answers each request with `status` and keeps its first line and key."""

    def __init__(self) -> None:
        self.status = 200
        self.refused = ""
        self.heard: list[tuple[str, str]] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            while True:
                first, *lines = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
                headers = dict(line.lower().split(": ", 1) for line in lines if line)
                key = headers["authorization"].removeprefix("bearer ")
                self.heard.append((first, key))
                status = 401 if key == self.refused else self.status
                writer.write(b"HTTP/1.1 %d X\r\ncontent-length: 2\r\n\r\n{}" % status)
        writer.close()


@contextlib.asynccontextmanager
async def stage() -> AsyncGenerator[tuple[Provider, Composed, Prober]]:
    provider = Provider()
    server = await asyncio.start_server(provider.serve, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
    config = parse(CONFIG.format(url=url).encode(), {}).config
    async with lasting({}, Observer(None)) as shared:
        shared.board.settings = config.routing.breaker
        composed = await compose(config, shared)
        yield provider, composed, Prober(lambda: composed, sleep=at_once)
    server.close()


async def at_once(seconds: float) -> None:
    """No wait."""


def standings(composed: Composed) -> dict[str, str]:
    return {shown.id: shown.standing for shown in composed.runtime.board.view(composed.runtime.clock())}


def go(story: Coroutine[Any, Any, None]) -> None:
    async def bounded() -> None:
        await asyncio.wait_for(story, PATIENCE_S)

    uvloop.run(bounded())


def test_each_key_is_asked_for_the_list_of_models_and_for_nothing_else() -> None:
    async def story() -> None:
        async with stage() as (provider, composed, prober):
            await prober.round(Probes())

            ask = "GET /v1/models HTTP/1.1"
            assert sorted(provider.heard) == [(ask, "first-provider-key"), (ask, "second-provider-key")]
            assert set(standings(composed).values()) <= {"ready"}

    go(story())


def test_a_provider_that_fails_is_left_alone_until_it_answers_again() -> None:
    async def story() -> None:
        async with stage() as (provider, composed, prober):
            provider.status = 503
            await prober.round(Probes())
            during = standings(composed)
            provider.status = 200
            await prober.round(Probes())

            seats = {f"p/{model}@{key}" for model in ("one", "two") for key in ("key-1", "spare")}
            assert during == dict.fromkeys(seats, "open")
            assert standings(composed) == dict.fromkeys(seats, "ready")
            assert len(provider.heard) == 6

    go(story())


def test_a_refused_key_is_left_alone_and_the_other_is_not() -> None:
    async def story() -> None:
        async with stage() as (provider, composed, prober):
            provider.refused = "second-provider-key"

            await prober.round(Probes())

            assert {name: standing for name, standing in standings(composed).items() if standing != "ready"} == {
                "p/one@spare": "refused",
                "p/two@spare": "refused",
            }

    go(story())


def test_what_probes_have_not_closed_they_do_not_open() -> None:
    async def story() -> None:
        async with stage() as (_, composed, prober):
            board = composed.runtime.board
            health = board.health(Seat(Target("p", "one"), "key-1"))
            health.troubled, health.circuit.state, health.circuit.until = True, "open", float("inf")

            await prober.round(Probes())

            assert standings(composed)["p/one@key-1"] == "open"

    go(story())


def test_a_provider_without_a_list_is_there_if_it_says_so() -> None:
    async def story() -> None:
        async with stage() as (provider, composed, prober):
            provider.status = 404

            await prober.round(Probes())

            assert set(standings(composed).values()) <= {"ready"}

    go(story())


def test_targets_that_only_clients_named_are_probed_as_well() -> None:
    async def story() -> None:
        async with stage() as (_, composed, _prober):
            composed.runtime.board.health(Seat(Target("p", "three"), "key-1"))

            found = {probe.account: {seat.id for seat in probe.seats} for probe in probes(composed)}

            assert found == {
                "p@key-1": {"p/one@key-1", "p/two@key-1", "p/three@key-1"},
                "p@spare": {"p/one@spare", "p/two@spare"},
            }

    go(story())


def test_nothing_is_asked_unless_config_wants_it() -> None:
    async def story() -> None:
        async with stage() as (provider, composed, _):
            waited: list[float] = []
            enough = asyncio.Event()

            async def wait(seconds: float) -> None:
                waited.append(seconds)
                if len(waited) == 3:
                    enough.set()
                    await asyncio.Event().wait()

            keeping = asyncio.ensure_future(Prober(lambda: composed, sleep=wait).keep())
            await enough.wait()
            keeping.cancel()

            assert (provider.heard, waited) == ([], [5.0, 5.0, 5.0])

    go(story())
