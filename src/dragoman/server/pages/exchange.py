"""The page of one exchange: everything on record about it, put in order for the template."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from dragoman.server.pages.journal import Body, Fact, Kept, fields, rows
from dragoman.server.pages.talk import SHOWN, Talk, read_talk
from dragoman.server.pages.waterfall import parts, ticks, waterfall

SIDES = {
    "client_request": "what the client sent",
    "provider_request": "what the provider was sent",
    "provider_response": "what the provider answered",
    "client_response": "what the client was answered",
}
"""The four sides, in the order in which they came about."""
_DECISION = ("model", "found", "strategy", "rule", "passed", "tier", "tier_why", "session", "sticky", "moved", "never")
_SHOWN = 64 * 1024
_FORMATTED = 2 * 1024 * 1024


class Side(msgspec.Struct, frozen=True):
    """One body as it is shown. text: its beginning, over several lines where it is JSON; left_out: whether there is more."""

    name: str
    title: str
    headers: tuple[tuple[str, str], ...]
    text: str
    size: int
    left_out: bool


def exchange(kept: Kept, *, shows_all: bool) -> dict[str, Any]:
    """The values of the template."""
    fact, bodies = kept.fact, kept.bodies
    return {
        "fact": fact,
        "earlier": kept.earlier,
        "later": kept.later,
        "attempts": rows(fact, "attempts"),
        "tools": rows(fact, "tools"),
        "warnings": rows(fact, "warnings"),
        "decision": _decision(fields(fact, "decision")),
        "rows": waterfall(fact),
        "ticks": ticks(fact),
        "parts": parts(fact),
        "tokens": tuple(_tokens(fact)),
        "costs": tuple((name.replace("_", " "), pico) for name, pico in fields(fact, "cost_parts").items()),
        "talk": _talk(fact, bodies, None if shows_all else SHOWN),
        "sides": tuple(_side(name, bodies[name]) for name in SIDES if name in bodies),
    }


def _decision(told: Mapping[str, Any]) -> Mapping[str, Any]:
    """With what was left out because it was empty; nothing if nothing was told."""
    places = [{"seat": "", "why": "", **place, "trouble": _trouble(place)} for place in told.get("places", ())]
    return {**dict.fromkeys(_DECISION, ""), **told, "places": places} if told else {}


def _trouble(place: Mapping[str, Any]) -> str:
    """What is wrong with a place. Most troubles begin with how it stands, as `resting for 1 s: …`."""
    standing, trouble = place.get("standing") or "", place.get("trouble") or ""
    return trouble if trouble.startswith(standing) else f"{standing}: {trouble}".removesuffix(": ")


def _tokens(fact: Fact) -> Iterator[tuple[str, int, int | None, bool]]:
    """(words, count, of how many, is a part) of the kinds that were told."""
    whole_input, whole_output = fact.get("input_tokens"), fact.get("output_tokens")
    rows = (
        ("input", whole_input, None, False),
        ("read from the cache", fact.get("cache_read_tokens"), whole_input, True),
        ("written to the cache", fact.get("cache_write_tokens"), whole_input, True),
        ("output", whole_output, None, False),
        ("reasoning", fact.get("reasoning_tokens"), whole_output, True),
        ("total", fact.get("total_tokens"), None, False),
    )
    for words, count, whole, is_part in rows:
        if count is not None:
            yield words, count, whole, is_part


def _talk(fact: Fact, bodies: Mapping[str, Body], most: int | None) -> Talk:
    request, response = bodies.get("client_request"), bodies.get("client_response")
    return read_talk(
        fact.get("dialect_in") or "",
        path_model=fact.get("asked") or "",
        stream=bool(fact.get("stream")),
        request=None if request is None else request.data,
        response=None if response is None or (fact.get("error") and not fact.get("first_token_s")) else response.data,
        most=most,
    )


def _side(name: str, body: Body) -> Side:
    text = _over_lines(body.data)
    return Side(name, SIDES[name], body.headers, text[:_SHOWN], body.whole, len(text) > _SHOWN)


def _over_lines(data: bytes) -> str:
    """JSON over several lines, anything else as it is."""
    if data[:1] in (b"{", b"[") and len(data) <= _FORMATTED:
        try:
            data = msgspec.json.format(data, indent=2)
        except (msgspec.DecodeError, RecursionError):
            pass
    return data.decode("utf-8", "replace")
