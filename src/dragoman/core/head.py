"""The head of a provider's answer, gone through once: of what type the answer is, what clients are told of it, what it says of limits.

Every answer has twenty headers that say nothing here, the same ones each time: their names are known again.
"""

from __future__ import annotations

from dragoman.routing.ratelimits import tells_limits
from dragoman.wire.frame import Headers

_TYPE, _TOLD, _LIMIT = 1, 2, 4
_NAMES_TOLD = ("x-request-id", "request-id", "openai-processing-ms", "openai-version", "retry-after", "retry-after-ms")
_KNOWN = {"content-type": _TYPE, **dict.fromkeys(_NAMES_TOLD, _TOLD)}
_TOLD_BEGINNINGS = ("x-ratelimit-", "anthropic-ratelimit-")
_NAMES_KEPT = 1000
"""Providers choose names, so those that are kept are bounded."""

_idle: set[str] = set()
_kinds: dict[str, int] = {}

Sifted = tuple[str, list[tuple[str, str]], list[tuple[str, str]]]


def sift(headers: Headers) -> Sifted:
    """The content type (empty: none is told), the headers that clients are told, those that tell of limits.

    The provider's `openai-model` is not told: Codex tells its user of a "rerouted" model when that name is not the one asked for.
    """
    content_type = ""
    told: list[tuple[str, str]] = []
    limits: list[tuple[str, str]] = []
    idle = _idle
    for pair in headers:
        if pair[0] in idle:
            continue
        kind = _kinds.get(pair[0])
        if kind is None:
            kind = _learn(pair[0])
        if kind & _TOLD:
            told.append(pair)
        if kind & _LIMIT:
            limits.append(pair)
        if kind & _TYPE and not content_type:
            content_type = pair[1]
    return content_type, told, limits


def _learn(name: str) -> int:
    kind = _KNOWN.get(name, _TOLD if name.startswith(_TOLD_BEGINNINGS) else 0) | (_LIMIT if tells_limits(name) else 0)
    if len(_idle) + len(_kinds) < _NAMES_KEPT:
        if kind:
            _kinds[name] = kind
        else:
            _idle.add(name)
    return kind
