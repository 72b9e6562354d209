"""From a checked config to the runtime that exchanges use: every look-up and every compilation happens here."""

from __future__ import annotations

import contextlib
import random
import time
from collections.abc import AsyncGenerator, Mapping

import msgspec

from dragoman import __version__
from dragoman.app.costs import price_sums
from dragoman.app.deploy import Deployer
from dragoman.app.offer import Offerer
from dragoman.config.schema import Config
from dragoman.core.runtime import Pace, Runtime
from dragoman.dialects.registry import dialect, names
from dragoman.observe.observer import Observer
from dragoman.policy.identity import Identity
from dragoman.profiles.registry import profile
from dragoman.routing.resolve import Resolver, VirtualModel
from dragoman.server.about import About, Listed
from dragoman.simulator.app import serve as simulate
from dragoman.upstream.pool import Pool, PoolSettings
from dragoman.upstream.proxy import Proxies


class Composed(msgspec.Struct, frozen=True):
    """A runtime and what it says of itself."""

    runtime: Runtime
    about: About


@contextlib.asynccontextmanager
async def compose(config: Config, env: Mapping[str, str], observer: Observer) -> AsyncGenerator[Composed]:
    """The runtime of a config, for as long as the block lasts: built-in providers started, connections closed in the end."""
    async with contextlib.AsyncExitStack() as stack:
        addresses: dict[str, str] = {}
        for name, provider in config.providers.items():
            if profile(provider.kind).builtin and provider.base_url is None:
                addresses[name] = f"{await stack.enter_async_context(simulate())}/v1"
        pool = Pool(PoolSettings(proxies=Proxies.from_environment(env)))
        stack.push_async_callback(pool.close)
        runtime = _runtime(config, pool, observer, addresses)
        yield Composed(runtime, _about(config, runtime, observer))


def _runtime(config: Config, pool: Pool, observer: Observer, addresses: Mapping[str, str]) -> Runtime:
    known = {name: dialect(name) for name in names()}
    deadlines = config.server.deadlines
    return Runtime(
        resolver=Resolver.compile(config),
        identity=Identity.compile(config.access),
        dialects=known,
        deploy=Deployer(config, known, addresses).deploy,
        pool=pool,
        observer=observer,
        draw=random.random,
        clock=time.perf_counter,
        new_id=_new_id,
        pace=Pace(hold_s=deadlines.hold_s, ping_s=deadlines.ping_s),
    )


def _about(config: Config, runtime: Runtime, observer: Observer) -> About:
    return About(
        version=__version__,
        providers=tuple(config.providers),
        models=tuple(Listed(name, _owner(config, name)) for name in runtime.resolver.names()),
        closed=bool(config.access.keys),
        identify=runtime.identity.identify,
        offers=Offerer(config, runtime.resolver, runtime.deploy).offers,
        run=observer.run,
        priced=price_sums(config),
        resolve=lambda model: _resolved(runtime.resolver.resolve(model)),
        began=time.time(),
    )


def _resolved(found: VirtualModel) -> dict[str, object]:
    return {"model": found.name, "targets": [target.name for target in found.targets], "reason": found.reason}


def _owner(config: Config, name: str) -> str:
    """Who a listed name belongs to: the gateway for virtual models, else the provider that offers it."""
    return "dragoman" if name in config.models else name.partition("/")[0]


def _new_id() -> str:
    """Sorts by time (48 bits of milliseconds), and no two alike (80 random bits)."""
    return f"ex_{time.time_ns() // 1_000_000:012x}{random.getrandbits(80):020x}"
