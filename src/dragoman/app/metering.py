"""Metrics of one gateway put together: exchanges are counted as they end, priced by and by, and told when Prometheus asks."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
import weakref
from collections.abc import Callable, Iterable, Iterator

from dragoman.app.beside import beside
from dragoman.app.compose import Composed
from dragoman.app.gauges import Moment, families
from dragoman.app.listing import Lists, merged
from dragoman.app.probe import configured
from dragoman.app.reload import State
from dragoman.ir.errors import GatewayError, Kind
from dragoman.ir.record import Record
from dragoman.observe import process
from dragoman.observe.exposition import Family, expose
from dragoman.observe.lag import Lag
from dragoman.observe.metrics import Metrics, Row, Waiting
from dragoman.policy.book import PriceBook
from dragoman.policy.cost import cost
from dragoman.policy.count import counts, is_plain
from dragoman.policy.price import Spent, Steps, price

logger = logging.getLogger(__name__)

_EVERY_S = 30.0
"""Between two rounds of pricing, where nobody scrapes."""
_MUCH = 1000
"""Replies to be priced one by one that do not wait that long."""

Told = Callable[[], Iterable[Family]]


class Meter:
    """The metrics of one process; they outlive reloads. `attach` says where the present moment is to be seen.

    also: further families, of what else there is (a journal's queue, what waits to be sent).
    """

    def __init__(self, steps: Steps, lists: Lists, *, clock: Callable[[], float] = time.perf_counter, also: Iterable[Told] = ()) -> None:
        self.metrics = Metrics(self.is_known, steps, is_plain)
        self.lag = Lag()
        self._lists = lists
        self._clock = clock
        self._also = tuple(also)
        self._current: Callable[[], Composed | None] = lambda: None
        self._state: Callable[[], State] = lambda: State(0.0)
        self._streams: Callable[[], tuple[int, int]] = lambda: (0, 0)
        self._known_of: weakref.ref[Composed] | None = None
        self._known: frozenset[tuple[str | None, str]] = frozenset()
        self._turn = asyncio.Lock()
        self._much = asyncio.Event()

    def attach(self, current: Callable[[], Composed], state: Callable[[], State], streams: Callable[[], tuple[int, int]]) -> None:
        """current: the runtime of the moment; state: of its config; streams: how many exchanges run and how many answers have begun."""
        self._current, self._state, self._streams = current, state, streams

    def record(self, record: Record) -> None:
        """Count one exchange, if config wants that."""
        current = self._current()
        if current is not None and current.config.telemetry.metrics:
            self.metrics.record(record)
            if self.metrics.alone > _MUCH:
                self._much.set()

    def is_known(self, provider: str | None, model: str) -> bool:
        """Whether this is the name of a model that config or a provider's own list has. All others are told under one name: clients
        may choose them, and each would stay for ever."""
        current = self._current()
        if current is not None and self._is_new(current):
            # Not held: what was replaced is gone as soon as its last exchange, not with the next round of pricing.
            self._known_of = weakref.ref(current)
            self._known = frozenset(_names(current, self._lists))
        return (provider, model) in self._known

    async def page(self) -> bytes:
        """What Prometheus reads. Raises GatewayError(not_found) if config wants no metrics."""
        current = self._current()
        if current is None or not current.config.telemetry.metrics:
            message = "this gateway gives no metrics; `telemetry.metrics: true` in its config does"
            raise GatewayError(Kind.NOT_FOUND, message, source="client")
        await self.settle()
        running, streams = self._streams()
        moment = Moment(running, streams, self._clock(), self._state(), self.is_known)
        gauges = [*families(current, moment), *self.lag.families(), *(family for told in self._also for family in told())]
        return await beside(self._written, gauges, current.about.began)

    async def keep(self) -> None:
        """Price what was counted, again and again, until cancelled."""
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_EVERY_S):
                    await self._much.wait()
            self._much.clear()
            try:
                await self.settle()
            except Exception:
                # The edge of this task: the next round may do better.
                logger.exception("exchanges could not be priced")

    async def settle(self) -> None:
        """Price what is not priced yet, and look names up anew where the config is another."""
        async with self._turn:
            current = self._current()
            if current is None:
                return
            if self._is_new(current):
                self.metrics.forget()
            sums, beside_sums = waiting = self.metrics.waiting()
            if not sums and not beside_sums:
                return
            for row, requests, usd in await beside(_priced, current.book, waiting):
                self.metrics.paid(row, requests, usd)

    def _is_new(self, current: Composed) -> bool:
        return self._known_of is None or self._known_of() is not current

    def _written(self, gauges: list[Family], began_at: float) -> bytes:
        return expose((*gauges, *self.metrics.families(), *process.families(began_at)))


def _names(current: Composed, lists: Lists) -> Iterator[tuple[str | None, str]]:
    """(provider, model) of what may be asked for by name, and (None, name) of the names themselves."""
    runtime = current.runtime
    for listed in current.about.models:
        yield None, listed.name
    for seat in configured(current):
        yield seat.provider, seat.model
    for provider, models in merged(current.config, lists.names()).items():
        for model in models:
            yield provider, model
    for provider, settings in current.config.providers.items():
        for model in settings.models:
            yield provider, model
    for name in runtime.resolver.names():
        provider, _, model = name.partition("/")
        if model and provider in current.config.providers:
            yield provider, model


def _priced(book: PriceBook, waiting: Waiting) -> list[tuple[Row, int, float | None]]:
    """Each row with how many requests were priced, and what they cost."""
    sums, alone = waiting
    book.load()
    found: list[tuple[Row, int, float | None]] = []
    for row, spent in sums:
        usd = price(
            book.price(spent.provider, spent.model),
            Spent(
                requests=spent.requests,
                input_tokens=spent.input_tokens,
                output_tokens=spent.output_tokens,
                cache_read_tokens=spent.cache_read_tokens,
                cache_write_tokens=spent.cache_write_tokens,
                reasoning_tokens=spent.reasoning_tokens,
                at=spent.at,
            ),
        )
        found.append((row, spent.requests, None if usd is None else float(usd)))
    for row, reply in alone:
        terms = None if reply.tier is None else {"service_tier": reply.tier}
        usd = cost(book.price(reply.provider, reply.model), counts(reply.usage, terms), reply.at).usd
        found.append((row, 1, None if usd is None else float(usd)))
    return found
