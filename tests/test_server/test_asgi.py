"""An ASGI application behind our own connections is asked and answers as behind any server."""

from __future__ import annotations

from typing import Any

from house import ABOUT, BODY, House, echo, go, make_app, post

from dragoman.server.answer import Answer
from dragoman.server.app import App
from dragoman.server.asgi import carry
from dragoman.server.serve import running
from dragoman.server.settings import ServerSettings


def test_an_asgi_application_sees_the_request_and_answers_it() -> None:
    seen: dict[str, Any] = {}

    async def app(scope: Any, receive: Any, send: Any) -> None:
        message = await receive()
        seen.update({name: scope[name] for name in ("type", "http_version", "method", "path", "raw_path", "query_string")})
        seen.update(body=message["body"], host=dict(scope["headers"])[b"host"])
        await send({"type": "http.response.start", "status": 201, "headers": [(b"X-Seen", b"yes")]})
        await send({"type": "http.response.body", "body": b"one ", "more_body": True})
        await send({"type": "http.response.body", "body": b"two"})

    class Mounted(App[str]):
        async def take(self, asked: Answer) -> None:
            await carry(app, asked)

    async def story() -> None:
        settings = ServerSettings(port=0, shutdown_grace_s=0.0)
        async with running(Mounted(lambda: "runtime", echo, lambda _: ABOUT, settings)) as address:
            it = House(make_app(), address)
            answer = await it.ask(post("/v1/responses?a=%20b"))

            assert (answer.status, answer.headers["x-seen"], answer.body) == (201, "yes", b"one two")

    go(story())
    assert seen == {
        "type": "http",
        "http_version": "1.1",
        "method": "POST",
        "path": "/v1/responses",
        "raw_path": b"/v1/responses",
        "query_string": b"a=%20b",
        "body": BODY,
        "host": b"localhost",
    }
