"""What an answer was based on that is billed apart: searches of the web and of maps, as `groundingMetadata` tells them. The API counts them
nowhere, so they are counted here.

https://ai.google.dev/gemini-api/docs/google-search (empty queries and repeated ones are not billed),
https://ai.google.dev/gemini-api/docs/maps-grounding
"""

from __future__ import annotations

from typing import Any

import msgspec

from dragoman.dialects.generate.remainder import NAME
from dragoman.dialects.remainder import JsonObject, object_or_empty, objects
from dragoman.ir.usage import Usage

SEARCHES = "$searches"
"""Where counts of ours stand among those of the API: `web` (queries), `requests` (1: there was any), `maps` (1: it was asked)."""


class Searches:
    """Those of one reply."""

    def __init__(self) -> None:
        self._queries: set[str] = set()
        self._sources: set[str] = set()

    def add(self, grounding: JsonObject) -> None:
        """What a candidate tells, whole or in parts: the same is counted once."""
        queries: Any = grounding.get("webSearchQueries")
        if isinstance(queries, list):
            self._queries.update(query for query in queries if isinstance(query, str) and query)  # pyright: ignore[reportUnknownVariableType]
        self._sources.update(kind for chunk in objects(grounding.get("groundingChunks")) for kind in ("web", "maps") if kind in chunk)

    def counted(self, usage: Usage) -> Usage:
        """The usage with them beside it."""
        web = len(self._queries) or ("web" in self._sources)
        found = {"web": int(web), "requests": int(bool(web)), "maps": int("maps" in self._sources)}
        told = {name: count for name, count in found.items() if count}
        if not told:
            return usage
        rest = object_or_empty((usage.extra or {}).get(NAME))
        return msgspec.structs.replace(usage, extra={NAME: {**rest, SEARCHES: told}})
