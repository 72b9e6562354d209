"""Asking providers for their lists: what is due, what failed, what changed."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Coroutine
from decimal import Decimal
from typing import Any

import pytest

from dragoman.app.listing import Lists, Question
from dragoman.ir.errors import GatewayError, Kind
from dragoman.policy.rates import Unit
from dragoman.upstream.origin import Origin

ORIGIN = Origin("http", "127.0.0.1", 1)


class FakeReply:
    def __init__(self, status: int, body: bytes) -> None:
        self.status = status
        self._body = body
        self.closed = False

    async def head(self) -> bool:
        return True

    async def read_all(self, limit_bytes: int) -> bytes:
        return self._body

    def close(self) -> None:
        self.closed = True


class FakePool:
    """Answers each path with what is set for it; counts."""

    def __init__(self) -> None:
        self.answers: dict[str, Any] = {}
        self.asked: list[str] = []

    async def open(self, origin: Origin, method: str, target: str, headers: Any, body: bytes, deadlines: Any) -> FakeReply:
        self.asked.append(target)
        answer = self.answers[target]
        if isinstance(answer, GatewayError):
            raise answer
        return FakeReply(*answer)


def listed(*models: dict[str, Any]) -> tuple[int, bytes]:
    return 200, json.dumps({"data": list(models)}).encode()


class Stand:
    def __init__(self) -> None:
        self.pool = FakePool()
        self.now = 1000.0
        self.lists = Lists(self.pool, clock=lambda: self.now)  # type: ignore[arg-type]

    def refresh(self, *paths: str) -> bool:
        questions = [Question(path.strip("/"), ORIGIN, path, ()) for path in paths]
        return run(self.lists.refresh(questions))


def run(made: Coroutine[Any, Any, bool]) -> bool:
    return asyncio.run(made)


@pytest.fixture
def stand() -> Stand:
    return Stand()


def test_list_is_asked_once_an_hour(stand: Stand) -> None:
    stand.pool.answers["/a"] = listed({"id": "m"})

    changed = [stand.refresh("/a")]
    stand.now += 3599
    changed.append(stand.refresh("/a"))
    stand.now += 1
    changed.append(stand.refresh("/a"))

    assert (stand.pool.asked, changed) == (["/a", "/a"], [True, False, False])
    assert stand.lists.names() == {"a": ("m",)}


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        ((401, b"{}"), "it answered 401"),
        ((200, b"nonsense"), "the answer is no JSON that can be read"),
        (GatewayError(Kind.UNREACHABLE, "nobody there"), "nobody there"),
    ],
)
def test_failure_keeps_what_was_told_is_shown_and_asked_again_sooner(stand: Stand, answer: Any, error: str) -> None:
    stand.pool.answers["/a"] = listed({"id": "m"})
    stand.refresh("/a")
    stand.pool.answers["/a"] = answer
    stand.now += 3600

    changed = stand.refresh("/a")
    state = stand.lists.state()
    stand.now += 300
    stand.refresh("/a")

    assert not changed
    assert state == {"a": {"at": 4600.0, "models": 1, "error": error}}
    assert len(stand.pool.asked) == 3


def test_provider_that_is_gone_or_moved_is_forgotten(stand: Stand) -> None:
    stand.pool.answers = {"/a": listed({"id": "m"}), "/b": listed({"id": "n"})}
    stand.refresh("/a", "/b")

    assert stand.refresh("/b")
    assert stand.lists.names() == {"b": ("n",)}

    stand.pool.answers["/c"] = (500, b"")
    run(stand.lists.refresh([Question("b", ORIGIN, "/c", ())]))

    assert stand.lists.names() == {}


def test_prices_of_a_list_are_exact(stand: Stand) -> None:
    stand.pool.answers["/a"] = listed({"id": "claude-opus-4.5", "pricing": {"prompt": "0.0000001", "completion": "0.0000007"}})
    stand.refresh("/a")

    price = stand.lists.price("a", "claude-opus-4-5")

    assert price is not None
    assert price.at(0.0) == {Unit.INPUT: Decimal("0.1"), Unit.OUTPUT: Decimal("0.7")}
    assert stand.lists.price("a", "other") is None


def test_key_stands_in_no_repr(stand: Stand) -> None:
    assert "secret" not in repr(Question("a", ORIGIN, "/a", (("authorization", "Bearer secret"),)))


def test_of_two_windows_that_are_known_the_smaller_one_counts(stand: Stand) -> None:
    told = {"gpt-4o": 32_000, "gpt-5.5": 9_000_000, "homemade": 8_000}
    stand.pool.answers["/a"] = listed(*({"id": name, "context_length": window} for name, window in told.items()))
    stand.refresh("/a")

    windows = {name: stand.lists.window("a", name) for name in (*told, "o3", "nobody-knows")}

    assert windows == {"gpt-4o": 32_000, "gpt-5.5": 272_000, "homemade": 8_000, "o3": 200_000, "nobody-knows": None}
