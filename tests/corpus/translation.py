"""Carries an exchange to another dialect the way the gateway does: fitted, written; the answer written for the client."""

from __future__ import annotations

import msgspec

from dragoman.dialects.contract import Call
from dragoman.dialects.registry import dialect
from dragoman.ir import events as ev
from dragoman.ir.request import Request
from dragoman.lower.lower import lower
from dragoman.profiles.families import capabilities, quirks_of
from dragoman.profiles.registry import profile

TARGETS = {
    "responses": ("openai", "gpt-5.6"),
    "chat": ("openai", "gpt-4.1"),
    "messages": ("anthropic", "claude-opus-5"),
    "generate": ("gemini", "gemini-3-pro-preview"),
}
"""For each dialect the maker of its API, and a model of a kind that takes most of what the dialect can say."""


class Carried(msgspec.Struct, frozen=True):
    """A request as it goes to another dialect: what was to be said, the call that says it, and (field, why) of what was left out."""

    fitted: Request
    call: Call
    left_out: list[tuple[str, str]]


def carry_request(request: Request, target: str) -> Carried:
    """Fit and write. Raises GatewayError where the target cannot be asked that."""
    kind, model = TARGETS[target]
    facts = profile(kind)
    fitted = lower(msgspec.structs.replace(request, model=model), capabilities(facts, target, model))
    call, lost = dialect(target).write_request(fitted.request, quirks_of(facts, model))
    return Carried(fitted.request, call, [*fitted.warnings, *lost])


def write_events(events: list[ev.Event], target: str, asked: Request) -> bytes:
    """A stream as the client of another dialect gets it."""
    writer = dialect(target).writer(asked)
    return b"".join([*(writer.feed(event) for event in events), writer.close()])
