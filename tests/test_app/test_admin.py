"""The admin side over HTTP: what is in use, revisions, reload, rollback, health, dry runs; who may ask, and what is never shown."""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import json
from collections.abc import AsyncGenerator, Coroutine
from functools import partial
from pathlib import Path
from typing import Any

import uvloop

from dragoman.app.admin import Desk
from dragoman.app.compose import Lasting, compose, lasting
from dragoman.app.reload import Reloader, Source
from dragoman.app.revisions import Revisions
from dragoman.config.load import load
from dragoman.core.handle import handle
from dragoman.ir.errors import GatewayError, Kind
from dragoman.observe.observer import Observer
from dragoman.routing.seat import Seat
from dragoman.routing.target import Target
from dragoman.server.app import App
from dragoman.server.serve import running
from dragoman.server.settings import ServerSettings

OPEN = "# ours\nproviders: {demo: {kind: demo}, p: {kind: openai, keys: [a-key-in-plain-text, $SECRET]}}\nmodels: {a: demo/x}\n"
CLOSED = OPEN + "access: {keys: [{name: ada, key: $ADA_KEY}]}\n"
ENV = {"SECRET": "sk-the-secret-of-p", "ADA_KEY": "the-client-key-of-ada"}
PATIENCE_S = 120


class Gateway:
    """A served gateway over a config file."""

    def __init__(self, file: Path, port: int, shared: Lasting) -> None:
        self.file = file
        self.port = port
        self.shared = shared

    async def ask(self, method: str, path: str, value: Any = None, **headers: str) -> tuple[int, Any]:
        return await asyncio.to_thread(self._ask, method, path, value, headers)

    def _ask(self, method: str, path: str, value: Any, headers: dict[str, str]) -> tuple[int, Any]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE_S)
        try:
            body = None if value is None else json.dumps(value)
            own = {} if body is None else {"content-type": "application/json"}
            connection.request(method, path, body, {**own, **{name.replace("_", "-"): text for name, text in headers.items()}})
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read())
        finally:
            connection.close()


@contextlib.asynccontextmanager
async def gateway(folder: Path, text: str | None = OPEN) -> AsyncGenerator[Gateway]:
    file = folder / "dragoman.yaml"
    if text is not None:
        file.write_text(text)
    env = {"HOME": str(folder / "home"), **ENV}
    read = partial(load, env=env, cwd=folder)
    async with lasting({}, Observer(None)) as shared:
        source = Source(read, (), partial(Revisions.of, env=env))
        reloader = Reloader(read(None), source, partial(compose, shared=shared), clock=lambda: 12.0, poll_s=3600)
        desk = Desk(reloader, env, clock=lambda: 100.0)
        app = App(
            lambda: reloader.current,
            lambda current, inbound, outbound: handle(current.runtime, inbound, outbound),
            lambda current: current.about,
            ServerSettings(port=0, shutdown_grace_s=0.0),
            admin=desk.admin(),
        )
        async with reloader, running(app) as address:
            yield Gateway(file, address.port, shared)


def go(story: Coroutine[Any, Any, None]) -> None:
    async def bounded() -> None:
        await asyncio.wait_for(story, PATIENCE_S)

    uvloop.run(bounded())


def test_what_is_in_use_is_told_as_it_is_written_and_without_secrets(tmp_path: Path) -> None:
    async def story() -> None:
        async with gateway(tmp_path) as it:
            status, told = await it.ask("GET", "/api/config")

            assert status == 200
            assert len(told.pop("warnings")) == 1
            assert told == {
                "path": str(it.file),
                "revision": 1,
                "loaded_at": 12.0,
                "error": None,
                "restart": [],
                "settings": {
                    "providers": {"demo": {"kind": "demo"}, "p": {"kind": "openai", "keys": ["***", "$SECRET"]}},
                    "models": {"a": "demo/x"},
                },
            }

    go(story())


def test_a_gateway_without_a_file_tells_what_it_found(tmp_path: Path) -> None:
    async def story() -> None:
        async with gateway(tmp_path, None) as it:
            told = (await it.ask("GET", "/api/config"))[1]
            refused = await it.ask("GET", "/api/config/revisions")

            assert (told["path"], told["revision"], told["settings"]) == (None, None, {"providers": {"demo": {"kind": "demo", "keys": []}}})
            assert (refused[0], refused[1]["error"]["message"][:41]) == (404, "the gateway runs without a config file, s")

    go(story())


def test_a_reload_takes_up_the_file_and_the_new_model_answers(tmp_path: Path) -> None:
    async def story() -> None:
        async with gateway(tmp_path) as it:
            it.file.write_text(OPEN.replace("{a: demo/x}", "{a: demo/x, b: demo/y}"))

            reloaded = await it.ask("POST", "/api/config/reload")
            answer = await it.ask("POST", "/v1/chat/completions", {"model": "b", "messages": [{"role": "user", "content": 'say "hello"'}]})

            assert reloaded == (200, {"revision": 2, "loaded_at": 12.0, "error": None, "restart": []})
            assert (answer[0], answer[1]["choices"][0]["message"]["content"]) == (200, "hello")

    go(story())


def test_a_wrong_file_is_refused_with_its_problems_and_shown_in_health(tmp_path: Path) -> None:
    async def story() -> None:
        async with gateway(tmp_path) as it:
            it.file.write_text("providers: {demo: {kind: demos}}\n")

            status, told = await it.ask("POST", "/api/config/reload")
            health = (await it.ask("GET", "/health"))[1]["config"]

            first, second = told["error"]["message"].split("\n")
            assert (status, first) == (422, "the config cannot be used, and nothing changed:")
            assert second.startswith("dragoman.yaml:1: providers.demo.kind: ")
            assert health == {"revision": 1, "loaded_at": 12.0, "error": second, "restart": []}

    go(story())


def test_a_rollback_writes_the_file_and_is_in_use_at_once(tmp_path: Path) -> None:
    async def story() -> None:
        async with gateway(tmp_path) as it:
            it.file.write_text(OPEN + "log: {level: error}\n")
            await it.ask("POST", "/api/config/reload")

            rolled = await it.ask("POST", "/api/config/rollback", {"revision": 1})
            revisions = (await it.ask("GET", "/api/config/revisions"))[1]["revisions"]

            assert (rolled[0], rolled[1]["revision"], it.file.read_text()) == (200, 3, OPEN)
            assert [(one["number"], one["in_use"]) for one in revisions] == [(1, False), (2, False), (3, True)]

    go(story())


def test_a_rollback_over_somebodys_changes_is_refused(tmp_path: Path) -> None:
    async def story() -> None:
        async with gateway(tmp_path) as it:
            it.file.write_text("models: [half")

            status, told = await it.ask("POST", "/api/config/rollback", {"revision": 1})

            assert (status, it.file.read_text()) == (409, "models: [half")
            assert "those changes would be lost" in told["error"]["message"]

    go(story())


def test_health_tells_every_seat_and_forgets_on_demand(tmp_path: Path) -> None:
    async def story() -> None:
        async with gateway(tmp_path) as it:
            seat = Seat(Target("p", "gpt"), "key-1")
            it.shared.board.failed(
                it.shared.board.health(seat), 90.0, GatewayError(Kind.PROVIDER_KEY, "the key was refused", source="upstream")
            )

            before = (await it.ask("GET", "/api/health"))[1]
            nobody = await it.ask("POST", "/api/health/reset", {"name": "nobody"})
            reset = await it.ask("POST", "/api/health/reset", {"name": "p@key-1"})
            after = (await it.ask("GET", "/api/health"))[1]

            shown = {"id": "p/gpt@key-1", "provider": "p", "model": "gpt", "key": "key-1"}
            why = "provider_key: the key was refused"
            unasked = {"id": "demo/x", "provider": "demo", "model": "x", "key": "", "standing": "ready"}
            assert before == {"seats": [unasked, {**shown, "standing": "refused", "why": why, "for_s": 10.0, "until_s": 50.0}]}
            assert (nobody[0], reset[0]) == (404, 200)
            assert after == {"seats": [unasked, {**shown, "standing": "ready"}]}

    go(story())


def test_everything_may_be_forgotten_where_nothing_was_asked(tmp_path: Path) -> None:
    async def story() -> None:
        async with gateway(tmp_path) as it:
            assert await it.ask("POST", "/api/health/reset", {"name": "*"}) == (200, {"reset": 0})

    go(story())


def test_a_dry_run_knows_of_health_and_sends_nothing(tmp_path: Path) -> None:
    async def story() -> None:
        async with gateway(tmp_path, OPEN.replace("{a: demo/x}", "{a: {targets: [p/gpt, demo/x]}}")) as it:
            for key in ("key-1", "key-2"):
                seat = it.shared.board.health(Seat(Target("p", "gpt"), key))
                it.shared.board.failed(seat, 90.0, GatewayError(Kind.PROVIDER_KEY, "the key was refused", source="upstream"))

            status, told = await it.ask("POST", "/api/route", {"model": "a", "headers": {"X-Any": "thing"}})

            places = [(place["seat"], place["standing"], place.get("trouble", "")) for place in told["places"]]
            why = "refused for 50 s: provider_key: the key was refused"
            assert (status, places[0]) == (200, ("demo/x", "ready", ""))
            assert sorted(places[1:]) == [("p/gpt@key-1", "refused", why), ("p/gpt@key-2", "refused", why)]
            assert told["explained"].startswith("a (virtual model, weighted)")

    go(story())


def test_a_dry_run_of_nothing_known_says_what_is_near(tmp_path: Path) -> None:
    async def story() -> None:
        async with gateway(tmp_path, CLOSED.replace("{a: demo/x}", "{coder: demo/x}")) as it:
            ada = {"authorization": f"Bearer {ENV['ADA_KEY']}"}

            model = await it.ask("POST", "/api/route", {"model": "codr"}, **ada)
            dialect = await it.ask("POST", "/api/route", {"model": "coder", "dialect": "generate"}, **ada)

            assert (model[0], "did you mean `coder`?" in model[1]["error"]["message"]) == (404, True)
            assert dialect[1]["error"]["message"] == "`generate` is no dialect that clients speak here; write `responses` or `chat`"

    go(story())


def test_nobody_without_a_key_is_told_or_may_change_anything(tmp_path: Path) -> None:
    async def story() -> None:
        async with gateway(tmp_path, CLOSED) as it:
            places = [
                *(("GET", path) for path in ("/api/config", "/api/config/revisions", "/api/health", "/api/models")),
                *(("POST", path) for path in ("/api/config/reload", "/api/config/rollback", "/api/route", "/api/health/reset")),
            ]

            strangers = [(await it.ask(method, path))[0] for method, path in places]
            wrong = [(await it.ask(method, path, authorization="Bearer nonsense"))[0] for method, path in places]
            ada = [(await it.ask("GET", path, authorization=f"Bearer {ENV['ADA_KEY']}"))[0] for method, path in places if method == "GET"]

            assert (set(strangers), set(wrong), set(ada)) == ({401}, {401}, {200})
            assert (await it.ask("GET", "/health"))[1] == {"status": "ok"}

    go(story())


def test_web_pages_of_others_may_not_use_it(tmp_path: Path) -> None:
    async def story() -> None:
        async with gateway(tmp_path) as it:
            foreign = await it.ask("POST", "/api/config/reload", origin="https://evil.example")
            rebound = await it.ask("POST", "/api/config/reload", host="evil.example")
            plain = await it.ask("POST", "/api/config/rollback", {"revision": 1}, content_type="text/plain")

            assert (foreign[0], rebound[0], plain[0]) == (403, 403, 415)

    go(story())


def test_a_question_that_is_none_is_told_what_it_must_be(tmp_path: Path) -> None:
    async def story() -> None:
        async with gateway(tmp_path) as it:
            answers = [
                await it.ask("POST", "/api/config/rollback", value) for value in ({"revision": "x"}, {}, {"revision": 1, "now": 1}, [])
            ]
            nothing = await it.ask("POST", "/api/config/rollback", {"revision": 9})

            assert {answer[0] for answer in answers} == {400}
            assert answers[1][1]["error"]["message"] == (
                "the body of `POST /api/config/rollback` is not as it must be: Object missing required field `revision`"
            )
            assert (nothing[0], nothing[1]["error"]["message"]) == (404, "there is no revision 9; there are 1 to 1")

    go(story())


def test_what_is_known_of_the_models_is_told(tmp_path: Path) -> None:
    async def story() -> None:
        async with gateway(tmp_path) as it:
            told = (await it.ask("GET", "/api/models?search=x"))[1]

            assert [model["name"] for model in told["virtual"]] == []
            assert "demo" in {model["provider"] for model in told["models"]}

    go(story())
