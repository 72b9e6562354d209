"""The fault matrix: every kind of error at every moment, by client, provider, strategy, streamed or whole, with rescue or without; and
what a client must see of it, worked out from the table of error kinds alone."""

from __future__ import annotations

from typing import Any

import msgspec
from pairs import pairwise

from dragoman.dialects.registry import names
from dragoman.server.app import MODEL_ROUTES

CLIENTS = tuple(MODEL_ROUTES.values())
"""What the gateway speaks to clients over HTTP."""
INSIDE = tuple(name for name in names() if name not in CLIENTS)
"""What it could speak to them besides, had it a door for it."""
UPSTREAMS = ("responses", "chat", "messages", "generate")
STRATEGIES = ("priority", "weighted", "latency", "cheapest", "least-busy", "usage", "tiered")
WORDS = "one two three four five six"
MODELS = {"responses": "gpt-5.5", "chat": "glm-5.3", "messages": "claude-haiku-4-5", "generate": "gemini-2.5-flash"}


class Kind(msgspec.Struct, frozen=True):
    """One kind of fault at one moment. `fault`: as the simulator's scripts say it (None: the provider cannot be reached at all);
    `moves`: another target may be asked, as long as the client has nothing; `status`: what the client is told where it may not."""

    name: str
    moment: str
    fault: dict[str, Any] | None
    moves: bool = True
    status: int = 0

    def __str__(self) -> str:
        return f"{self.name}@{self.moment}"


PLACES: dict[str, Any] = {
    "headers": {},
    "before output": {"before_output": True},
    "thought": {"within": "thought"},
    "text": {"within": "text"},
    "call": {"within": "call"},
    "end": {"before_end": True},
}
DELIVERED = frozenset({"thought", "text", "call", "end"})
"""Moments at which the client of a stream has something of the answer."""


def _refusals() -> tuple[Kind, ...]:
    moving = ("rate_limit", "quota", "invalid_key", "permission", "payment_required", "server_error", "bad_gateway", "overloaded")
    staying = {"invalid_request": 400, "context_length": 400}
    more = ("gateway_timeout", "unavailable", "model_not_found")
    return (
        *(Kind(name, "status", {"error": name}) for name in (*moving, *more)),
        *(Kind(name, "status", {"error": name}, False, status) for name, status in staying.items()),
    )


KINDS: tuple[Kind, ...] = (
    Kind("refused", "connect", None),
    Kind("no tls", "tls", None),
    *_refusals(),
    Kind("closed", "before headers", {"cut": {"at": "head", "how": "fin"}}),
    Kind("reset", "before headers", {"cut": {"at": "head", "how": "reset"}}),
    Kind("silent", "before headers", {"stall": {"at": "head"}}),
    *(Kind("closed", moment, {"cut": {"at": place, "how": "fin"}}) for moment, place in PLACES.items()),
    *(Kind("silent", moment, {"stall": {"at": place}}) for moment, place in PLACES.items()),
    *(Kind("unended", moment, {"cut": {"at": place, "how": "end"}}) for moment, place in PLACES.items()),
    *(
        Kind("error event", moment, {"in_stream": "server_error", "in_stream_at": place})
        for moment, place in PLACES.items()
        if moment != "headers"
    ),
    *(
        Kind("garbage", moment, {"insert": [{"at": place, "text": "event: x\ndata: {]\n\n"}]})
        for moment, place in PLACES.items()
        if moment in ("before output", "text", "call")
    ),
)
BY_NAME = {str(kind): kind for kind in KINDS}
AXES: dict[str, tuple[Any, ...]] = {
    "kind": tuple(BY_NAME),
    "client": CLIENTS,
    "upstream": UPSTREAMS,
    "strategy": STRATEGIES,
    "streamed": (True, False),
    "rescue": (False, True),
}


def may(case: dict[str, Any]) -> bool:
    """Whether there is such a case."""
    if "kind" not in case:
        return True
    kind, client, upstream, streamed = BY_NAME[case["kind"]], case.get("client"), case.get("upstream"), case.get("streamed")
    if kind.name == "garbage" and client is not None and client == upstream and case.get("rescue") is False:
        return False  # what is relayed is not looked into
    if streamed is False and (kind.name in ("error event", "garbage") or kind.moment in ("before output", "thought", "call", "end")):
        return False  # a whole answer has no such moments
    if upstream == "generate" and kind.moment in ("call", "thought"):
        return False  # its calls come whole, and it shows no thoughts unasked
    if upstream == "messages" and kind.moment == "thought":
        return False  # this model does not think unasked
    return not (upstream == "generate" and kind.name == "payment_required")


def cases(clients: tuple[str, ...] = CLIENTS) -> list[dict[str, Any]]:
    """All of the matrix for clients of these dialects."""
    return pairwise({**AXES, "client": clients}, may)


class Expected(msgspec.Struct, frozen=True):
    """What must come of a case. told: `answer` (all of it), `refusal` (an error instead of an answer) or `broken` (an error after the
    beginning of one); tries: how many requests reach the providers; whole, part: answers that are paid for."""

    told: str
    tries: int
    whole: int
    part: int
    status: int = 200


def expected(case: dict[str, Any]) -> Expected:
    """What the rules demand."""
    kind = BY_NAME[case["kind"]]
    if kind.fault is None:
        return Expected("answer", 1, 1, 0)
    part = int(kind.moment not in ("status", "before headers"))
    if not kind.moves:
        return Expected("refusal", 1, 0, 0, kind.status)
    has_something = case["streamed"] and kind.moment in DELIVERED
    if not has_something:
        return Expected("answer", 2, 1, part)
    if case["rescue"] and kind.moment != "call":
        return Expected("answer", 2, 1, part)
    return Expected("broken", 1, 0, part)
