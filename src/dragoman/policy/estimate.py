"""A price as plain numbers, for comparing targets while a request waits: no decimals, no look-ups by name."""

from __future__ import annotations

import msgspec

from dragoman.policy.rates import Price, Unit, rate

_MILLION = 1e6


class PerToken(msgspec.Struct, frozen=True, gc=False):
    """US dollars per token, and per request. steps: (input tokens, the prices past them), ascending."""

    input: float
    cache_read: float
    cache_write: float
    output: float
    request: float = 0.0
    steps: tuple[tuple[int, PerToken], ...] = ()

    @classmethod
    def compile(cls, price: Price, wall: float) -> PerToken | None:
        """The price at this time (Unix seconds); None if it names no price for input or none for output."""
        base = _plain(price, wall, 0)
        if base is None:
            return None
        steps = ((past, _plain(price, wall, past + 1)) for past in sorted(price.starts()))
        return msgspec.structs.replace(base, steps=tuple((past, one) for past, one in steps if one is not None and one != base))

    def at(self, input_tokens: int) -> PerToken:
        """What holds for a request of so many input tokens."""
        found = self
        for past, prices in self.steps:
            if input_tokens <= past:
                break
            found = prices
        return found

    def of(self, input_tokens: int, cached_tokens: int, output_tokens: int, written_tokens: int = 0) -> float:
        """About what a request costs, in US dollars; input_tokens include those read from and written to a cache."""
        one = self.at(input_tokens) if self.steps else self
        plain = input_tokens - cached_tokens - written_tokens
        return (
            one.request + plain * one.input + cached_tokens * one.cache_read + written_tokens * one.cache_write + output_tokens * one.output
        )


def _plain(price: Price, wall: float, input_tokens: int) -> PerToken | None:
    rates = price.at(wall, input_tokens)
    found = [rate(rates, unit) for unit in (Unit.INPUT, Unit.CACHE_READ, Unit.CACHE_WRITE, Unit.OUTPUT)]
    if None in found:
        return None
    return PerToken(*(float(one) / _MILLION for one in found if one is not None), request=float(rates.get(Unit.REQUEST, 0)))
