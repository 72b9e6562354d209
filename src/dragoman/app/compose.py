"""From a checked config to the runtime that exchanges use: every look-up and every compilation happens here."""

from __future__ import annotations

import contextlib
import random
import time
from collections.abc import AsyncGenerator, Mapping

import msgspec

from dragoman import __version__
from dragoman.app.beside import beside
from dragoman.app.builtin import Builtin
from dragoman.app.costs import price_by
from dragoman.app.deploy import Deployer
from dragoman.app.facts import Facts
from dragoman.app.listing import Lists, merged
from dragoman.app.offer import Offerer
from dragoman.app.tracing import tells_content, tracing
from dragoman.config.schema import Config, VirtualModel
from dragoman.core.room import Room
from dragoman.core.runtime import Capture, Pace, Runtime
from dragoman.dialects.registry import dialect, names
from dragoman.observe.observer import Observer
from dragoman.policy.book import PriceBook
from dragoman.policy.identity import Identity
from dragoman.profiles.registry import profile
from dragoman.routing.affinity import Sessions
from dragoman.routing.board import Board
from dragoman.routing.resolve import Resolver
from dragoman.routing.route import Router
from dragoman.routing.tree import VirtualModel as Resolved
from dragoman.server.about import About, Listed
from dragoman.upstream.pool import Pool, PoolSettings
from dragoman.upstream.proxy import Proxies


class Lasting(msgspec.Struct, frozen=True):
    """What belongs to the process and outlives every runtime, so that a reload loses nothing of it: connections to providers
    (docs/decisions/0010-reload.md), what was observed, what providers list, how they are, where sessions sit, what running exchanges hold
    for the journal. `began`: Unix seconds."""

    pool: Pool
    observer: Observer
    builtin: Builtin
    lists: Lists
    board: Board
    sessions: Sessions
    began: float
    room: Room


class Composed(msgspec.Struct, frozen=True, weakref=True):
    """A runtime and what it says of itself. Exchanges keep the one that they began with; it is gone with the last of them."""

    config: Config
    runtime: Runtime
    about: About
    book: PriceBook


@contextlib.asynccontextmanager
async def lasting(env: Mapping[str, str], observer: Observer) -> AsyncGenerator[Lasting]:
    """What all runtimes of a process share, for as long as the block lasts."""
    pool, builtin = Pool(PoolSettings(proxies=Proxies.from_environment(env))), Builtin()
    try:
        yield Lasting(pool, observer, builtin, Lists(pool), Board(), Sessions(), time.time(), Room())
    finally:
        await builtin.close()
        await pool.close()


async def compose(config: Config, shared: Lasting) -> Composed:
    """The runtime of a checked config. What takes time is done in a thread, beside the running exchanges.

    Raises GatewayError(config) for what only shows when it is put together.
    """
    built_in = _built_in(config)
    addresses = dict.fromkeys(built_in, await shared.builtin.base_url()) if built_in else {}
    return await beside(_compose, config, shared, addresses)


def _compose(config: Config, shared: Lasting, addresses: Mapping[str, str]) -> Composed:
    book = PriceBook.compile(config, shared.lists.price)
    if _compares_prices(config):
        book.load()
    runtime = _runtime(config, shared, addresses, book)
    return Composed(config, runtime, _about(config, runtime, shared, book), book)


def _compares_prices(config: Config) -> bool:
    """Whether some strategy asks for prices while a request waits; else nobody waits for the lists to be read."""
    choices = [choice for model in config.models.values() if isinstance(model, VirtualModel) for choice in (model, *model.rules)]
    return any(choice.strategy == "cheapest" for choice in choices)


def _built_in(config: Config) -> tuple[str, ...]:
    """The providers that run inside this process."""
    return tuple(name for name, provider in config.providers.items() if profile(provider.kind).builtin and provider.base_url is None)


def _runtime(config: Config, shared: Lasting, addresses: Mapping[str, str], book: PriceBook) -> Runtime:
    known = {name: dialect(name) for name in names()}
    deadlines = config.server.deadlines
    return Runtime(
        resolver=Resolver.compile(config, merged(config, shared.lists.names()), shared.lists.window),
        identity=Identity.compile(config.access),
        dialects=known,
        deploy=Deployer(config, known, addresses).deploy,
        pool=shared.pool,
        observer=shared.observer,
        draw=random.random,
        clock=time.perf_counter,
        new_id=new_id,
        pace=Pace(hold_s=deadlines.hold_s, ping_s=deadlines.ping_s),
        board=shared.board,
        router=Router(shared.sessions, book.per_token),
        tracing=tracing(config),
        capture=_capture(config, shared.room),
    )


def _capture(config: Config, room: Room) -> Capture | None:
    """What the journal wants of bodies, or traces that tell what was said. Without a database there is no journal."""
    if config.database is not None and config.database.reveal() == "none" and not tells_content(config):
        return None
    journal = config.journal
    return Capture(journal.bodies, journal.body_bytes, journal.queue_bytes, room)


def _about(config: Config, runtime: Runtime, shared: Lasting, book: PriceBook) -> About:
    listed = [f"{name}/{model}" for name, models in merged(config, shared.lists.names()).items() for model in models]
    return About(
        version=__version__,
        providers=tuple(config.providers),
        models=tuple(Listed(name, _owner(config, name)) for name in dict.fromkeys([*runtime.resolver.names(), *listed])),
        closed=bool(config.access.keys),
        identify=runtime.identity.identify,
        offers=Offerer(config, runtime.resolver, runtime.deploy, shared.lists.window).offers,
        run=shared.observer.run,
        priced=price_by(book),
        facts=Facts(config, book, shared.lists).body,
        resolve=lambda model: _resolved(runtime.resolver.resolve(model)),
        began=shared.began,
    )


def _resolved(found: Resolved) -> dict[str, object]:
    return {"model": found.name, "targets": [target.name for target in found.targets], "reason": found.reason}


def _owner(config: Config, name: str) -> str:
    """Who a listed name belongs to: the gateway for virtual models, else the provider that offers it."""
    return "dragoman" if name in config.models else name.partition("/")[0]


def new_id() -> str:
    """Sorts by time (48 bits of milliseconds), and no two alike (80 random bits)."""
    return f"ex_{time.time_ns() // 1_000_000:012x}{random.getrandbits(80):020x}"
