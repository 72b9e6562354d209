"""Recorded exchanges for whoever runs them again, as a gateway tells them (`/api/exchanges/…`, `/api/sessions/…`)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import quote

from dragoman.app.replay import Kept

_REQUEST = "client_request"

Told = Mapping[str, Any]


class Records:
    """What a gateway has on record. fetch: GET of a path, as JSON; None where it knows of no such thing."""

    def __init__(self, fetch: Callable[[str], Told | None]) -> None:
        self._fetch = fetch

    def row(self, name: str) -> Told | None:
        """The exchange of this id, or whose id alone begins so, without what was said; None if there is none."""
        return self._fetch(f"/api/exchanges/{quote(name, safe='')}")

    def exchange(self, name: str) -> Kept | None:
        """The same with what was said, as far as it was kept."""
        row = self._fetch(f"/api/exchanges/{quote(name, safe='')}?bodies=true")
        if row is None:
            return None
        bodies: Mapping[str, Any] = {side: body for side, body in row["bodies"].items() if body}
        asked: Mapping[str, Any] = bodies.get(_REQUEST, {})
        said = {side: body["text"].encode() for side, body in bodies.items()}
        return Kept({**row, "bodies": row["bodies_kept"]}, said, dict(asked.get("headers", ())), asked.get("whole", 0))

    def session(self, name: str) -> Sequence[Told]:
        """The exchanges of a session and of its sub-agents, in the order of time; empty if there is no session of that name."""
        tree = self._fetch(f"/api/sessions/{quote(name, safe='')}")
        return [] if tree is None else sorted(_exchanges(tree), key=lambda row: (row["began_at"], row["id"]))


def _exchanges(tree: Told) -> Iterator[Told]:
    for turn in tree["turns"]:
        yield from turn["exchanges"]
    for agent in tree["agents"]:
        yield from _exchanges(agent)
