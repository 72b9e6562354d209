"""Recorded exchanges as a gateway tells them, for whoever runs them again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dragoman.app.recorded import Records
from dragoman.app.replay import Kept


def row(name: str, began_at: float, **more: Any) -> dict[str, Any]:
    return {"id": name, "began_at": began_at, **more}


def tree(name: str, *turns: list[dict[str, Any]], agents: tuple[Any, ...] = ()) -> dict[str, Any]:
    return {"id": name, "turns": [{"id": str(number), "exchanges": turn} for number, turn in enumerate(turns)], "agents": list(agents)}


def records(**told: Mapping[str, Any]) -> tuple[Records, list[str]]:
    """Those of a gateway that answers this by path, and what it was asked."""
    asked: list[str] = []

    def fetch(path: str) -> Mapping[str, Any] | None:
        asked.append(path)
        return told.get(path.rpartition("/")[2].partition("?")[0])

    return Records(fetch), asked


def test_session_is_told_with_what_its_sub_agents_asked_in_the_order_of_time() -> None:
    youngest = tree("c", [row("e4", 4.0)])
    helper = tree("b", [row("e2", 2.0), row("e5", 5.0)], agents=(youngest,))
    kept, _ = records(a=tree("a", [row("e1", 1.0), row("e3", 3.0)], [row("e6", 6.0)], agents=(helper,)))

    assert [each["id"] for each in kept.session("a")] == ["e1", "e2", "e3", "e4", "e5", "e6"]
    assert kept.session("nobody's") == []


def test_exchange_is_told_with_what_was_said_and_only_where_that_is_wanted() -> None:
    said = {"headers": {"openai-beta": "x"}, "whole": 900, "text": "{“}"}
    told = row("ex", 1.0, bodies="bodies", bodies_kept="redacted") | {"bodies": {"client_request": said, "client_response": None}}
    kept, asked = records(ex=told)

    assert kept.exchange("ex") == Kept({**told, "bodies": "redacted"}, {"client_request": "{“}".encode()}, {"openai-beta": "x"}, 900)
    assert kept.row("ex") == told
    assert asked == ["/api/exchanges/ex?bodies=true", "/api/exchanges/ex"]


def test_exchange_without_bodies_and_one_that_is_not_there() -> None:
    kept, asked = records(ex=row("ex", 1.0, bodies={}, bodies_kept="none"))

    assert kept.exchange("ex") == Kept(row("ex", 1.0, bodies="none", bodies_kept="none"))
    assert (kept.exchange("../other"), asked[1]) == (None, "/api/exchanges/..%2Fother?bodies=true")
