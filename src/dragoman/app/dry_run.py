"""A request that is not sent: where it would go, and why. Against a running gateway's health, or from the config alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

import msgspec

from dragoman.agents.registry import recognise
from dragoman.app.deploy import Deployer
from dragoman.config.problems import any_of, did_you_mean
from dragoman.config.schema import Config
from dragoman.core.ask import RequestAsk, ask_facts
from dragoman.core.decide import FALLBACKS, wanted
from dragoman.core.runtime import Deploy
from dragoman.dialects.contract import Call, Dialect
from dragoman.dialects.registry import dialect, names
from dragoman.ir.errors import GatewayError, Kind
from dragoman.policy.book import PriceBook
from dragoman.policy.identity import ANYONE, Principal
from dragoman.profiles.registry import profile
from dragoman.routing.affinity import Sitting, spot
from dragoman.routing.ask import Ask
from dragoman.routing.board import Board
from dragoman.routing.decision import Place, explain, told
from dragoman.routing.health import show
from dragoman.routing.resolve import Resolver, Target
from dragoman.routing.route import Router
from dragoman.routing.seat import Seat
from dragoman.server.admin import DryRun
from dragoman.server.app import MODEL_ROUTES

_PATHS = {name: path for path, name in MODEL_ROUTES.items()}
_DIGITS = 9
"""Of a price in dollars; it is an estimate anyway."""
_NOWHERE = "http://127.0.0.1/v1"
"""Stands for the address of a provider that runs inside a gateway, where no gateway runs."""


class Setting(msgspec.Struct, frozen=True):
    """What decides. deploy: the candidate of a target, as a runtime has it."""

    config: Config
    resolver: Resolver
    router: Router
    board: Board
    deploy: Deploy


class Moment(msgspec.Struct, frozen=True):
    """now: seconds that only grow, of the board's clock. wall: Unix seconds. draw: a number in [0, 1)."""

    now: float
    wall: float
    draw: float


def from_config(config: Config) -> Setting:
    """What a checked config alone decides by: nothing was asked yet, so everything is well."""
    book = PriceBook.compile(config)
    book.load()
    built_in = {name: _NOWHERE for name, provider in config.providers.items() if profile(provider.kind).builtin}
    deployer = Deployer(config, {name: dialect(name) for name in names()}, built_in)
    return Setting(config, Resolver.compile(config), Router(price=book.per_token), Board(config.routing.breaker), deployer.deploy)


def dry_run(setting: Setting, question: DryRun, moment: Moment) -> Mapping[str, Any]:
    """Where this request would go, and why. Prices are known once `book.load` was called.

    Raises GatewayError where the request would be refused, or names a key or dialect that there is not.
    """
    ask = _ask(setting.config, question, moment.wall)
    extra = wanted(setting.resolver, ask.headers.get(FALLBACKS, ""))
    model = setting.resolver.resolve(ask.model)
    # The type checker does not see that a cached property reads like any other.
    facts = cast(Ask, ask)
    decision = setting.router.route(model, facts, setting.board, moment.now, moment.draw, extra=extra)
    sitting = None
    if decision.seat_key is not None:
        sitting = setting.router.sessions.find(decision.seat_key, moment.now, model.affinity.lifetime_s)
    places = [_place(setting, place, ask, moment, sitting) | _asked_in(setting, place.seat, question.dialect) for place in decision.places]
    return {**told(decision), "asked": ask_facts(ask), "places": places, "explained": explain(decision)}


def _ask(config: Config, question: DryRun, wall: float) -> RequestAsk:
    # As they are read off a connection: bytes of UTF-8, each taken for a letter.
    headers = {name.lower(): value.encode("utf-8", "surrogatepass").decode("latin-1") for name, value in question.headers.items()}
    spoken = _dialect(question.dialect)
    body = _body(question)
    agent = recognise(headers)
    return RequestAsk(
        places=spoken.glance.places,
        headers=headers,
        size_bytes=len(body),
        wall=wall,
        agent=agent,
        session=agent.session(headers),
        principal=_principal(config, question.key),
        peek=spoken.peek(Call(_PATHS[spoken.name], body)),
    )


def _dialect(name: str) -> Dialect:
    if name not in _PATHS:
        raise _bad(f"`{name[:40]}` is no dialect that clients speak here; write {any_of(_PATHS)}")
    return dialect(name)


def _body(question: DryRun) -> bytes:
    """The request with the model that was asked for."""
    fields = dict(question.request or {})
    if question.model is not None:
        fields["model"] = msgspec.Raw(msgspec.json.encode(question.model))
    return msgspec.json.encode(fields)


def _principal(config: Config, name: str | None) -> Principal:
    if name is None:
        return ANYONE
    known = {key.name: Principal(key.name, key.team, key.user) for key in config.access.keys}
    if name not in known:
        hint = did_you_mean(name, known) or (f"the keys are {any_of(known)}" if known else "there are none in `access.keys`")
        raise _bad(f"no client key is named `{name[:100]}`; {hint}")
    return known[name]


def _place(setting: Setting, place: Place, ask: RequestAsk, moment: Moment, sitting: Sitting | None) -> dict[str, Any]:
    """One candidate: its place, its health, what the request costs there (about, and how much of that a warm cache saves)."""
    seat = place.seat
    cached = min(sitting.tokens, ask.tokens) if sitting is not None and sitting.spot == spot(seat) else 0
    health = setting.board.known(seat)
    said = {
        "seat": seat.id,
        "why": place.reason,
        "standing": setting.board.standing(seat, moment.now),
        "trouble": place.trouble or None,
        "cached_tokens": cached or None,
        "price_usd": _price(setting, seat.target, ask, cached, moment.wall),
        "cold_price_usd": _price(setting, seat.target, ask, 0, moment.wall) if cached else None,
        "health": None if health is None else show(health, moment.now, setting.board.settings),
    }
    return {name: value for name, value in said.items() if value is not None or name == "price_usd"}


def _price(setting: Setting, target: Target, ask: RequestAsk, cached: int, wall: float) -> float | None:
    price = setting.router.price(target.provider, target.model, wall)
    return None if price is None else round(price.of(ask.tokens, cached, ask.output_tokens), _DIGITS)


def _asked_in(setting: Setting, seat: Seat, spoken: str) -> dict[str, str]:
    """The dialect that its provider is asked in, or why it cannot be asked at all."""
    try:
        return {"dialect": setting.deploy(seat.target, spoken, seat.key).deployment.dialect.name}
    except GatewayError as error:
        return {"problem": error.message}


def _bad(message: str) -> GatewayError:
    return GatewayError(Kind.INVALID_REQUEST, message, source="client")
