"""`GET …/models`: the usual list for everybody, Codex's own shape for the Codex whose launcher told what it knows."""

from __future__ import annotations

import json
from collections.abc import Sequence

import pytest
from house import ABOUT, get, go, house, identify_ada, post
from msgspec.structs import replace

from dragoman.agents.contract import Offer

OWN = json.dumps(
    {"models": [{"slug": "own", "priority": 1, "visibility": "list", "base_instructions": "Be good."}], "asked": ["x"]}
).encode()
RUN = "0123456789ab"
CODEX = ("originator: codex_exec", f"x-dragoman-run: {RUN}")
PATH = "/openai/v1/models?client_version=0.169.0"


def offers(names: Sequence[str]) -> Sequence[Offer]:
    return [Offer(name) for name in ("listed", *names)]


ASKED = replace(ABOUT, offers=offers)
CLOSED = replace(ASKED, closed=True, identify=identify_ada)
KEY = "Authorization: Bearer ada-key"


@pytest.mark.parametrize("mount", ["/openai", "/openai/v1", "/v1"])
def test_codex_gets_its_own_shape_once_its_launcher_has_told_what_it_knows(mount: str) -> None:
    async def story() -> None:
        async with house(about=ASKED) as it:
            told = await it.ask(post(f"/api/runs/{RUN}/models", OWN))
            answer = await it.ask(get(f"{mount}/models?client_version=0.169.0", *CODEX))

            assert (told.status, told.body) == (204, b"")
            assert [(entry["slug"], entry["base_instructions"]) for entry in answer.json["models"]] == [
                ("listed", "Be good."),
                ("x", "Be good."),
            ]

    go(story())


@pytest.mark.parametrize(
    ("path", "headers"),
    [
        (PATH, ()),
        (PATH, ("originator: codex_exec",)),
        (PATH, ("originator: codex_exec", "x-dragoman-run: another-run")),
        ("/openai/v1/models", CODEX),
        (PATH, (f"x-dragoman-run: {RUN}", "user-agent: OpenAI/Python 3")),
    ],
)
def test_everybody_else_gets_the_usual_list(path: str, headers: tuple[str, ...]) -> None:
    async def story() -> None:
        async with house(about=ASKED) as it:
            await it.ask(post(f"/api/runs/{RUN}/models", OWN))
            answer = await it.ask(get(path, *headers))

            assert [model["id"] for model in answer.json["data"]] == ["demo/coder", "gpt-4"]

    go(story())


def test_telling_needs_the_key_where_there_are_keys() -> None:
    async def story() -> None:
        async with house(about=CLOSED) as it:
            stranger = await it.ask(post(f"/api/runs/{RUN}/models", OWN))
            known = await it.ask(post(f"/api/runs/{RUN}/models", OWN, KEY))

            assert (stranger.status, known.status) == (401, 204)

    go(story())


def test_too_much_or_no_json_is_refused() -> None:
    async def story() -> None:
        async with house(about=ASKED) as it:
            path = f"/api/runs/{RUN}/models"
            answers = [
                await it.ask(post(path, b'{"models":"' + b"x" * 3_000_000 + b'"}')),
                await it.ask(post(path, b"[]")),
                await it.ask(post(path, b"{}", kind="text/plain")),
                await it.ask(post("/api/runs/../models", b"{}")),
                await it.ask(get(path)),
            ]

            assert [answer.status for answer in answers] == [413, 400, 415, 400, 405]

    go(story())
