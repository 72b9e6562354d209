"""What goes over the wire for one request, byte by byte: head, beats, pauses, and how the connection ends."""

from __future__ import annotations

import random
import string
from collections.abc import Sequence
from typing import Literal

import msgspec

Close = Literal["fin", "reset"]
"""`fin`: the connection is closed; `reset`: it is torn down with an RST."""


Said = Literal["text", "thought", "call", ""]
"""What the output is that an event belongs to."""


class Beat(msgspec.Struct, frozen=True):
    """Bytes of the body that are sent in one go. `kind` tells faults what it is: an event of the opening, of the output, the end;
    `said` what it is about."""

    data: bytes
    kind: Literal["opening", "event", "delta", "end"] = "event"
    said: Said = ""


class Pause(msgspec.Struct, frozen=True):
    """Silence of so many seconds; None: for ever, until the client leaves."""

    seconds: float | None


class Closing(msgspec.Struct, frozen=True):
    """Stop here, whatever was to follow."""

    how: Close


Step = Beat | Pause | Closing


Billed = Literal["", "part", "whole"]
"""What the provider has its customer pay: nothing, an answer that broke off, or a whole one."""


class Performance(msgspec.Struct, frozen=True):
    """A whole HTTP answer. `length` is the declared Content-Length, None for a chunked body. `wait_s` passes before the head
    (None: the head never comes); `silent` closes the connection without any answer, `how` naming the way. `billed`: what is paid for
    it where it is sent to its end."""

    status: int
    headers: tuple[tuple[str, str], ...]
    steps: tuple[Step, ...]
    length: int | None = None
    wait_s: float | None = 0.0
    silent: Close | None = None
    billed: Billed = ""


class Dice:
    """The only randomness of the simulator: ids and chances, repeatable for a seed."""

    def __init__(self, seed: int | None = None) -> None:
        self._random = random.Random(seed)

    def hexadecimal(self, length: int) -> str:
        """So many hexadecimal digits."""
        return f"{self._random.getrandbits(4 * length):0{length}x}"

    def letters(self, length: int) -> str:
        """So many letters and digits."""
        return "".join(self._random.choices(_ALPHABET, k=length))

    def padding(self) -> str:
        """The random padding that OpenAI calls obfuscation."""
        return _PADDING[: self._random.getrandbits(4)]

    def falls_under(self, chance: float) -> bool:
        """True in that share of the throws."""
        return self._random.random() < chance

    def noise(self, length: int) -> bytes:
        """Bytes without any sense."""
        return self._random.randbytes(length)


def whole(status: int, headers: Sequence[tuple[str, str]], body: bytes) -> Performance:
    """An answer that comes in one piece."""
    return Performance(status, tuple(headers), (Beat(body, "end"),), length=len(body))


_ALPHABET = string.ascii_letters + string.digits
_PADDING = "pQ7xTzL2mVbW9aKdR"
