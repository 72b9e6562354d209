"""One gateway for each file of torture, and a provider that misbehaves; after each test everything is back where it was."""

from __future__ import annotations

import json
from collections.abc import Callable, Generator
from typing import Any

import pytest
from bad_provider import BadProvider, bad_provider
from living import Living, living
from wire_client import Caller, Told, post

LIMITS = {"header_bytes": 16_384, "header_count": 50, "body_bytes": 2_000_000, "connections": 200}
DEADLINES = {"connect_s": 2.0, "first_byte_s": 1.5, "idle_s": 1.5, "total_s": 6.0, "hold_s": 0.5, "ping_s": 0.3}
HURRIED: dict[str, Any] = {"limits": {**LIMITS, "header_s": 1.0, "body_s": 1.5}, "deadlines": DEADLINES}
"""For files whose tests wait until a time is over. The others keep the usual times, for which no machine is too slow."""
ONCE = {"retry": {"attempts": 1}}
"""A provider's fault is told at once: how often one is asked again is proven elsewhere, and each test here looks at one try."""
PATHS = {"relay": "/v1/chat/completions", "translate": "/v1/responses"}
"""Lane -> the path whose dialect takes it: the provider speaks `chat`."""

Ask = Callable[..., bytes]


@pytest.fixture(scope="module")
def provider() -> Generator[BadProvider]:
    """The provider of this file."""
    with bad_provider() as provider:
        yield provider


@pytest.fixture(scope="module")
def server() -> dict[str, Any]:
    """The section `server` of this file's gateway."""
    return {"limits": LIMITS}


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory, provider: BadProvider, server: dict[str, Any]) -> Generator[Living]:
    """The gateway of this file, warm."""
    config: dict[str, Any] = {
        "providers": {
            "up": {"kind": "openai-compatible", "dialect": "chat", "base_url": f"http://127.0.0.1:{provider.port}/v1", "keys": ["a-key"]}
        },
        "server": server,
        "routing": ONCE,
        "log": {"exchanges": False},
    }
    with living(tmp_path_factory.mktemp("gateway"), config) as gateway:
        for path in PATHS.values():
            with Caller(gateway.host, gateway.port) as caller:
                assert caller.ask(question("warm", path)).status == 200
        gateway.await_journal()
        yield gateway


@pytest.fixture
def gateway(shared: Living, provider: BadProvider) -> Generator[Living]:
    """The gateway of this file; when the test is over, nothing of it is left: no file, task, connection, exchange."""
    provider.hang_up()
    before = shared.at_rest()
    logged = shared.log.stat().st_size
    yield shared
    provider.hang_up()
    assert shared.lives
    assert shared.settled(before) == before
    with Caller(shared.host, shared.port) as caller:
        assert caller.ask(question("sound")).json["choices"][0]["message"]["content"] == "fine"
    assert b"Traceback" not in shared.log.read_bytes()[logged:]


@pytest.fixture
def caller(gateway: Living) -> Generator[Caller]:
    """A connection to the gateway."""
    with Caller(gateway.host, gateway.port) as caller:
        yield caller


def question(model: str = "any", path: str = PATHS["relay"], *headers: str, stream: bool = False, filler: int = 0) -> bytes:
    """A whole request for a model of the provider."""
    return post(path, asked(model, path, stream=stream, filler=filler), *headers)


def asked(model: str = "any", path: str = PATHS["relay"], *, stream: bool = False, filler: int = 0) -> bytes:
    """Its body."""
    field = "input" if path.endswith("/responses") else "messages"
    said = [{"role": "user", "content": "hello" + "x" * filler}]
    return json.dumps({"model": f"up/{model}", "stream": stream, field: said}).encode()


def is_success(told: Told, path: str) -> bool:
    """Whether a client would take this stream for a whole one."""
    mark = b"[DONE]" if path == PATHS["relay"] else b'"response.completed"'
    return told.status == 200 and told.whole and mark in told.body
