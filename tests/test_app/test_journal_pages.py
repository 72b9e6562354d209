"""The journal as the pages want it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any, cast

import pytest

from dragoman.app.asking import Asking
from dragoman.app.pages import NO_JOURNAL, journal_of
from dragoman.ir.errors import GatewayError, Kind
from dragoman.server.pages.journal import Body, Found, Kept
from dragoman.store.bodies import Body as Stored


class Database:
    """Knows one exchange."""

    def __init__(self) -> None:
        self.given: list[Mapping[str, str]] = []

    async def exchanges(self, given: Mapping[str, str]) -> dict[str, Any]:
        self.given.append(given)
        return {"exchanges": [{"id": "ex_1"}], "next": "further"}

    async def usage(self, given: Mapping[str, str]) -> dict[str, Any]:
        self.given.append(given)
        if given.get("model") == "slow":
            await asyncio.Event().wait()
        return {"usage": [], "total": {"exchanges": 6, "failed": 3, "left": 2}}

    async def exchange(self, name: str) -> dict[str, Any]:
        if name == "away":
            raise GatewayError(Kind.OVERLOADED, "the database is away")
        if not "ex_1".startswith(name):
            raise GatewayError(Kind.NOT_FOUND, "no such exchange")
        return {"id": "ex_1"}

    async def beside(self, row: Mapping[str, Any]) -> tuple[str | None, str | None]:
        return f"before {row['id']}", None

    async def bodies(self, name: str) -> Mapping[str, Stored]:
        return {"client_request": Stored((("a", "b"),), name.encode(), 7)}


def test_filters_are_asked_for_as_an_address_has_them() -> None:
    database = Database()

    found = asyncio.run(journal_of(cast("Asking", database)).find({"after": 12.5, "model": "m"}))

    assert (found, database.given) == (Found([{"id": "ex_1"}], "further"), [{"after": "12.5", "model": "m"}])


def test_sums_are_of_all_pages_and_none_where_they_would_take_too_long() -> None:
    database = Database()
    quick, slow = journal_of(cast("Asking", database)), journal_of(cast("Asking", database), patience_s=0.0)

    assert asyncio.run(quick.sums({"after": 12.5, "model": "m", "cursor": "c"})) == {"exchanges": 6, "failed": 3, "left": 2}
    assert asyncio.run(slow.sums({"model": "slow"})) is None
    assert database.given == [{"after": "12.5", "model": "m"}, {"model": "slow"}]


def test_an_exchange_comes_with_its_bodies_also_where_only_the_beginning_of_its_id_is_told() -> None:
    kept = asyncio.run(journal_of(cast("Asking", Database())).read("ex"))

    assert kept == Kept({"id": "ex_1"}, {"client_request": Body((("a", "b"),), b"ex_1", 7)}, "before ex_1", None)


def test_what_is_not_there_is_none_and_what_is_wrong_is_told() -> None:
    journal = journal_of(cast("Asking", Database()))

    assert asyncio.run(journal.read("other")) is None
    with pytest.raises(GatewayError, match="away"):
        asyncio.run(journal.read("away"))


def test_a_gateway_without_a_journal_says_so() -> None:
    with pytest.raises(GatewayError, match="keeps no journal"):
        asyncio.run(NO_JOURNAL.find({}))
