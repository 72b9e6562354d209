"""The simulator as a whole: routes, keys, rules of the dialects, scripts, records; and `serve`, which puts it on a port."""

from __future__ import annotations

import hmac
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from typing import Any

import msgspec

from dragoman.simulator import etiquette
from dragoman.simulator.errors import ERRORS, openai_error, render, unknown_model
from dragoman.simulator.listener import Asked, Heard, Listener
from dragoman.simulator.performance import Dice, Performance, whole
from dragoman.simulator.playback import Player
from dragoman.simulator.records import Records
from dragoman.simulator.script import Script, default_script
from dragoman.simulator.shapes import as_dict
from dragoman.simulator.stage import error_of, perform_error, perform_reply, provider_headers
from dragoman.simulator.view import READERS, View

_JSON = ("content-type", "application/json")


class Simulator:
    """One simulated provider. Without a `script` it follows the default one, which answers at the pace of a quick reader. `key`: the
    API key that requests must carry; None takes any, or none. `dialects`: those it speaks."""

    def __init__(
        self,
        script: Script | None = None,
        *,
        key: str | None = None,
        seed: int | None = None,
        dialects: tuple[str, ...] = ("responses", "chat"),
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.script = script if script is not None else default_script()
        self.records = Records()
        self.dialects = dialects
        self.is_locked = key is not None
        self._dice = Dice(seed)
        self._player = Player(self.script, self._dice)
        self._key = key
        self._clock = clock
        self._routes = {f"/{_PATHS[name]}": name for name in dialects}

    async def answer(self, asked: Asked) -> Performance:
        """What one request is answered with."""
        own = _OWN.get(asked.path)
        if own is not None:
            return own(self)
        self.records.begin(asked)
        if not self._is_allowed(asked):
            return self._refuse_key(asked)
        if asked.method == "GET" and asked.path.endswith("/models"):
            return whole(200, [_JSON, *provider_headers(self._dice)], self._models())
        if asked.headers.get("upgrade", "").lower() == "websocket":
            return whole(426, [("connection", "Upgrade"), ("upgrade", "HTTP/1.1")], b"")
        dialect = next((name for path, name in self._routes.items() if asked.path.endswith(path)), None)
        if dialect is None or asked.method != "POST":
            return self._refuse(404, openai_error(f"Invalid URL ({asked.method} {asked.path})"))
        return self._answer_call(asked, dialect)

    def report(self, asked: Asked, heard: Heard) -> None:
        """Take note of how a performance went."""
        if asked.path not in _OWN:
            self.records.end(asked, heard)

    def _answer_call(self, asked: Asked, dialect: str) -> Performance:
        try:
            body = msgspec.json.decode(asked.body)
        except msgspec.DecodeError:
            body = None
        if not isinstance(body, dict):
            return self._refuse(400, openai_error("We could not parse the JSON body of your request."))
        view = READERS[dialect](as_dict(body), asked.headers, len(asked.body))
        violations = etiquette.check(view, self.script.etiquette)
        self.records.understood(asked, view, violations)
        if violations and self.script.etiquette.enforce:
            return self._refuse(400, violations[0].body())
        if self.script.only_listed and view.model not in self.script.models:
            return perform_error(unknown_model(dialect), {"model": view.model}, self._dice)
        return self._play(asked, view)

    def _play(self, asked: Asked, view: View) -> Performance:
        rule = self._player.pick(view)
        self.records.played(asked, rule.name)
        fault = rule.fault
        form = error_of(fault, view.dialect) if fault is not None else None
        if form is not None:
            return perform_error(form, {"model": view.model, "key": "sk-…"}, self._dice, fault)
        return perform_reply(view, self._player.reply(rule, view), fault, self._dice, int(self._clock()))

    def _is_allowed(self, asked: Asked) -> bool:
        return self._key is None or hmac.compare_digest(_given_key(asked).encode(), self._key.encode())

    def _refuse_key(self, asked: Asked) -> Performance:
        given = _given_key(asked)
        form = ERRORS["invalid_key" if given else "no_key"]
        return perform_error(form, {"key": _masked(given)}, self._dice)

    def _refuse(self, status: int, body: dict[str, Any]) -> Performance:
        return whole(status, [_JSON, *provider_headers(self._dice)], msgspec.json.encode(body))

    def _models(self) -> bytes:
        listed = [{"id": name, "object": "model", "created": 1755786807, "owned_by": "dragoman"} for name in self.script.models]
        return msgspec.json.encode({"object": "list", "data": listed})

    def show_stats(self) -> Performance:
        """`GET /_simulator/stats`."""
        return whole(200, [_JSON], msgspec.json.encode(self.records.stats()))

    def show_requests(self) -> Performance:
        """`GET /_simulator/requests`: the last requests in full, keys included."""
        return whole(200, [_JSON], msgspec.json.encode(self.records.requests()))

    def list_errors(self) -> Performance:
        """`GET /_simulator/errors`: every named error."""
        shown = {name: {"status": form.status, "body": render(form, {})[2].decode()} for name, form in ERRORS.items()}
        return whole(200, [_JSON], msgspec.json.encode(shown))


@asynccontextmanager
async def serve(
    script: Script | None = None, port: int = 0, host: str = "127.0.0.1", *, simulator: Simulator | None = None
) -> AsyncGenerator[str]:
    """Serve a simulator for the time of the block; gives its address, as `http://127.0.0.1:41234` (base URL of a provider: with
    `/v1`). Pass a `simulator` of your own to look into its `records`. Raises OSError where the port is taken."""
    simulated = simulator or Simulator(script)
    listener = Listener(simulated.answer, simulated.report)
    chosen = await listener.open(host, port)
    try:
        yield f"http://{f'[{host}]' if ':' in host else host}:{chosen}"
    finally:
        await listener.close()


def _given_key(asked: Asked) -> str:
    bearer = asked.headers.get("authorization", "")
    return bearer[7:] if bearer.lower().startswith("bearer ") else asked.headers.get("api-key", "")


def _masked(key: str) -> str:
    return f"{key[:8]}****{key[-4:]}" if len(key) > 16 else "****"


_PATHS = {"responses": "responses", "chat": "chat/completions"}
_OWN: dict[str, Callable[[Simulator], Performance]] = {
    "/_simulator/stats": Simulator.show_stats,
    "/_simulator/requests": Simulator.show_requests,
    "/_simulator/errors": Simulator.list_errors,
}
