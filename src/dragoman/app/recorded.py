"""Recorded exchanges for whoever runs them again: out of the database itself, or asked of a gateway."""

from __future__ import annotations

import contextlib
import importlib
from collections.abc import Callable, Generator, Mapping, Sequence
from typing import Any, Protocol
from urllib.parse import quote, urlencode

from dragoman.app.replay import Kept

_MOST = 10_000
_PAGE = 500
_REQUEST, _RESPONSE = "client_request", "client_response"


class Records(Protocol):
    """Where recorded exchanges are to be had."""

    def exchange(self, name: str) -> Kept | None:
        """The one of this id, or whose id alone begins so; None if there is none."""
        ...

    def session(self, name: str) -> Sequence[Mapping[str, Any]]:
        """The rows of a session's exchanges in the order of time; empty if there is none of that name."""
        ...


class Database:
    """A store of our own. SQLAlchemy is loaded when it is opened: that takes a fifth of a second."""

    def __init__(self, store: Any) -> None:
        self._store = store
        self._queries = importlib.import_module("dragoman.store.queries")
        self._read_bodies = importlib.import_module("dragoman.store.bodies").read_bodies
        self._filter = importlib.import_module("dragoman.store.filter").Filter

    def exchange(self, name: str) -> Kept | None:
        """As `Records` says."""
        with self._store.reader() as connection:
            row = self._queries.one(connection, name)
            if row is None:
                return None
            bodies = self._read_bodies(connection, row["id"])
        asked = bodies.get(_REQUEST)
        return Kept(
            row,
            {side: body.data for side, body in bodies.items()},
            {} if asked is None else dict(asked.headers),
            0 if asked is None else asked.whole,
        )

    def session(self, name: str) -> Sequence[Mapping[str, Any]]:
        """As `Records` says."""
        with self._store.reader() as connection:
            return list(reversed(self._queries.page(connection, self._filter(equal={"session": (name,)}), _MOST)))


@contextlib.contextmanager
def database(url: str) -> Generator[Database]:
    """Open the database at this URL for the block. Raises what `store.open.open_store` raises."""
    store = importlib.import_module("dragoman.store.open").open_store(url)
    try:
        yield Database(store)
    finally:
        store.close()


class Gateway:
    """A gateway that is asked. fetch: GET of a path, as JSON; None where it knows of no such thing."""

    def __init__(self, fetch: Callable[[str], Mapping[str, Any] | None]) -> None:
        self._fetch = fetch

    def exchange(self, name: str) -> Kept | None:
        """As `Records` says."""
        row = self._fetch(f"/api/exchanges/{quote(name, safe='')}?bodies=true")
        if row is None:
            return None
        bodies: Mapping[str, Any] = row.get("bodies") if isinstance(row.get("bodies"), dict) else {}  # type: ignore[assignment]
        asked: Mapping[str, Any] = bodies.get(_REQUEST) or {}
        return Kept(
            {**row, "bodies": row.get("bodies_kept")},
            {side: body["text"].encode() for side, body in bodies.items() if body},
            dict(asked.get("headers", ())),
            asked.get("whole", 0),
        )

    def session(self, name: str) -> Sequence[Mapping[str, Any]]:
        """As `Records` says."""
        found: list[Mapping[str, Any]] = []
        query = {"session": name, "limit": _PAGE}
        while len(found) < _MOST:
            page = self._fetch(f"/api/exchanges?{urlencode(query)}")
            if page is None:
                break
            found += page["exchanges"]
            if not page.get("next"):
                break
            query["cursor"] = page["next"]
        return found[::-1]
