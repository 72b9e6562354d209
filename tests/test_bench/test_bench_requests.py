"""What requests cost is measured for every pair of dialects, on bodies of at least the size that is told."""

from pathlib import Path

import msgspec
import pytest

from bench import requests
from dragoman.dialects.contract import Call


def test_every_pair_is_measured_on_a_body_of_its_size(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(requests, "SIZES", (30_000,))
    requests.write_bodies(tmp_path)

    costs = requests.measure(tmp_path)

    assert {(name, target) for name in costs for target in costs[name]} == {(a, b) for a in requests.DIALECTS for b in requests.DIALECTS}
    for path in tmp_path.iterdir():
        assert len(msgspec.json.decode(path.read_bytes(), type=Call).body) >= 30_000


def test_two_checkouts_stand_side_by_side(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(requests, "SIZES", (30_000,))
    monkeypatch.setattr(requests, "DIALECTS", ("chat",))

    told = requests.table([{"chat": {"chat": {"30000": 2.0}}}, {"chat": {"chat": {"30000": 0.5}}}])

    assert told == "| from | to | 30 KB |\n| --- | --- | --- |\n| chat | chat | 2.00 → 0.50 |"
