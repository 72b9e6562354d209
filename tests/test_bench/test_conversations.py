"""What the journal keeps of a long session of Codex, whatever happens in it: it grows with what is new, not with what is sent."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import pytest

from bench.conversations import Codex
from dragoman.ir.record import Bodies
from dragoman.observe.journal_bodies import BodyKeeper
from dragoman.observe.redact import Redactor
from dragoman.store.batch import Batch
from dragoman.store.bodies import read_bodies
from dragoman.store.open import Store, open_store

STEP_S = 45.0
"""Between two requests: a session of two and a half hours, so that what it refers to has to be put down anew many times."""


def nothing(talk: Codex, turn: int) -> None:
    """Happens."""


def compaction_and_other_tools(talk: Codex, turn: int) -> None:
    if turn == 120:
        talk.compact()
    if turn % 25 == 10:
        talk.change_tools()


@pytest.mark.long
@pytest.mark.parametrize(
    ("happens", "turns", "growth", "agents"),
    [(nothing, 200, 3_700, 1), (compaction_and_other_tools, 200, 8_000, 1), (nothing, 60, 3_700, 3)],
    ids=["as ever", "compacted, and other tools now and then", "three agents in one session"],
)
def test_a_session_takes_less_than_three_times_its_longest_request(
    happens: Callable[[Codex, int], None], turns: int, growth: int, agents: int, tmp_path: Path
) -> None:
    store, talks = open_store(f"sqlite:///{tmp_path}/j.db"), _talks(growth, agents)
    keeper, writer = BodyKeeper(Redactor(), most_bytes=10**7), store.writer()
    sent: dict[str, bytes] = {}
    for turn in range(turns):
        rows = []
        for number, talk in enumerate(talks):
            happens(talk, turn)
            body, answer = talk.ask("fast"), talk.answer()
            provider = body.replace(b'"fast"', b'"gpt-5.5"', 1)
            sent[f"{number}-{turn}"] = body
            bodies = Bodies("redacted", body, answer, provider, client_request_headers=talk.headers())
            rows.append(keeper.row(f"{number}-{turn}", turn * STEP_S, "session", bodies))
            talk.go_on()
        writer.write(Batch("w", turn + 1, 1.0, bodies=rows, blobs=keeper.packs()))
    while writer.index(50):
        pass

    longest = max(sum(len(sent[f"{number}-{turn}"]) for number in range(agents)) for turn in range(turns))
    assert writer.size_bytes() < 3 * longest
    for name in [f"{number}-{turn}" for number in range(agents) for turn in {0, turns // 2, min(120, turns - 2), turns - 1}]:
        assert _read(store, name) == (sent[name], sent[name].replace(b'"fast"', b'"gpt-5.5"', 1))


def _talks(growth: int, agents: int) -> list[Codex]:
    first = Codex(random.Random(1), growth=growth)
    return [first, *[first.sub_agent(random.Random(2 + number)) for number in range(agents - 1)]]


def _read(store: Store, name: str) -> tuple[bytes, bytes]:
    with store.reader() as connection:
        found = read_bodies(connection, name)
    return found["client_request"].data, found["provider_request"].data
