"""The prices of a config: what it says itself, else what the provider tells in its own list, else the public price list. What answers
within this process costs nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal

import msgspec

from dragoman.config.names import Glob, is_glob
from dragoman.config.price_schema import ModelPrice
from dragoman.config.price_schema import Rates as GivenRates
from dragoman.config.schema import Config
from dragoman.policy import lists
from dragoman.policy.estimate import PerToken
from dragoman.policy.rates import EACH, Era, Price, Step, Unit, Variant
from dragoman.profiles.families import canonical
from dragoman.profiles.registry import profile

SOURCE = "config"
_KEPT = 4096
_HOUR_S = 3600
_UNITS = {field: Unit(field) for field in GivenRates.__struct_fields__}
_EACH = {"request": Unit.REQUEST, "web_search": Unit.WEB_SEARCH, "maps": Unit.MAPS}
_BATCH = {"processing": "batch"}
_FREE = Price((Era({Unit.INPUT: Decimal(0), Unit.OUTPUT: Decimal(0)}),), source="built in")

Told = Callable[[str, str], Price | None]
"""The price that a provider (by its name in config) tells of a model in its own list."""


def _nothing(provider: str, model: str) -> Price | None:
    return None


class PriceBook:
    """Compiled from a checked config; immutable but for what it remembers, which is bounded."""

    def __init__(
        self,
        given: Mapping[str, ModelPrice],
        price_lists: Mapping[str, str | None],
        told: Told = _nothing,
        *,
        free: frozenset[str] = frozenset(),
    ) -> None:
        self._exact = {canonical(name): price for name, price in given.items() if not is_glob(name)}
        globs = [(Glob.parse(name), price) for name, price in given.items() if is_glob(name)]
        self._globs = sorted(globs, key=lambda pair: (-pair[0].weight, pair[0].text.count("*")))
        self._lists = dict(price_lists)
        self._told = told
        self._free = free
        self._found: dict[tuple[str, str], tuple[float, PerToken | None]] = {}

    @classmethod
    def compile(cls, config: Config, told: Told = _nothing) -> PriceBook:
        """The prices of a checked config. `told`: what providers tell themselves."""
        profiles = {name: profile(provider.kind) for name, provider in config.providers.items()}
        free = frozenset(name for name, known in profiles.items() if known.builtin)
        return cls(config.prices, {name: known.prices for name, known in profiles.items()}, told, free=free)

    def load(self) -> None:
        """Read the public lists, if a provider has one: 0.3 s, once per process, so not on the event loop."""
        if any(self._lists.values()):
            lists.load()

    def price(self, provider: str, model: str) -> Price | None:
        """What this deployment costs; None if nobody says. As slow as `load` until that was called."""
        given = self._given(f"{provider}/{model}")
        base = self._told(provider, model) or self._listed(provider, model)
        return base if given is None else _overridden(given, base)

    def per_token(self, provider: str, model: str, wall: float) -> PerToken | None:
        """The price at this time (Unix seconds), as plain numbers for comparing; None if it is not known, or the lists are not
        loaded. It is remembered until the hour ends, since some prices change then."""
        kept = self._found.get((provider, model))
        if kept is not None and wall < kept[0]:
            return kept[1]
        if self._lists.get(provider) is not None and not lists.is_loaded():
            return None
        price = self.price(provider, model)
        made = None if price is None else PerToken.compile(price, wall)
        if len(self._found) >= _KEPT:
            del self._found[next(iter(self._found))]
        self._found[provider, model] = ((wall // _HOUR_S + 1) * _HOUR_S, made)
        return made

    def _listed(self, provider: str, model: str) -> Price | None:
        if provider in self._free:
            return _FREE
        found = lists.listed(self._lists.get(provider), model)
        return None if found is None else found.price

    def _given(self, name: str) -> ModelPrice | None:
        plain = canonical(name)
        found = self._exact.get(plain)
        return found if found is not None else next((price for glob, price in self._globs if glob.pattern.fullmatch(plain)), None)


def _overridden(given: ModelPrice, base: Price | None) -> Price | None:
    """The price with what config says laid over it."""
    rates = _rates(given) | {unit: _exact(value) for name, unit in _EACH.items() if (value := getattr(given, name)) is not None}
    steps = tuple(Step(long.over, _rates(long)) for long in sorted(given.long, key=lambda long: long.over))
    eras = tuple(_laid_over(era, rates, steps) for era in base.eras) if base is not None else (Era(rates, steps),)
    variants = () if base is None or rates or steps else base.variants
    if given.batch_discount is not None:
        variants = _batch(eras, 1 - _exact(given.batch_discount))
    if not any(era.rates for era in eras):
        return None
    said = SOURCE if rates or steps or base is None else f"{base.source}, {SOURCE}"
    return Price(eras, variants, factor=1 - _exact(given.discount), source=said, chosen=True)


def _laid_over(era: Era, rates: dict[Unit, Decimal], steps: tuple[Step, ...]) -> Era:
    """A rate that is given holds at any length; steps that are given stand instead of those that were there."""
    kept = tuple(Step(step.past, {unit: rate for unit, rate in step.rates.items() if unit not in rates}) for step in era.steps)
    # A price of searches that is given is that of each.
    before = {unit: rate for unit, rate in era.rates.items() if unit is not Unit.SEARCHED_REQUEST or Unit.WEB_SEARCH not in rates}
    return msgspec.structs.replace(era, rates=before | rates, steps=steps or tuple(step for step in kept if step.rates))


def _batch(eras: tuple[Era, ...], factor: Decimal) -> tuple[Variant, ...]:
    """Each era's prices of tokens at a lower rate; of variants the first that holds counts, of eras the last."""

    def less(rates: dict[Unit, Decimal]) -> dict[Unit, Decimal]:
        return {unit: rate * factor for unit, rate in rates.items() if unit not in EACH}

    return tuple(
        Variant(_BATCH, Era(less(era.rates), tuple(Step(step.past, less(step.rates)) for step in era.steps), era.hours))
        for era in reversed(eras)
    )


def _rates(given: GivenRates) -> dict[Unit, Decimal]:
    return {unit: _exact(value) for name, unit in _UNITS.items() if (value := getattr(given, name)) is not None}


def _exact(value: float) -> Decimal:
    """The number as it was written."""
    return Decimal(str(value))
