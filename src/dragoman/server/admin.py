"""The admin side: what a gateway is asked and told about itself. One table from method and path to a question; JSON in, JSON out.

Kept apart from the hot routes: the application does no more for these than to let in who may ask and to hand over the body.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from urllib.parse import parse_qsl

import msgspec

from dragoman.ir.errors import GatewayError, Kind
from dragoman.wire.not_json import NOT_JSON

Answerer = Callable[[str, bytes], Awaitable[bytes]]
"""(query, body) -> the answer's body. Raises GatewayError."""


class Nothing(msgspec.Struct, frozen=True):
    """A question that needs no words."""


class RollBack(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which revision the config shall say again."""

    revision: int


class Reset(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Whose trouble shall be forgotten: a seat, a deployment, a provider key, a provider, or `*`."""

    name: str


class Models(msgspec.Struct, frozen=True):
    """Which models: of a provider, with this text in their names."""

    provider: str | None = None
    search: str | None = None


class DryRun(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A request that is not sent. model: as asked for; None takes the request's. key: the name of a client key. request: the body.
    dialect: of which API it is."""

    model: str | None = None
    key: str | None = None
    headers: dict[str, str] = {}
    request: dict[str, msgspec.Raw] | None = None
    dialect: str = "responses"


async def _nothing(question: Any) -> Any:
    raise GatewayError(Kind.UNSUPPORTED, "this gateway was put together without that", source="client")


async def _no_metrics() -> bytes:
    return await _nothing(None)


Ask = Callable[[Any], Awaitable[Any]]


class Admin(msgspec.Struct, frozen=True):
    """What the composition answers: a function for each of the questions above. They return what JSON can hold, raise GatewayError.
    `state`: which config is in use, for `/health`. `metrics`: the page that Prometheus reads."""

    state: Callable[[], Mapping[str, Any] | None] = lambda: None
    config: Ask = _nothing
    revisions: Ask = _nothing
    reload: Ask = _nothing
    rollback: Ask = _nothing
    route: Ask = _nothing
    health: Ask = _nothing
    reset: Ask = _nothing
    models: Ask = _nothing
    metrics: Callable[[], Awaitable[bytes]] = _no_metrics


NO_ADMIN = Admin()
"""Answers that there is none."""

_ROUTES: tuple[tuple[str, str, str, type[msgspec.Struct]], ...] = (
    ("GET", "/api/config", "config", Nothing),
    ("GET", "/api/config/revisions", "revisions", Nothing),
    ("POST", "/api/config/reload", "reload", Nothing),
    ("POST", "/api/config/rollback", "rollback", RollBack),
    ("POST", "/api/route", "route", DryRun),
    ("GET", "/api/health", "health", Nothing),
    ("POST", "/api/health/reset", "reset", Reset),
    ("GET", "/api/models", "models", Models),
)
OWNERS = frozenset({"/api/config", "/api/config/revisions", "/api/config/reload", "/api/config/rollback", "/api/health/reset"})
"""What tells of the config or changes something. Where there are no client keys, whoever sits at the gateway's machine may ask, and nobody
else."""
_READ: dict[str, Callable[[str, bytes, type[msgspec.Struct]], msgspec.Struct]] = {
    "GET": lambda query, body, kind: msgspec.convert(dict(parse_qsl(query)), kind),
    "POST": lambda query, body, kind: msgspec.json.decode(body or b"{}", type=kind),
}


def answerers(admin: Admin) -> Mapping[tuple[str, str], Answerer]:
    """The admin routes: (method, path) -> what answers them."""
    return {(method, path): _answer(getattr(admin, name), method, path, kind) for method, path, name, kind in _ROUTES}


def _answer(ask: Ask, method: str, path: str, kind: type[msgspec.Struct]) -> Answerer:
    read = _READ[method]

    async def answer(query: str, body: bytes) -> bytes:
        try:
            question = read(query, body, kind)
        except NOT_JSON as error:
            # Its sentences quote names of fields and types, never values.
            where = "the query" if method == "GET" else "the body"
            message = f"{where} of `{method} {path}` is not as it must be: {error}"
            raise GatewayError(Kind.INVALID_REQUEST, message, source="client") from error
        return msgspec.json.encode(await ask(question))

    return answer
