"""What the peers are measured with: the main rows of the benchmark, and two that it has in another dialect only."""

from __future__ import annotations

from bench.scenarios import SCENARIOS, Scenario

_MAIN = (
    "relay-chat-json-small",
    "relay-chat-json-60k",
    "relay-chat-stream-small",
    "relay-responses-json-60k",
    "relay-responses-stream-60k",
    "translate-responses-stream-60k",
)
# Chat Completions, since every peer speaks it.
_OWN = (
    Scenario("latency-chat-json-small", connections=1),
    Scenario("slow-500-chat-streams", stream=True, pace="slow", connections=500, ramp_s=2.5, length_s=8.0, rounds=1),
)
PEER_SCENARIOS = (*(scenario for scenario in SCENARIOS if scenario.name in _MAIN), *_OWN)
LABELS = {
    "relay-chat-json-small": "small JSON",
    "relay-chat-json-60k": "60 KB JSON",
    "relay-chat-stream-small": "stream of 64 deltas",
    "relay-responses-json-60k": "60 KB JSON, Responses",
    "relay-responses-stream-60k": "60 KB in, 64 deltas out, Responses",
    "translate-responses-stream-60k": "the same, provider speaks Chat",
    "latency-chat-json-small": "one connection, small JSON",
    "slow-500-chat-streams": "500 streams of 20 deltas a second",
}
