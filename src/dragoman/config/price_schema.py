"""The shape of `prices`: what models cost, where that is not what the public lists say. US dollars, tokens by the million."""

from __future__ import annotations

from typing import Annotated

import msgspec

from dragoman.config.values import Count, Share, as_written

Dollars = Annotated[float, msgspec.Meta(ge=0, le=1_000_000)]


class Rates(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """US dollars per million tokens. What is null is as the public list has it, and where that says nothing as what it is a part of."""

    input: Dollars | None = None
    """For tokens of the request that no cache held."""
    cache_read: Dollars | None = None
    """For tokens read from the prompt cache; a part of `input`."""
    cache_write: Dollars | None = None
    """For tokens written to the prompt cache; a part of `input`."""
    cache_write_1h: Dollars | None = None
    """For tokens written to the prompt cache for an hour; a part of `cache_write`."""
    input_audio: Dollars | None = None
    """For tokens of sound in the request; a part of `input`."""
    input_image: Dollars | None = None
    """For tokens of pictures in the request; a part of `input`."""
    output: Dollars | None = None
    """For tokens of the answer."""
    reasoning: Dollars | None = None
    """For tokens of thoughts, if they are priced apart; a part of `output`."""
    output_audio: Dollars | None = None
    """For tokens of sound in the answer; a part of `output`."""
    output_image: Dollars | None = None
    """For tokens of pictures in the answer; a part of `output`."""


class LongRates(Rates, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What a whole request costs, by the million tokens, whose input is longer than `over`."""

    over: Annotated[Count, as_written("over: 200000")]
    """Input tokens past which these prices hold for the whole request."""


class ModelPrice(Rates, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What a model costs. A price given here holds at any length, unless `long` says otherwise."""

    request: Dollars | None = None
    """For each request."""
    web_search: Dollars | None = None
    """For each search that the provider runs."""
    maps: Dollars | None = None
    """For each answer that the provider bases on its maps."""
    long: tuple[LongRates, ...] = ()
    """Prices of long requests; what they leave out is as for short ones."""
    discount: Share = 0.0
    """What is taken off all prices of tokens, the public list's too: 0.15 for 15 %."""
    batch_discount: Share | None = None
    """What is taken off where the provider says that it ran the request as part of a batch; null is as the public list has it."""
