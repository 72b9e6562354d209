"""What the fuzzer runs takes the inputs that it starts with, cut and doubled too: so that `make fuzz` fuzzes what is there today."""

from __future__ import annotations

import pytest
from fuzz.seeds import seeds
from fuzz.targets import TARGETS


@pytest.mark.parametrize("name", TARGETS)
def test_a_target_takes_its_first_inputs(name: str) -> None:
    first = seeds(name)
    for data in (*first, *(each[: len(each) // 2] for each in first), *(each + each for each in first), b"", b"\xff"):
        TARGETS[name](data)

    assert first


def test_an_answer_without_an_end_fells_its_target(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dragoman.upstream.connection.Connection.eof_received", lambda _: None)

    with pytest.raises(AssertionError):
        TARGETS["answer"](b"\x05HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhell")
