"""How the attempts of an exchange stand in its row. Nearly all have one, so that rows of their own would cost more than what they say."""

from __future__ import annotations

import msgspec


class Try(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One try at a deployment: the columns of `attempts` but for its exchange and its number, which counts them from 1."""

    provider: str
    model: str
    provider_key: str | None = None
    began_s: float | None = 0.0
    connected_s: float | None = None
    first_byte_s: float | None = None
    ended_s: float | None = None
    status: int | None = None
    error: str | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None
    cost_pico: int | None = None


_decoder = msgspec.json.Decoder(tuple[Try, ...])


def unpack(told: str) -> tuple[Try, ...]:
    """The value of `exchanges.tries`, JSON. What is not told as this release does is nothing."""
    try:
        return _decoder.decode(told)
    except msgspec.DecodeError:
        return ()
