"""Where an exchange stands in a trace, and what its providers are told."""

from __future__ import annotations

from dragoman.ir.record import Trace
from dragoman.observe.tracing import Tracing

TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"


def tracing(*, draw: float = 0.0, sample: float = 1.0, propagates: bool = True) -> Tracing:
    return Tracing(bits=lambda count: count, draw=lambda: draw, sample=sample, propagates=propagates)


def test_an_exchange_joins_its_callers_trace() -> None:
    trace = tracing(sample=0.0).begin({"traceparent": f"00-{TRACE}-{SPAN}-01", "tracestate": "a=1"})

    assert trace == Trace(TRACE, f"{64:016x}", SPAN, is_sampled=True, state="a=1")


def test_the_caller_decides_whether_it_is_sampled() -> None:
    assert not tracing().begin({"traceparent": f"00-{TRACE}-{SPAN}-00"}).is_sampled


def test_without_a_caller_the_share_decides() -> None:
    sampled = [tracing(draw=draw, sample=0.5).begin({}).is_sampled for draw in (0.0, 0.49, 0.5, 0.9)]

    assert sampled == [True, True, False, False]
    assert tracing().begin({}) == Trace(f"{128:032x}", f"{64:016x}")


def test_no_id_is_all_zeros() -> None:
    nothing = Tracing(bits=lambda count: 0, draw=lambda: 0.0)

    assert nothing.begin({}) == Trace(f"{1:032x}", f"{1:016x}")


def test_providers_are_told_of_the_attempts_own_span() -> None:
    trace = Trace(TRACE, SPAN, is_sampled=False, state="a=1")

    assert tracing().attempt(trace) == (f"{64:016x}", (("traceparent", f"00-{TRACE}-{64:016x}-00"), ("tracestate", "a=1")))
    assert tracing().attempt(Trace(TRACE, SPAN))[1] == (("traceparent", f"00-{TRACE}-{64:016x}-01"),)
    assert tracing(propagates=False).attempt(trace) == (f"{64:016x}", ())
