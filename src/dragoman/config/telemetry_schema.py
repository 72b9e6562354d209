"""The section `telemetry`: what is told to other systems about the exchanges. The sentence below each field is its documentation."""

from __future__ import annotations

import msgspec

from dragoman.config.values import Count, HeaderText, Seconds, Share


class Otlp(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Traces to an OpenTelemetry collector (OTLP over HTTP, the GenAI semantic conventions)."""

    endpoint: str | None = None
    """The collector, as `http://127.0.0.1:4318`; `/v1/traces` is added where no path is given; null sends no traces."""
    headers: dict[str, HeaderText] = {}
    """Further headers on each request to it; their values may be `$VARIABLE` or `file:/path`."""
    sample: Share = 1.0
    """The share of exchanges that is traced where the client's own trace does not decide it."""
    propagate: bool = True
    """Whether providers get the W3C headers `traceparent` and `tracestate` of a traced exchange."""
    content: bool = False
    """Whether spans hold the conversation itself: instructions, messages, tools and answers."""
    service_name: str = "dragoman"
    """What the gateway is called in traces."""
    timeout_s: Seconds = 10.0
    """Seconds for the collector to take a batch."""
    queue: Count = 2048
    """Exchanges that may wait to be sent; past that new ones are left out, and counted."""


class Telemetry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is told to other systems."""

    metrics: bool = True
    """Whether `GET /metrics` answers Prometheus; with `access.keys` it needs a client key."""
    otlp: Otlp = Otlp()
    """Traces."""
