"""What tokens cost by the providers' public price lists. The lists are data in `genai-prices`; nothing is fetched.

What has no price there is told as None, never as zero. Only tokens are counted: no fee for a search, no discount of anybody's own.
"""

from __future__ import annotations

import importlib
from bisect import bisect_left
from datetime import UTC, datetime
from decimal import Decimal
from functools import cache
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from types import ModuleType

STEPS = (32_000, 100_000, 128_000, 199_999, 200_000, 256_000, 272_000, 512_000, 524_288)
"""Input tokens past which some model's whole request costs more. Requests of one model between two of them may be added up."""


class Spent(msgspec.Struct, frozen=True):
    """Tokens of some requests of one model, all on the same step. input_tokens is the total: it includes what was read from and
    written to a cache. at: Unix seconds, since some prices change with the day or the hour."""

    requests: int
    input_tokens: int
    output_tokens: int
    cache_read_tokens: int = 0
    cache_write_tokens: int = 0
    at: float = 0.0


def step(input_tokens: int) -> int:
    """On which step a request stands: how many of STEPS it is past."""
    return bisect_left(STEPS, input_tokens)


def price(price_list: str | None, model: str, spent: Spent) -> Decimal | None:
    """US dollars, or None: the provider has no list, the list has no such model, or no price for both directions.

    Costs 0.3 ms, the first call 0.4 s for the library, so keep it from the event loop.
    """
    if price_list is None or spent.requests < 1:
        return None
    library = _library()
    # A step is chosen by the tokens of one request and holds for all of it, so the mean is priced and taken as often.
    mean = library.Usage(
        input_tokens=Decimal(spent.input_tokens) / spent.requests,
        output_tokens=Decimal(spent.output_tokens) / spent.requests,
        cache_read_tokens=Decimal(spent.cache_read_tokens) / spent.requests,
        cache_write_tokens=Decimal(spent.cache_write_tokens) / spent.requests,
    )
    when = datetime.fromtimestamp(spent.at, UTC)
    try:
        found = library.calc_price(mean, model.removeprefix("models/"), provider_id=price_list, genai_request_timestamp=when)
    except LookupError:
        return None
    except ValueError:
        # Parts that are more than their total, as a provider may tell them.
        return None
    if found.model_price.input_mtok is None or found.model_price.output_mtok is None:
        return None
    return found.total_price * spent.requests


@cache
def _library() -> ModuleType:
    """Loaded when the first price is asked for: it takes 0.3 s and 15 MB, which a gateway that nobody asks should not spend."""
    return importlib.import_module("genai_prices")
