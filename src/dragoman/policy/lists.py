"""The public price lists of the providers, as `genai-prices` carries them, in our own words. Nothing is fetched.

What has no price there has none here: unknown is not free.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterable, Iterator
from decimal import Decimal
from functools import cache, lru_cache
from typing import Any

import msgspec

from dragoman.policy.rates import ALWAYS, Era, Hours, Price, Step, Unit, Variant, midnight
from dragoman.profiles.families import searches_once

SOURCE = "price list"
_KEPT = 4096
"""Names that were looked up; clients choose them, so their number is bounded."""
_TOKENS: dict[str, Unit] = {
    "input_mtok": Unit.INPUT,
    "cache_read_mtok": Unit.CACHE_READ,
    "cache_write_mtok": Unit.CACHE_WRITE,
    "cache_write_1h_mtok": Unit.CACHE_WRITE_1H,
    "input_audio_mtok": Unit.INPUT_AUDIO,
    "cache_audio_read_mtok": Unit.CACHE_READ_AUDIO,
    "input_image_mtok": Unit.INPUT_IMAGE,
    "output_mtok": Unit.OUTPUT,
    "output_reasoning_mtok": Unit.REASONING,
    "output_audio_mtok": Unit.OUTPUT_AUDIO,
    "output_image_mtok": Unit.OUTPUT_IMAGE,
}
_THOUSANDS: dict[str, Unit] = {"requests_kcount": Unit.REQUEST, "web_searches_kcount": Unit.WEB_SEARCH}
"""Listed per thousand."""


class ListedModel(msgspec.Struct, frozen=True):
    """What a list says of a model. window: the tokens that it takes, None if untold."""

    name: str
    price: Price
    window: int | None = None


def load() -> None:
    """Read the lists: 0.3 s and 15 MB, once, so that it is done where nothing waits (a thread of its own)."""
    _providers()


def is_loaded() -> bool:
    """Whether `load` was done, so that looking something up takes microseconds."""
    return _providers.cache_info().currsize > 0


def listed(price_list: str | None, model: str) -> ListedModel | None:
    """The model of a list, by any of its names; None if the list or the model is not there, or it has no price at all.

    Some 20 µs once it was asked for; the first time of all as slow as `load`.
    """
    return None if price_list is None else _listed(price_list, model.removeprefix("models/").lower())


def models(price_list: str | None) -> tuple[ListedModel, ...]:
    """All of a list, but for those that are no longer offered."""
    provider = _providers().get(price_list or "")
    if provider is None:
        return ()
    found = (_model(model) for model in provider.models if not model.deprecated)
    return tuple(one for one in found if one is not None)


def names() -> tuple[str, ...]:
    """Of all lists."""
    return tuple(_providers())


def starts() -> frozenset[int]:
    """The input tokens past which some model of some list costs something else."""
    return frozenset(start for name in names() for model in models(name) for start in model.price.starts())


@cache
def _providers() -> dict[str, Any]:
    return {provider.id: provider for provider in importlib.import_module("genai_prices.data").providers}


@lru_cache(_KEPT)
def _listed(price_list: str, model: str) -> ListedModel | None:
    provider = _providers().get(price_list)
    found = None if provider is None else provider.find_model(model, all_providers=list(_providers().values()))
    return None if found is None else _model(found)


def _model(model: Any) -> ListedModel | None:
    prices: Any = model.prices
    # A price, or a list of prices with their conditions.
    is_one = hasattr(prices, "calc_price")
    eras = (_era(prices, None),) if is_one else tuple(_era(one.prices, one.constraint) for one in prices)
    if searches_once(model.id):
        eras = tuple(_searched_once(era) for era in eras)
    if not any(era.rates for era in eras):
        return None
    variants = (Variant(dict(one.when), _era(one.prices, one.constraint)) for one in model.price_variants or ())
    told = tuple(variant for variant in variants if variant.era.rates)
    return ListedModel(model.id, Price(eras, told, source=SOURCE), model.context_window)


def _era(prices: Any, constraint: Any) -> Era:
    table: dict[str, Any] = {} if prices is None else prices.__dict__
    given: dict[str, Any] = {key: value for key, value in table.items() if value is not None}
    values: dict[Unit, Any] = {unit: given[key] for key, unit in _TOKENS.items() if key in given}
    rates: dict[Unit, Decimal] = {unit: getattr(value, "base", value) for unit, value in values.items()}
    rates |= {unit: given[key] / Decimal(1000) for key, unit in _THOUSANDS.items() if key in given}
    return Era(rates, tuple(_steps(values.items())), _hours(constraint))


def _searched_once(era: Era) -> Era:
    rates = {Unit.SEARCHED_REQUEST if unit is Unit.WEB_SEARCH else unit: rate for unit, rate in era.rates.items()}
    return msgspec.structs.replace(era, rates=rates)


def _steps(values: Iterable[tuple[Unit, Any]]) -> Iterator[Step]:
    by_start: dict[int, dict[Unit, Decimal]] = {}
    for unit, value in values:
        for tier in getattr(value, "tiers", ()):
            by_start.setdefault(tier.start, {})[unit] = tier.price
    yield from (Step(start, by_start[start]) for start in sorted(by_start))


def _hours(constraint: Any) -> Hours:
    if constraint is None:
        return ALWAYS
    date = getattr(constraint, "start_date", None)
    if date is not None:
        return Hours(from_s=midnight(date.year, date.month, date.day))
    return Hours(daily=(_second(constraint.start_time), _second(constraint.end_time)))


def _second(moment: Any) -> int:
    """The second of the UTC day; a time without a zone is UTC."""
    offset = moment.utcoffset()
    told = moment.hour * 3600 + moment.minute * 60 + moment.second
    return int(told - (offset.total_seconds() if offset else 0)) % 86_400
