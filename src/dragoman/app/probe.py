"""Questions of the gateway's own, so that it knows of a dead provider or a refused key before a client does (`routing.probes`).

Only the list of models is asked for: it costs nothing anywhere. It shows that the provider is there and takes the key, not that a model
answers; so a failing probe counts against every target with that key as a failing request would, and one that succeeds again takes back
only what probes have done.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterator, Mapping

import msgspec

from dragoman.app.compose import Composed
from dragoman.config.names import is_glob
from dragoman.config.routing_schema import Probes
from dragoman.core.runtime import Deployment
from dragoman.ir.errors import GatewayError, Kind
from dragoman.profiles.registry import profile
from dragoman.routing.resolve import Target
from dragoman.routing.seat import Seat
from dragoman.routing.tree import VirtualModel
from dragoman.upstream.deadlines import Deadlines

logger = logging.getLogger(__name__)

_LOOK_S = 5.0
"""How soon it is noticed that a reload turned probes on."""
_AGAIN_S = 1.0
"""After a probe that failed: a fault counts when it lasts."""
_AT_ONCE = 4
_REFUSALS: Mapping[int, Kind] = {401: Kind.PROVIDER_KEY, 403: Kind.PROVIDER_KEY}


class Probe(msgspec.Struct, frozen=True):
    """One provider key to be tried. seats: every target that is known to use it."""

    account: str
    path: str
    deployment: Deployment
    seats: tuple[Seat, ...]


class Prober:
    """Asks again and again. `current` gives the runtime of the moment, `sleep` waits."""

    def __init__(self, current: Callable[[], Composed], *, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep) -> None:
        self._current = current
        self._sleep = sleep
        self._opened: set[str] = set()

    async def keep(self) -> None:
        """Until cancelled; as long as config wants no probes, nothing is asked."""
        while True:
            settings = self._current().config.routing.probes
            if settings.every_s is not None:
                await self.round(settings)
            await self._sleep(settings.every_s or _LOOK_S)

    async def round(self, settings: Probes) -> None:
        """Probe every provider key once, and once more where that failed, until the breaker has seen enough."""
        composed = self._current()
        gate = asyncio.Semaphore(_AT_ONCE)
        await asyncio.gather(*(self._probe(composed, probe, settings.timeout_s, gate) for probe in probes(composed)))

    async def _probe(self, composed: Composed, probe: Probe, timeout_s: float, gate: asyncio.Semaphore) -> None:
        for attempt in range(composed.config.routing.breaker.failures):
            if attempt:
                await self._sleep(_AGAIN_S)
            async with gate:
                error = await _ask(composed, probe, timeout_s)
            self._judge(composed, probe, error)
            if error is None or not error.rule.trips:
                return

    def _judge(self, composed: Composed, probe: Probe, error: GatewayError | None) -> None:
        board, now = composed.runtime.board, composed.runtime.clock()
        for seat in probe.seats:
            health = board.health(seat)
            if error is None:
                if seat.id in self._opened:
                    self._opened.discard(seat.id)
                    board.answered(health, now)
                    logger.info("`%s` answers probes again", seat.id)
                continue
            was_closed = health.circuit.state == "closed"
            board.failed(health, now, error)
            if was_closed and health.circuit.state != "closed":
                self._opened.add(seat.id)
                logger.warning("`%s` is left alone for now: %s", seat.id, error.message)


def probes(composed: Composed) -> tuple[Probe, ...]:
    """A probe for each provider key that a target of config uses, or that was used; those of providers without a list are left out."""
    runtime = composed.runtime
    by_account: dict[str, dict[str, Seat]] = {}
    for seat in (*configured(composed), *_used(composed)):
        by_account.setdefault(seat.account, {}).setdefault(seat.id, seat)
    found: list[Probe] = []
    for account, seats in by_account.items():
        first = next(iter(seats.values()))
        provider = composed.config.providers.get(first.provider)
        path = profile(provider.kind).models_path if provider is not None else None
        if path is None:
            continue
        try:
            deployment = runtime.deploy(first.target, None, first.key).deployment
        except GatewayError:
            continue
        found.append(Probe(account, path, deployment, tuple(seats.values())))
    return tuple(found)


def configured(composed: Composed) -> Iterator[Seat]:
    """Every seat that a model of config may lead to (some more than once); of globs none, since nobody knows what will be asked."""
    for name in composed.config.models:
        if not is_glob(name):
            yield from _seats(composed.runtime.resolver.resolve(name))


async def _ask(composed: Composed, probe: Probe, timeout_s: float) -> GatewayError | None:
    """What is wrong, if anything."""
    deployment = probe.deployment
    deadlines = Deadlines(timeout_s, timeout_s, timeout_s, timeout_s)
    try:
        reply = await composed.runtime.pool.open(
            deployment.origin, "GET", deployment.base_path + probe.path, deployment.headers, b"", deadlines
        )
        try:
            await reply.head()
            return _verdict(probe, reply.status)
        finally:
            reply.close()
    except GatewayError as error:
        return error if error.source == "upstream" else None


def _verdict(probe: Probe, status: int) -> GatewayError | None:
    """A provider that has no such list says so, and is there."""
    kind = _REFUSALS.get(status) or (Kind.SERVER_ERROR if status >= 500 else None)
    if kind is None:
        return None
    message = f"`{probe.account}` answered {status} when its models were asked for"
    return GatewayError(kind, message, source="upstream", status=status, provider=probe.deployment.provider)


def _used(composed: Composed) -> Iterator[Seat]:
    runtime = composed.runtime
    for shown in runtime.board.view(runtime.clock()):
        if shown.provider in composed.config.providers:
            yield Seat(Target(shown.provider, shown.model), shown.key)


def _seats(model: VirtualModel) -> Iterator[Seat]:
    """Everything that may answer it."""
    for entry in (*model.branch.entries, *(entry for rule in model.rules for entry in rule.branch.entries), *model.fallbacks):
        yield from entry.seats
        if entry.model is not None:
            yield from _seats(entry.model)
