"""The facts of one request for routing: each is found when a rule or a strategy first reads it, and remembered."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from hashlib import blake2b
from typing import Any, Generic, TypeVar

import msgspec

from dragoman.agents.contract import Agent, Session
from dragoman.core.body_facts import beginning, last_words, media_bytes, modalities, text_entries
from dragoman.dialects.contract import Peek
from dragoman.dialects.glance import Fields, Places, read
from dragoman.policy.identity import Principal

_TOKEN_BYTES = 4
_CACHED_BYTES = 4096
"""Shorter beginnings are in no provider's prompt cache (1,024 tokens at least), so nothing is lost where they go elsewhere."""
_USUAL_ANSWER = 500
"""Tokens of an answer that nothing is known of."""
_METADATA = "x-dragoman-metadata"
_CACHE_KEY = ("prompt_cache_key",)
_NO_SESSION = (None, "")


_Value = TypeVar("_Value")


class fact(Generic[_Value]):
    """A property that is computed once. `functools.cached_property` of Python 3.11 takes a lock for it, a microsecond each."""

    def __init__(self, compute: Callable[[Any], _Value]) -> None:
        self._compute = compute
        self._name = compute.__name__

    def __get__(self, instance: object, owner: type | None = None) -> _Value:
        value = instance.__dict__[self._name] = self._compute(instance)
        return value


class RequestAsk:
    """The facts of a request as it came in. Implements `routing.ask.Ask`, where each fact is explained."""

    def __init__(
        self,
        *,
        places: Places,
        headers: Mapping[str, str],
        size_bytes: int,
        wall: float,
        agent: Agent,
        session: Session,
        principal: Principal,
        peek: Peek,
    ) -> None:
        """places: of its dialect. headers: names in lower case. session: what the agent says of itself. wall: Unix seconds it came at."""
        self.headers = headers
        self.size_bytes = size_bytes
        self.wall = wall
        self.client = principal.name
        self.team = principal.team
        self.user = principal.user
        self.model = peek.model
        self.stream = peek.stream
        self.agent = agent.name
        self._told = session
        self._places = places
        self._fields: Fields = peek.outline.fields if peek.outline is not None else {}

    @fact
    def kinds(self) -> tuple[str, ...]:
        told = self._told
        return (told.kind, *told.also) if told.kind is not None else told.also

    @fact
    def metadata(self) -> Mapping[str, str]:
        """Of the body, and over it that of the header, whose bytes are read as Latin-1 whatever they are."""
        header = self.headers.get(_METADATA)
        said = {} if header is None else text_entries(header.encode("latin-1", "replace"))
        return {**text_entries(self._fields.get("metadata")), **said}

    @fact
    def effort(self) -> str | None:
        return self._places.effort(self._fields)

    @fact
    def modalities(self) -> frozenset[str]:
        return modalities(self._fields, self._places)

    @fact
    def tools(self) -> int:
        return self._places.tools(self._fields)

    @fact
    def tokens(self) -> int:
        """Four bytes a token; pictures and files that stand in the body are left out."""
        media = media_bytes(self._fields, self._places) if len(self.modalities) > 1 else 0
        return max(0, self.size_bytes - media) // _TOKEN_BYTES

    @fact
    def output_tokens(self) -> int:
        said = (read(self._fields, path, int) for path in self._places.limits)
        return min([_USUAL_ANSWER, *(limit for limit in said if limit is not None and limit > 0)])

    @fact
    def session(self) -> str | None:
        return self._session[0]

    @fact
    def session_from(self) -> str:
        return self._session[1]

    @fact
    def previous(self) -> str | None:
        return read(self._fields, ("previous_response_id",), str) or None

    @fact
    def _session(self) -> tuple[str | None, str]:
        return session_of(self._told, self._fields, self._places, self.size_bytes)

    def excerpt(self, most: int = 4000) -> str:
        """The user's last words as they stand in the body, for a classifier to judge by; at most so many letters."""
        return last_words(self._fields, self._places).decode("utf-8", "replace")[:most]


def session_of(told: Session, fields: Fields, places: Places, size_bytes: int) -> tuple[str | None, str]:
    """By what a request stays where it is, and what that was read from: the agent's own id, the prompt cache's key, or how a long prompt
    begins; (None, empty) if it has none of these."""
    if told.session_id is not None:
        return told.session_id, "the agent's session"
    key = read(fields, _CACHE_KEY, str) if "prompt_cache_key" in fields else None
    if key:
        return key, "`prompt_cache_key`"
    if size_bytes < _CACHED_BYTES:
        return _NO_SESSION
    return blake2b(beginning(fields, places), digest_size=16).hexdigest(), "the prompt's beginning"


def ask_facts(ask: RequestAsk) -> dict[str, object]:
    """All facts of a request, for a dry run to show; computes each of them."""
    names = (
        "client", "team", "user", "model", "agent", "kinds", "effort", "modalities", "tools", "stream", "size_bytes", "tokens",
        "output_tokens", "metadata", "session_from", "previous",
    )  # fmt: skip
    return {name: msgspec.to_builtins(getattr(ask, name)) for name in names}
