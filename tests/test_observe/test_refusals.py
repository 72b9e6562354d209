"""How many refused requests are kept, whoever sends how many."""

from __future__ import annotations

from dragoman.ir.record import Attempt, Record
from dragoman.observe.refusals import Refusals


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def refused(address: str = "10.0.0.1") -> Record:
    return Record("ex_1", 0.0, address=address, error="authentication")


def test_a_flood_from_one_address_is_kept_in_part_and_told_of() -> None:
    clock = Clock()
    refusals = Refusals(clock)

    kept = sum(refusals.keeps(refused()) for _ in range(10_000))
    clock.now = 60.0
    later = refused()
    assert refusals.keeps(later)

    assert kept == 20
    assert later.warnings == [("refused", "9980 more were refused since the one before, and are not kept")]


def test_a_flood_from_one_address_hides_no_other() -> None:
    refusals = Refusals(Clock())
    for _ in range(10_000):
        refusals.keeps(refused())

    assert refusals.keeps(refused("10.0.0.2"))


def test_a_flood_from_many_addresses_is_kept_in_part() -> None:
    clock = Clock()
    refusals = Refusals(clock)

    kept = sum(refusals.keeps(refused(f"10.0.{number // 256}.{number % 256}")) for number in range(20_000))
    clock.now = 3600.0

    assert kept == 200
    assert refusals.keeps(refused())


def test_what_a_key_stands_behind_is_always_kept() -> None:
    refusals = Refusals(Clock())

    assert all(refusals.keeps(Record("ex_1", 0.0, client="ada", error="model_not_found")) for _ in range(1000))
    assert all(refusals.keeps(Record("ex_1", 0.0, error="cut", attempts=[Attempt("p", "m", 0.0)])) for _ in range(1000))
    assert all(refusals.keeps(Record("ex_1", 0.0)) for _ in range(1000))
