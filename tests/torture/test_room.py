"""Many answers under way at once hold no more for the journal than they may, and every client gets all of its own."""

from __future__ import annotations

import json
import re
import threading
import time
from pathlib import Path
from typing import Any
from urllib.request import urlopen

from bad_provider import END, STREAM, Peer, bad_provider, event
from living import Living, living
from wire_client import PATIENCE_S, Caller

from conftest import PATHS, is_success, question

STREAMS = 24
ROOM_BYTES = 500_000
WORDS = "word " * 100
LAST = "the last of them"
SAID = [WORDS] * 120 + [LAST]


def config(port: int) -> dict[str, Any]:
    up = {"kind": "openai-compatible", "dialect": "chat", "base_url": f"http://127.0.0.1:{port}/v1", "keys": ["a-key"]}
    return {"providers": {"up": up}, "journal": {"queue_bytes": ROOM_BYTES, "flush_s": 0.05}, "log": {"exchanges": False}}


def told(gateway: Living, name: str) -> float:
    """A metric of this moment."""
    with urlopen(f"{gateway.address}/metrics", timeout=PATIENCE_S) as answer:
        found = re.search(rf"^{re.escape(name)} (\S+)$", answer.read().decode(), re.M)
    assert found is not None
    return float(found[1])


def until(gateway: Living, name: str, wanted: float) -> None:
    """Wait for a metric to become this."""
    end = time.monotonic() + PATIENCE_S
    while (now := told(gateway, name)) != wanted:
        assert time.monotonic() < end, (name, now, wanted)
        time.sleep(0.02)


def records(gateway: Living) -> list[dict[str, Any]]:
    with urlopen(f"{gateway.address}/api/exchanges?limit=200", timeout=PATIENCE_S) as answer:
        return json.load(answer)["exchanges"]


class Reader(Caller):
    """A client that knows how far its answer has come."""

    def until(self, mark: bytes) -> None:
        """Wait until this has come. The answer begins before it all the same."""
        while mark not in self._held:
            self._more()


def begun(gateway: Living, path: str) -> Reader:
    """A client that has its answer up to where the provider waits."""
    reader = Reader(gateway.host, gateway.port)
    reader.send(question("held", path, stream=True))
    reader.until(LAST.encode())
    return reader


def test_many_answers_hold_no_more_than_they_may(tmp_path: Path) -> None:
    go_on = threading.Event()

    def held(peer: Peer) -> bool:
        peer.send(STREAM + b"".join(map(event, SAID)))
        go_on.wait(4 * PATIENCE_S)
        peer.send(END)
        return True

    with bad_provider() as provider, living(tmp_path, config(provider.port)) as gateway:
        provider.on("held", held)
        paths = list(PATHS.values()) * (STREAMS // 2)
        clients = [(path, begun(gateway, path)) for path in paths]
        assert 0 < told(gateway, "dragoman_journal_running_bytes") <= ROOM_BYTES

        for _, reader in clients[::4]:
            reader.close()
        del clients[::4]
        until(gateway, "dragoman_exchanges_running", STREAMS - STREAMS // 4)
        assert 0 < told(gateway, "dragoman_journal_running_bytes") <= ROOM_BYTES

        go_on.set()
        for path, reader in clients:
            answer = reader.answer()
            assert is_success(answer, path)
            assert answer.body.count(WORDS.encode()) >= len(SAID) - 1
            reader.close()
        until(gateway, 'dragoman_journal_records_total{outcome="written"}', STREAMS)

        rows = records(gateway)
        cut = [row for row in rows if any("`journal.queue_bytes`" in why for _, why in row["warnings"] or ())]
        assert sorted(row["status"] for row in rows) == [200] * (STREAMS - STREAMS // 4) + [499] * (STREAMS // 4)
        assert 0 < len(cut) == told(gateway, "dragoman_journal_bodies_cut_total")
        assert told(gateway, "dragoman_journal_running_bytes") == 0
