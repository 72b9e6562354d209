"""Where exchanges and attempts stand in a distributed trace: ids are given when they begin, spans are made when they are over."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import msgspec

from dragoman.ir.record import Trace
from dragoman.wire.frame import Headers
from dragoman.wire.tracecontext import PARENT, STATE, read_parent, write_parent

_TRACE_BITS = 128
_SPAN_BITS = 64


class Tracing(msgspec.Struct, frozen=True):
    """sample: the share of exchanges that is traced where no caller decides it. propagates: providers are told. bits: gives that many
    random bits; draw: a number in [0, 1)."""

    bits: Callable[[int], int]
    draw: Callable[[], float]
    sample: float = 1.0
    propagates: bool = True

    def begin(self, headers: Mapping[str, str]) -> Trace:
        """The place of an exchange that came with these headers: below its caller's span, or at the root of a trace of its own."""
        parent, span_id = read_parent(headers), self._id(_SPAN_BITS)
        if parent is None:
            return Trace(self._id(_TRACE_BITS), span_id, is_sampled=self.draw() < self.sample)
        return Trace(parent.trace_id, span_id, parent.span_id, is_sampled=parent.is_sampled, state=parent.state)

    def attempt(self, trace: Trace) -> tuple[str, Headers]:
        """(span id of an attempt, headers that tell its provider of it)."""
        span_id = self._id(_SPAN_BITS)
        if not self.propagates:
            return span_id, ()
        parent = (PARENT, write_parent(trace.trace_id, span_id, is_sampled=trace.is_sampled))
        return span_id, (parent, (STATE, trace.state)) if trace.state else (parent,)

    def _id(self, bits: int) -> str:
        return f"{self.bits(bits) or 1:0{bits // 4}x}"
