"""What is measured: one table. Each row is one kind of traffic, the contenders that carry it, and the aim."""

from __future__ import annotations

import msgspec

CONTENDERS = ("direct", "nginx", "dragoman")


class Pace(msgspec.Struct, frozen=True):
    """How the stand-in provider streams: number of deltas and the microseconds before the first and between them."""

    chunks: int
    first_us: int
    interval_us: int


PACES = {
    "burst": Pace(64, 0, 0),
    "paced": Pace(64, 0, 2_000),
    "slow": Pace(200, 50_000, 50_000),
}


class Scenario(msgspec.Struct, frozen=True):
    """One kind of traffic. `client` and `upstream` are dialects: alike on the relay lane, different on the translate lane.

    aim: how many times nginx's CPU per request is wanted at most; None where there is no aim.
    ramp_s: the connections start spread over so many seconds. length_s: a fixed length, whatever BENCH_SECS says.
    rounds: at most so many. rate: requests a second, whoever answers; None: as fast as they go.
    """

    name: str
    client: str = "chat"
    upstream: str = "chat"
    size: str = "small"
    stream: bool = False
    pace: str = "burst"
    connections: int = 32
    contenders: tuple[str, ...] = ("nginx", "dragoman")
    aim: float | None = None
    ramp_s: float = 0.0
    length_s: float | None = None
    rounds: int | None = None
    rate: float | None = None


def _relay(dialect: str, size: str, *, stream: bool, aim: float) -> Scenario:
    form = "stream" if stream else "json"
    pace, connections = ("paced", 16) if stream else ("burst", 32)
    name = f"relay-{dialect}-{form}-{size}"
    return Scenario(name, dialect, dialect, size=size, stream=stream, pace=pace, connections=connections, aim=aim)


def _translate(client: str, upstream: str, size: str, *, stream: bool) -> Scenario:
    form = "stream" if stream else "json"
    pace, connections = ("paced", 16) if stream else ("burst", 32)
    return Scenario(f"translate-{client}-{form}-{size}", client, upstream, size, stream, pace, connections)


SCENARIOS = (
    _relay("chat", "small", stream=False, aim=5),
    _relay("chat", "60k", stream=False, aim=5),
    _relay("chat", "small", stream=True, aim=3),
    _relay("chat", "60k", stream=True, aim=3),
    _relay("responses", "small", stream=False, aim=5),
    _relay("responses", "60k", stream=False, aim=5),
    _relay("responses", "small", stream=True, aim=3),
    _relay("responses", "60k", stream=True, aim=3),
    _translate("responses", "chat", "small", stream=False),
    _translate("responses", "chat", "60k", stream=True),
    _translate("chat", "responses", "small", stream=False),
    _translate("chat", "responses", "60k", stream=True),
    Scenario("latency-json-small", "responses", "responses", connections=1, contenders=CONTENDERS),
    Scenario("latency-json-60k", "responses", "responses", "60k", connections=1, contenders=CONTENDERS),
    Scenario("latency-stream-60k", "responses", "responses", "60k", stream=True, pace="paced", connections=1, contenders=CONTENDERS),
    *(Scenario(f"steady-responses-json-{size}", "responses", "responses", size, rate=500) for size in ("small", "60k")),
    Scenario(
        "slow-500-streams",
        "responses",
        "responses",
        stream=True,
        pace="slow",
        connections=500,
        contenders=CONTENDERS,
        ramp_s=2.5,
        length_s=8.0,
        rounds=1,
    ),
)
