"""What launchers tell is kept for their own run alone, and never without bound."""

from __future__ import annotations

import pytest

from dragoman.ir.errors import GatewayError, Kind
from dragoman.server.shelf import Shelf


def test_run_gets_what_its_own_principal_told() -> None:
    shelf = Shelf()

    shelf.put("run-0001", "ada", b'{"a":1}')

    assert (shelf.get("run-0001", "ada"), shelf.get("run-0001", "bob"), shelf.get("run-0002", "ada")) == (b'{"a":1}', None, None)


def test_run_of_somebody_else_cannot_be_told_for() -> None:
    shelf = Shelf()
    shelf.put("run-0001", "ada", b"{}")

    with pytest.raises(GatewayError) as caught:
        shelf.put("run-0001", "bob", b'{"evil":1}')

    assert caught.value.kind is Kind.PERMISSION
    assert shelf.get("run-0001", "ada") == b"{}"


@pytest.mark.parametrize(
    ("run", "body"),
    [
        *[(run, b"{}") for run in ("short", "a/../../b", "r" * 65)],
        *[("run-0001", body) for body in (b"[]", b"{", b'{"\xff": 1}', b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}")],
    ],
    ids=range(7),
)
def test_what_is_no_run_or_no_object_is_refused(run: str, body: bytes) -> None:
    with pytest.raises(GatewayError) as caught:
        Shelf().put(run, "ada", body)

    assert caught.value.kind is Kind.INVALID_REQUEST


def test_oldest_runs_are_forgotten_first_and_use_makes_young() -> None:
    shelf = Shelf(runs=2)
    shelf.put("run-0001", "ada", b"{}")
    shelf.put("run-0002", "ada", b"{}")
    shelf.get("run-0001", "ada")

    shelf.put("run-0003", "ada", b"{}")

    assert [shelf.get(f"run-000{number}", "ada") for number in (1, 2, 3)] == [b"{}", None, b"{}"]


def test_bytes_are_bounded_and_the_same_ones_count_once() -> None:
    shelf = Shelf(all_bytes=25)
    alike = [b'{"a":"aaaaaaaa"}'[:] for _ in range(3)]
    for number, body in enumerate(alike, 1):
        shelf.put(f"run-000{number}", "ada", bytes(bytearray(body)))

    assert all(shelf.get(f"run-000{number}", "ada") == body for number, body in enumerate(alike, 1))

    shelf.put("run-0004", "ada", b'{"b":"bbbbbbbb"}')

    assert [shelf.get(f"run-000{number}", "ada") is not None for number in (1, 2, 3, 4)] == [False, False, False, True]
