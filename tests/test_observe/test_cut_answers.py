"""Answers of which only the beginning was held: their records say how long they were."""

from __future__ import annotations

from pathlib import Path

import pytest

from dragoman.config.journal_schema import Journal as Settings
from dragoman.ir.record import Bodies, Cut, Record
from dragoman.observe.journal import Journal
from dragoman.store.bodies import read_bodies
from dragoman.store.open import open_store

ASKED = b'{"model":"m"}'


@pytest.mark.parametrize("held", [b"", b"data: hel", b"data: hello\n\n" * 3000], ids=["nothing", "short", "long"])
@pytest.mark.parametrize("mode", ["redacted", "full"])
def test_how_long_an_answer_was_is_on_record_and_its_beginning(held: bytes, mode: str, tmp_path: Path) -> None:
    bodies = Bodies(
        mode, ASKED, [held], provider_response_headers=(("server", "x"),), cut=(Cut("client_response", 3_000_000_000, "too long"),)
    )
    journal = Journal(lambda: open_store(f"sqlite:///{tmp_path}/j.db"), Settings(flush_s=0.01, search=False), tmp_path / "spool")
    journal.start()
    journal.put(Record("ex_1", 1000.0, bytes_out=3_000_000_000, bodies=bodies))
    journal.close_now(60)

    with open_store(f"sqlite:///{tmp_path}/j.db").reader() as connection:
        kept = {side: (body.data, body.whole) for side, body in read_bodies(connection, "ex_1").items()}
    answer = (held, 3_000_000_000)
    assert kept == {"client_request": (ASKED, len(ASKED)), "client_response": answer, "provider_response": answer}
    assert journal.stats().dropped_bodies == 0
