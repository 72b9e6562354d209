"""The simulator as a whole: routes, keys, rules of the dialects, scripts, records; and `serve`, which puts it on a port."""

from __future__ import annotations

import hmac
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from typing import Any

import msgspec

from dragoman.simulator import etiquette
from dragoman.simulator.cache import PromptCache
from dragoman.simulator.errors import ERRORS, ErrorForm, anthropic_error, google_error, named, openai_error, refusal, render, unknown_model
from dragoman.simulator.limits import Limits, limit_headers, refusal_headers
from dragoman.simulator.listener import Asked, Heard, Listener
from dragoman.simulator.mishaps import Chance
from dragoman.simulator.performance import Dice, Performance, whole
from dragoman.simulator.playback import Player
from dragoman.simulator.proofs import Proofs
from dragoman.simulator.records import Records
from dragoman.simulator.routes import DIALECTS, Route, find_route, given_key, guess_dialect
from dragoman.simulator.script import Script, default_script
from dragoman.simulator.shapes import as_dict
from dragoman.simulator.stage import error_of, perform_error, perform_reply, provider_headers
from dragoman.simulator.stamp import Stamp
from dragoman.simulator.view import Incoming, View
from dragoman.simulator.views import READERS
from dragoman.wire.not_json import NOT_JSON

_JSON = ("content-type", "application/json")


class Simulator:
    """One simulated provider. Without a `script` it follows the default one, which answers at the pace of a quick reader. `key`: the
    API key that requests must carry; None takes any, or none. `dialects`: those it speaks. `account`: whose proofs of thoughts it makes
    and takes; another account's are foreign to it."""

    def __init__(
        self,
        script: Script | None = None,
        *,
        key: str | None = None,
        seed: int | None = None,
        dialects: tuple[str, ...] = DIALECTS,
        account: str = "org-demo",
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.script = script if script is not None else default_script()
        self.records = Records()
        self.dialects = dialects
        self.is_locked = key is not None or bool(self.script.accounts)
        self._dice = Dice(seed)
        self._player = Player(self.script, self._dice)
        self._proofs = Proofs(account, known=self._player.proofs)
        self._accounts = {key: Proofs(owner, known=self._player.proofs) for key, owner in self.script.accounts.items()}
        self._chance = Chance(self.script.mishaps)
        self._limits = Limits(self.script.limits, clock)
        self._cache = PromptCache()
        self._key = key
        self._clock = clock

    async def answer(self, asked: Asked) -> Performance:
        """What one request is answered with."""
        own = _OWN.get(asked.path)
        if own is not None:
            return own(self)
        self.records.begin(asked)
        performance = self._answer(asked)
        self.records.performs(asked, performance)
        return performance

    def _answer(self, asked: Asked) -> Performance:
        if not self._is_allowed(asked):
            return self._refuse_key(asked)
        if asked.method == "GET" and asked.path.endswith("/models"):
            dialect = guess_dialect(asked)
            return whole(200, [_JSON, *provider_headers(self._dice, dialect)], _MODELS.get(dialect, _openai_models)(self.script.models))
        if asked.headers.get("upgrade", "").lower() == "websocket":
            return whole(426, [("connection", "Upgrade"), ("upgrade", "HTTP/1.1")], b"")
        route = find_route(asked, self.dialects)
        if route is None or asked.method != "POST":
            return self._refuse_path(asked)
        left = self._limits.take(given_key(asked))
        if left is not None and left.remaining < 0:
            return _with_headers(self._refuse_haste(route), [*limit_headers(left, route.dialect), *refusal_headers(left)])
        performance = self._answer_call(asked, route)
        return performance if left is None else _with_headers(performance, limit_headers(left, route.dialect))

    def _refuse_haste(self, route: Route) -> Performance:
        return perform_error(named("rate_limit", route.dialect), {"model": route.model or "this model"}, self._dice, route.dialect)

    def report(self, asked: Asked, heard: Heard) -> None:
        """Take note of how a performance went."""
        if asked.path not in _OWN:
            self.records.end(asked, heard)

    def _answer_call(self, asked: Asked, route: Route) -> Performance:
        dialect = route.dialect
        try:
            body = msgspec.json.decode(asked.body)
        except NOT_JSON:
            body = None
        if not isinstance(body, dict):
            return perform_error(refusal(dialect, _NO_JSON[dialect]), {}, self._dice, dialect)
        incoming = Incoming(as_dict(body), asked.headers, len(asked.body), route.model, route.stream, route.array, given_key(asked))
        view = READERS[dialect](incoming)
        ruling = etiquette.check(view, self.script.etiquette, self._proofs_of(view))
        violations = ruling.violations
        self.records.understood(asked, view, violations)
        if violations and self.script.etiquette.enforce:
            first = violations[0]
            return perform_error(refusal(dialect, first.message, first.param, first.code), {}, self._dice, dialect)
        if self.script.only_listed and view.model not in self.script.models:
            return perform_error(unknown_model(dialect), {"model": view.model}, self._dice, dialect)
        return self._play(asked, view, ruling.dropped)

    def _play(self, asked: Asked, view: View, dropped: tuple[dict[str, Any], ...]) -> Performance:
        rule = self._player.pick(view)
        prefix = self._cache.pass_through(view)
        self.records.played(asked, rule.name, prefix, dropped)
        fault = rule.fault or self._chance.draw(view)
        form = error_of(fault, view.dialect) if fault is not None else None
        if form is not None:
            return perform_error(form, {"model": view.model, "key": "sk-…"}, self._dice, view.dialect, fault)
        stamp = Stamp(self._proofs_of(view), view.model, int(self._clock()), prefix.whole, dropped)
        return perform_reply(view, self._player.reply(rule, view), fault, self._dice, stamp, prefix)

    def _proofs_of(self, view: View) -> Proofs:
        return self._accounts.get(view.key, self._proofs)

    def _is_allowed(self, asked: Asked) -> bool:
        given = given_key(asked)
        if self._accounts and given not in self._accounts:
            return False
        return self._key is None or hmac.compare_digest(given.encode(), self._key.encode())

    def _refuse_key(self, asked: Asked) -> Performance:
        given = given_key(asked)
        route = find_route(asked, self.dialects)
        dialect = route.dialect if route is not None else guess_dialect(asked)
        form = named("invalid_key" if given else "no_key", dialect)
        return perform_error(form, {"key": _masked(given)}, self._dice, dialect)

    def _refuse_path(self, asked: Asked) -> Performance:
        dialect = guess_dialect(asked)
        body = _NO_PATH.get(dialect, _no_openai_path)(asked)
        return perform_error(ErrorForm(404, body), {}, self._dice, dialect)

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


def _with_headers(performance: Performance, headers: list[tuple[str, str]]) -> Performance:
    changed = {name for name, _ in headers}
    kept = [(name, value) for name, value in performance.headers if name not in changed]
    return msgspec.structs.replace(performance, headers=(*kept, *headers))


def _masked(key: str) -> str:
    return f"{key[:8]}****{key[-4:]}" if len(key) > 16 else "****"


def _openai_models(names: tuple[str, ...]) -> bytes:
    listed = [{"id": name, "object": "model", "created": 1755786807, "owned_by": "dragoman"} for name in names]
    return msgspec.json.encode({"object": "list", "data": listed})


def _anthropic_models(names: tuple[str, ...]) -> bytes:
    listed = [{"type": "model", "id": name, "display_name": name, "created_at": "2026-08-05T00:00:00Z"} for name in names]
    return msgspec.json.encode({"data": listed, "has_more": False, "first_id": names[0] if names else None, "last_id": None})


def _google_models(names: tuple[str, ...]) -> bytes:
    methods = ["generateContent", "countTokens"]
    listed = [{"name": f"models/{name}", "displayName": name, "supportedGenerationMethods": methods} for name in names]
    return msgspec.json.encode({"models": listed})


def _no_openai_path(asked: Asked) -> dict[str, Any]:
    return openai_error(f"Invalid URL ({asked.method} {asked.path})")


def _no_anthropic_path(_asked: Asked) -> dict[str, Any]:
    return anthropic_error("not_found_error", "Not Found")


def _no_google_path(_asked: Asked) -> dict[str, Any]:
    return google_error(404, "NOT_FOUND", "Requested entity was not found.")


_NO_JSON = {
    "responses": "We could not parse the JSON body of your request.",
    "chat": "We could not parse the JSON body of your request.",
    "messages": "The request body is not valid JSON: expected an object",
    "generate": "Invalid JSON payload received. Expected an object.",
}
_MODELS: dict[str, Callable[[tuple[str, ...]], bytes]] = {"messages": _anthropic_models, "generate": _google_models}
_NO_PATH: dict[str, Callable[[Asked], dict[str, Any]]] = {"messages": _no_anthropic_path, "generate": _no_google_path}
_OWN: dict[str, Callable[[Simulator], Performance]] = {
    "/_simulator/stats": Simulator.show_stats,
    "/_simulator/requests": Simulator.show_requests,
    "/_simulator/errors": Simulator.list_errors,
}
