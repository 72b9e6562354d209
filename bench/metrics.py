"""What telling of one exchange costs: CPU for counting it, for its place in a trace, for its spans. `python -m bench.metrics`."""

from __future__ import annotations

import random
import time
from collections.abc import Callable

import msgspec

from dragoman.ir.record import Attempt, Record
from dragoman.ir.usage import Usage
from dragoman.observe.jsonlog import json_line
from dragoman.observe.line import line
from dragoman.observe.metrics import Metrics
from dragoman.observe.otlp import write_request
from dragoman.observe.spans import spans
from dragoman.observe.tracing import Tracing
from dragoman.policy.count import is_plain
from dragoman.policy.price import Steps

_ROUNDS = 5
_TIMES = 20_000
_TRACING = Tracing(bits=random.getrandbits, draw=random.random)
_TRACE = _TRACING.begin({})
_ANSWER = Attempt("openai", "gpt-5.5", 0.0003, "key-1", 0.001, 0.4, 2.3, 200, span_id="1" * 16)
STREAM = Record(
    id="ex_1",
    began_at=1.7e9,
    client="ada",
    agent="codex",
    dialect="responses",
    path="/v1/responses",
    asked="gpt-5.5",
    provider="openai",
    model="gpt-5.5",
    lane="relay",
    stream=True,
    status=200,
    usage=Usage(12_000, 300, 9_000, None, 120),
    attempts=[_ANSWER],
    bytes_in=60_000,
    bytes_out=9_000,
    first_token_s=0.41,
    total_s=2.3004,
    trace=_TRACE,
)
_DETAILS = {"prompt_tokens_details": {"cached_tokens": 9000, "audio_tokens": 0}, "completion_tokens_details": {"reasoning_tokens": 120}}
DETAILED = msgspec.structs.replace(STREAM, usage=Usage(12_000, 300, 9_000, None, 120, extra={"chat": _DETAILS}))
FALLEN_BACK = msgspec.structs.replace(STREAM, attempts=[Attempt("openai", "gpt-5.5", 0.0, ended_s=0.1, error="timeout"), _ANSWER])


def costs() -> list[tuple[str, float]]:
    """(what, microseconds of CPU an exchange)."""
    metrics = Metrics(lambda provider, model: True, Steps({}), is_plain)
    return [
        ("count it", _cost(lambda: metrics.record(STREAM))),
        ("count one with a provider's own counts", _cost(lambda: metrics.record(DETAILED))),
        ("count one that fell back", _cost(lambda: metrics.record(FALLEN_BACK))),
        ("its place in a trace, and a try's", _cost(lambda: _TRACING.attempt(_TRACING.begin({})))),
        ("its spans, in the exporter's thread", _cost(lambda: write_request(spans(STREAM, _TRACE, {}), {}, "1", ""))),
        ("its line for people", _cost(lambda: line(STREAM))),
        ("its line for machines", _cost(lambda: json_line(STREAM))),
    ]


def _cost(work: Callable[[], object]) -> float:
    best = float("inf")
    for _ in range(_ROUNDS):
        began = time.process_time()
        for _ in range(_TIMES):
            work()
        best = min(best, time.process_time() - began)
    return best / _TIMES * 1e6


if __name__ == "__main__":
    for what, cost in costs():
        print(f"{what:40} {cost:6.2f} µs")
