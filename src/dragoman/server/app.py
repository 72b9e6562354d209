"""The application: a table from method and path to a handler, built once. What a model route does is `core`'s affair."""

from __future__ import annotations

import asyncio
import difflib
import logging
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Generic, TypeVar

import msgspec

from dragoman.agents.registry import recognise
from dragoman.core.answer import word_for
from dragoman.core.exchange import Inbound
from dragoman.dialects.registry import dialect
from dragoman.ir.errors import GatewayError, Kind
from dragoman.observe.exposition import CONTENT_TYPE
from dragoman.server import plain
from dragoman.server.about import About
from dragoman.server.admin import NO_ADMIN, OWNERS, Admin, Answerer, answerers
from dragoman.server.answer import Answer, ClientGone
from dragoman.server.door import check_here
from dragoman.server.guard import Guard, check_json
from dragoman.server.inbound import read_body
from dragoman.server.refusal import unsized
from dragoman.server.settings import ServerSettings
from dragoman.server.shelf import Shelf
from dragoman.wire.frame import Headers

logger = logging.getLogger(__name__)

R = TypeVar("R")
MOUNTS = ("/openai/v1", "/openai", "/v1")
MODEL_ROUTES = {"/responses": "responses", "/chat/completions": "chat"}
_JSON: Headers = (("content-type", "application/json"),)
_METRICS: Headers = (("content-type", CONTENT_TYPE),)
_TEXT: Headers = (("content-type", "text/plain; charset=utf-8"),)
RUN_HEADER = "x-dragoman-run"
_RUNS = "/api/runs/"
_OWN_MODELS = "/models"
_RESOLVE = "/api/resolve/"
_ERROR_DIALECT = "responses"


Handler = Callable[[Answer], Awaitable[None]]


def _stop_nothing() -> None:
    pass


class Further(msgspec.Struct, frozen=True):
    """Paths that are answered beside the application's own: as they are, and all that begin so (read only). They take the request as it
    is: who may ask is their affair. `stop` is called when the server is told to stop, and ends answers that would not end by themselves."""

    exact: Mapping[tuple[str, str], Handler] = {}
    below: tuple[tuple[str, Handler], ...] = ()
    stop: Callable[[], None] = _stop_nothing


NOTHING_FURTHER = Further()

Refused = Callable[[GatewayError, Answer, int, str], None]
"""Told of a request that was refused before any exchange began: why, the request, the status it got, the dialect of its path (empty: of
none)."""
_WATCHED = frozenset({Kind.AUTHENTICATION, Kind.PERMISSION})


def tell_nobody(error: GatewayError, asked: Answer, status: int, dialect: str) -> None:
    """Nobody wants to know."""


class App(Generic[R]):
    """`current` gives the runtime of the moment, `about` what it says of itself, `handle` carries one exchange of it. `refusals`: how many
    requests were refused before an exchange began, by kind of error."""

    def __init__(
        self,
        current: Callable[[], R],
        handle: Callable[[R, Inbound, Answer], Awaitable[None]],
        about: Callable[[R], About],
        settings: ServerSettings,
        *,
        clock: Callable[[], float] = time.time,
        admin: Admin = NO_ADMIN,
        further: Further = NOTHING_FURTHER,
        refused: Refused = tell_nobody,
    ) -> None:
        self.settings = settings
        self.exchanges: set[Answer] = set()
        self.refusals: dict[str, int] = {}
        self._current = current
        self._handle = handle
        self._about = about
        self._clock = clock
        self._guard = Guard(settings.host, settings.allowed_hosts, settings.allowed_origins)
        self._max_running = settings.max_running
        self._body_bytes = settings.limits.body_bytes
        self._shelf = Shelf()
        self._state = admin.state
        self._metrics = admin.metrics
        self._table: dict[tuple[str, str], Handler] = self._build_table(admin, further)
        self._prefixes: tuple[tuple[str, Handler], ...] = (
            *((f"{mount}/models/", self._on_model) for mount in MOUNTS),
            (_RESOLVE, self._on_resolve),
            (_RUNS, self._on_run),
            *further.below,
        )
        self.stop = further.stop
        self._refused = refused
        self._dialects = {f"{mount}{path}": name for mount in MOUNTS for path, name in MODEL_ROUTES.items()}

    def use(self, settings: ServerSettings) -> None:
        """Take up what may change while it runs: whom it trusts, how much it takes; not where it listens and what a connection may."""
        limits = msgspec.structs.replace(self.settings.limits, body_bytes=settings.limits.body_bytes)
        self.settings = msgspec.structs.replace(settings, host=self.settings.host, port=self.settings.port, limits=limits)
        self._guard = Guard(self.settings.host, settings.allowed_hosts, settings.allowed_origins)
        self._max_running = settings.max_running
        self._body_bytes = limits.body_bytes

    @property
    def running(self) -> int:
        """Exchanges under way."""
        return len(self.exchanges)

    @property
    def streams(self) -> int:
        """Those whose answer has begun and is not over."""
        return sum(asked.started and not asked.complete for asked in self.exchanges)

    @property
    def about(self) -> About:
        """What the runtime of the moment says of itself."""
        return self._about(self._current())

    async def take(self, asked: Answer) -> None:
        """Answer one request. The outermost edge: whatever goes wrong becomes an answer here."""
        try:
            headers = asked.headers
            if headers.get("host") not in self._guard.known or "origin" in headers or "sec-fetch-site" in headers:
                self._guard.check(asked.method, headers)
                asked.extra = self._cors(asked)
            handler = self._table.get((asked.method, asked.target.path)) or self._find(asked)
            await handler(asked)
        except GatewayError as error:
            await self._refuse(asked, error)
        except ClientGone:
            return
        except Exception:
            # As it was sent: unquoted it may hold what a terminal obeys.
            path = asked.target.raw.partition(b"?")[0].decode("latin-1")
            logger.exception("`%s %s` failed inside the gateway", asked.method, path)
            await self._refuse(asked, GatewayError(Kind.INTERNAL, "the gateway failed on this request; its log says why"))

    def word(self, error: GatewayError, headers: Mapping[str, str]) -> tuple[int, Headers, bytes]:
        """An error as the answer to a request of which no more than these headers is known."""
        self._count(error)
        return word_for(error, _ERROR_DIALECT, headers)

    async def _refuse(self, asked: Answer, error: GatewayError) -> None:
        if asked.started:
            return
        name = self._dialects.get(_tidy(asked.target.path), "")
        status, headers, body = word_for(error, name or _ERROR_DIALECT, asked.headers)
        if name or error.kind in _WATCHED:
            self._count(error)
            self._refused(error, asked, status, name)
        await asked.whole(status, unsized(headers), body)

    def _count(self, error: GatewayError) -> None:
        name = error.kind.value
        self.refusals[name] = self.refusals.get(name, 0) + 1

    # Finding the handler

    def _build_table(self, admin: Admin, further: Further) -> dict[tuple[str, str], Handler]:
        table: dict[tuple[str, str], Handler] = {("GET", "/"): self._on_front, ("GET", "/health"): self._on_health}
        table["GET", "/metrics"] = self._on_metrics
        for mount in MOUNTS:
            table["GET", f"{mount}/models"] = self._on_models
            for path, name in MODEL_ROUTES.items():
                table["POST", f"{mount}{path}"] = self._exchange_handler(mount, path, name)
        table |= {(method, path): self._admin_handler(method, path, answerer) for (method, path), answerer in answerers(admin).items()}
        table |= further.exact
        table |= {("HEAD", path): handler for (method, path), handler in table.items() if method == "GET"}
        return table

    def _find(self, asked: Answer) -> Handler:
        """For what is not in the table as it stands. Raises GatewayError for what is nowhere."""
        path = _tidy(asked.target.path)
        found = self._table.get((asked.method, path))
        if found is not None:
            return found
        if path.startswith(_RUNS) and path.endswith(_OWN_MODELS):
            return self._on_own_models if asked.method == "POST" else self._not_allowed(["POST"])
        methods = [method for method in ("GET", "HEAD", "POST") if (method, path) in self._table]
        for prefix, handler in self._prefixes:
            if asked.target.path.startswith(prefix) and len(asked.target.path) > len(prefix):
                if asked.method in ("GET", "HEAD"):
                    return handler
                methods = ["GET", "HEAD"]
        if not methods:
            raise self._unknown(asked.method, path)
        if asked.method == "OPTIONS":
            return self._options(methods)
        if asked.headers.get("upgrade", "").lower() == "websocket":
            return self._on_upgrade
        return self._not_allowed(methods)

    def _unknown(self, method: str, path: str) -> GatewayError:
        known = sorted({known for _, known in self._table})
        near = difflib.get_close_matches(path[:200], known, n=1, cutoff=0.5)
        hint = f"did you mean `{near[0]}`?" if near else "`GET /` says what there is"
        return GatewayError(Kind.NOT_FOUND, f"there is no `{method} {path[:200]}` here; {hint}", source="client")

    # Handlers

    def _exchange_handler(self, mount: str, path: str, name: str) -> Handler:
        async def on_exchange(asked: Answer) -> None:
            headers = asked.headers
            if headers.get("content-type") != "application/json":
                check_json(headers)
            exchanges = self.exchanges
            if len(exchanges) >= self._max_running:
                raise _too_many(len(exchanges))
            if asked.more_body or asked.size > self._body_bytes or "content-encoding" in headers:
                body = await self._read(asked)
                # Others may have begun while this body came.
                if len(exchanges) >= self._max_running:
                    raise _too_many(len(exchanges))
            else:
                body = asked.taken()
            inbound = Inbound(
                dialect=name,
                mount=mount,
                path=path,
                query=asked.target.query,
                headers=headers,
                body=body,
                address=asked.address,
                received_at=self._clock(),
            )
            exchanges.add(asked)
            try:
                await self._handle(self._current(), inbound, asked)
            finally:
                exchanges.discard(asked)

        return on_exchange

    async def _read(self, asked: Answer) -> bytes:
        """The whole body. Of a stranger's nothing: what is not here yet, or would have to be unpacked, is not worth it, and the exchange
        refuses whoever it does not know, however the request came."""
        try:
            self.about.identify(asked.headers)
        except GatewayError:
            return b""
        return await read_body(asked.read, asked.headers, self._body_bytes)

    def _admin_handler(self, method: str, path: str, answerer: Answerer) -> Handler:
        async def on_admin(asked: Answer) -> None:
            about = self.about
            about.identify(asked.headers)
            if path in OWNERS and not about.closed:
                check_here(asked.address, asked.headers, "its config and what it remembers are changed and shown")
            body = b""
            if method == "POST" and (body := await read_body(asked.read, asked.headers, self._body_bytes)):
                check_json(asked.headers)
            await asked.whole(200, _JSON, await answerer(asked.target.query, body))

        return on_admin

    async def _on_front(self, asked: Answer) -> None:
        await asked.whole(200, _TEXT, plain.front(self.about, asked.headers["host"]))

    async def _on_health(self, asked: Answer) -> None:
        about = self.about
        is_known = _is_known(about, asked.headers)
        body = plain.health(about, is_known=is_known, running=self.running, now=self._clock(), config=self._state())
        await asked.whole(200, _JSON, body)

    async def _on_metrics(self, asked: Answer) -> None:
        self.about.identify(asked.headers)
        await asked.whole(200, _METRICS, await self._metrics())

    async def _on_models(self, asked: Answer) -> None:
        about = self.about
        who = about.identify(asked.headers)
        own = self._shelf.get(asked.headers.get(RUN_HEADER, ""), who)
        body = recognise(asked.headers).write_models(asked.target.query, about.offers, own)
        await asked.whole(200, _JSON, plain.models(about) if body is None else body)

    async def _on_own_models(self, asked: Answer) -> None:
        """The launcher of a run tells what models its client program knows by itself; only that run is answered by it."""
        who = self.about.identify(asked.headers)
        check_json(asked.headers)
        body = await read_body(asked.read, asked.headers, self._shelf.body_bytes)
        self._shelf.put(asked.target.path.removeprefix(_RUNS).removesuffix(_OWN_MODELS), who, body)
        await asked.whole(204, (), b"")

    async def _on_model(self, asked: Answer) -> None:
        about = self.about
        about.identify(asked.headers)
        await asked.whole(200, _JSON, plain.model(about, asked.target.path.partition("/models/")[2]))

    async def _on_run(self, asked: Answer) -> None:
        about = self.about
        about.identify(asked.headers)
        name = asked.target.path.removeprefix("/api/runs/")
        sums = about.run(name)
        if sums is None:
            raise GatewayError(Kind.NOT_FOUND, f"no run `{name[:100]}` is remembered", source="client")
        # In a thread: loading the price lists takes half a second once.
        priced = await asyncio.to_thread(about.priced, sums)
        await asked.whole(200, _JSON, msgspec.json.encode(priced))

    async def _on_resolve(self, asked: Answer) -> None:
        """Where a model name leads, without asking anybody: what a launcher wants to know before it spends anything."""
        about = self.about
        about.identify(asked.headers)
        await asked.whole(200, _JSON, msgspec.json.encode(about.resolve(asked.target.path.removeprefix(_RESOLVE))))

    async def _on_upgrade(self, asked: Answer) -> None:
        """Codex asks for a WebSocket first and goes on with POST, without a word, on exactly this status."""
        error = GatewayError(
            Kind.UNSUPPORTED, "the gateway does not speak WebSocket; send a POST to the same path", source="client", status=426
        )
        status, headers, body = dialect(_ERROR_DIALECT).write_error(error)
        asked.keep_alive = False
        await asked.whole(status, (*unsized(headers), ("upgrade", "HTTP/1.1"), ("connection", "upgrade")), body)

    def _options(self, methods: list[str]) -> Handler:
        async def on_options(asked: Answer) -> None:
            await asked.whole(204, (("allow", ", ".join([*methods, "OPTIONS"])),), b"")

        return on_options

    def _not_allowed(self, methods: list[str]) -> Handler:
        async def on_wrong_method(asked: Answer) -> None:
            allowed = ", ".join(methods)
            message = f"`{asked.target.path[:200]}` takes {allowed}, not {asked.method}"
            error = GatewayError(Kind.NOT_FOUND, message, source="client", status=405)
            status, headers, body = word_for(error, _ERROR_DIALECT, asked.headers)
            await asked.whole(status, (*unsized(headers), ("allow", allowed)), body)

        return on_wrong_method

    def _cors(self, asked: Answer) -> Headers:
        origin = self._guard.may_read(asked.headers)
        if origin is None:
            return ()
        headers = [("access-control-allow-origin", origin), ("vary", "origin")]
        if asked.method == "OPTIONS":
            wanted = asked.headers.get("access-control-request-headers", "authorization, content-type")
            headers += [
                ("access-control-allow-methods", "GET, POST"),
                ("access-control-allow-headers", wanted),
                ("access-control-max-age", "600"),
            ]
            if "access-control-request-private-network" in asked.headers:
                headers.append(("access-control-allow-private-network", "true"))
        return tuple(headers)


def _too_many(running: int) -> GatewayError:
    message = f"the gateway carries {running} exchanges already, its limit (`server.max_running`); try again in a moment"
    return GatewayError(Kind.OVERLOADED, message, retry_after_s=1)


def _is_known(about: About, headers: Mapping[str, str]) -> bool:
    try:
        about.identify(headers)
    except GatewayError:
        return False
    return True


def _tidy(path: str) -> str:
    """A base URL with a slash at its end, and one at the path's, make `//`; both are harmless."""
    while "//" in path:
        path = path.replace("//", "/")
    return path.rstrip("/") or "/"
