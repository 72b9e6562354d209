"""A hundred reloads under load: no request fails, what is new works at once, and nothing stays behind: no task, file, runtime, memory."""

from __future__ import annotations

import asyncio
import itertools
import json
import statistics
import time
from pathlib import Path
from typing import Any

from judging import RIGHT, judge_stream, judge_whole
from living import Living, living

from dragoman.simulator.app import serve
from dragoman.simulator.script import read_script

STRETCHES, RELOADS = 5, 20
"""A hundred reloads, counted in stretches: what is loaded or opened but once falls into one of them, what each reload leaves into all."""
WARM = 10
CLIENTS = 6
PATIENCE_S, SETTLE_S = 1800, 240
BLOCKS_EACH = 200
"""Allocations that each reload may leave: far below the thousands that a runtime has, above what is noise and what the metrics of a
new model are."""
SAID = "one two three four five six seven eight nine ten"
SCRIPT = read_script(f'rules: [{{reply: [{{text: "{SAID}"}}], pace: {{first_s: 0.002, delta_s: 0.001}}}}]')
WRITTEN = 'dragoman_journal_records_total{outcome="written"}'
PATHS = ("/v1/chat/completions", "/v1/responses")


class Client:
    """One kept connection."""

    def __init__(self, gateway: Living) -> None:
        self._gateway = gateway
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def ask(self, path: str, value: Any) -> tuple[int, bytes]:
        """POST this JSON."""
        body = json.dumps(value).encode()
        head = f"POST {path} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
        return await self._send(head.encode() + body)

    async def get(self, path: str) -> tuple[int, bytes]:
        """GET this."""
        return await self._send(f"GET {path} HTTP/1.1\r\nhost: localhost\r\n\r\n".encode())

    async def _send(self, request: bytes) -> tuple[int, bytes]:
        if self._streams is None:
            self._streams = await asyncio.open_connection(self._gateway.host, self._gateway.port)
        reader, writer = self._streams
        writer.write(request)
        first, *lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").rstrip().split("\r\n")
        headers = dict(line.lower().split(": ", 1) for line in lines)
        pieces: list[bytes] = []
        if "content-length" in headers:
            pieces.append(await reader.readexactly(int(headers["content-length"])))
        else:
            while size := int(await reader.readuntil(b"\r\n"), 16):
                pieces.append((await reader.readexactly(size + 2))[:-2])
            await reader.readexactly(2)
        return int(first.split(" ")[1]), b"".join(pieces)

    async def judge(self, path: str, model: str, *, stream: bool) -> str:
        """How an exchange came out."""
        field = "input" if path.endswith("/responses") else "messages"
        status, body = await self.ask(path, {"model": model, "stream": stream, field: [{"role": "user", "content": "count"}]})
        if status != 200:
            return f"{status}: {body[:300]!r}"
        return judge_stream(path, body, SAID, needs_mark=True) if stream else judge_whole(path, status, body, SAID)

    def close(self) -> None:
        if self._streams is not None:
            self._streams[1].close()


def config(address: str, number: int) -> dict[str, Any]:
    """The config of the moment: always with `steady`, each time with a model that is new, now and then with a provider inside."""
    providers: dict[str, Any] = {
        name: {"kind": "openai-compatible", "dialect": dialect, "base_url": f"{address}/v1", "keys": [f"key-of-{name}"]}
        for name, dialect in (("chat", "chat"), ("responses", "responses"))
    }
    if number % 4 == 1:
        providers["demo"] = {"kind": "demo"}
    models = {"steady": {"targets": ["chat/a", "responses/b"]}, f"new-{number}": "chat/new"}
    return {"providers": providers, "models": models, "log": {"exchanges": False}, "server": {"limits": {"connections": 200}}}


async def keep_asking(gateway: Living, number: int, is_over: asyncio.Event, ends: list[str]) -> None:
    client = Client(gateway)
    count = number
    while not is_over.is_set():
        count += 1
        ends.append(await client.judge(PATHS[count % 2], "steady", stream=count % 3 > 0))
    client.close()


async def reload(gateway: Living, file: Path, address: str, numbers: range) -> None:
    """Each reload is answered when it is done; then its new model answers, and the one before is known no more."""
    client = Client(gateway)
    for number in numbers:
        file.write_text(json.dumps(config(address, number)))
        status, body = await client.ask("/api/config/reload", {})
        assert (status, json.loads(body)["error"]) == (200, None)
        assert await client.judge(PATHS[0], f"new-{number}", stream=False) == RIGHT
        assert (await client.judge(PATHS[0], f"new-{number - 1}", stream=False)).startswith("404")
    client.close()


async def story(gateway: Living, file: Path, address: str, ends: list[str]) -> list[dict[str, int]]:
    """What lived inside before the reloads and after each stretch of them, always without load."""
    await reload(gateway, file, address, range(1, WARM))
    looks = [await quiet(gateway)]
    for stretch in range(STRETCHES):
        is_over = asyncio.Event()
        first = WARM + stretch * RELOADS
        async with asyncio.TaskGroup() as group:
            for number in range(CLIENTS):
                group.create_task(keep_asking(gateway, number, is_over, ends))
            await reload(gateway, file, address, range(first, first + RELOADS))
            is_over.set()
        looks.append(await quiet(gateway, looks[0]))
    return looks


async def quiet(gateway: Living, before: dict[str, int] | None = None) -> dict[str, int]:
    """What lives inside once no client is connected, what waited to be priced is priced, as a scrape has it, and what waited to be kept
    is in the journal, which opens its database with the first of it. before: what it should be, and is given the time to become."""
    client = Client(gateway)
    end = time.monotonic() + SETTLE_S
    while not await is_written(client) and time.monotonic() < end:
        await asyncio.sleep(0.05)
    client.close()
    return await asyncio.to_thread(settled, gateway, before)


async def is_written(client: Client) -> bool:
    """Whether the journal has all that there is."""
    status, body = await client.get("/metrics")
    assert status == 200
    told = dict(line.rsplit(" ", 1) for line in body.decode().splitlines() if line.startswith("dragoman_journal_"))
    return (float(told["dragoman_journal_queue_records"]), float(told[WRITTEN]) > 0) == (0, True)


def settled(gateway: Living, before: dict[str, int] | None) -> dict[str, int]:
    """What lives inside once no client is connected, no answer of a provider is under way, and it is what it was `before` (None: stays
    what it is); else what it still is after a while."""
    looks: list[dict[str, int]] = []
    end = time.monotonic() + SETTLE_S
    while time.monotonic() < end:
        looks.append(counted(gateway))
        others = looks[-3:] if before is None else [before]
        is_quiet = not looks[-1]["clients"] + looks[-1]["replies"]
        if is_quiet and len(looks) > 2 and all(living_in(look) == living_in(looks[-1]) for look in others):
            break
        time.sleep(0.01)
    return looks[-1]


def counted(gateway: Living) -> dict[str, int]:
    """What lives inside. Files: without those of connections that are kept for the providers."""
    counts = gateway.census()
    counts.pop("helpers")
    return {**counts, "files": gateway.files - counts["providers"]}


def living_in(look: dict[str, int]) -> dict[str, int]:
    """What must be as it was: all but the memory, and the connections that are kept for the providers."""
    return {name: count for name, count in look.items() if name not in ("blocks", "providers")}


def test_a_hundred_reloads_under_load_fail_no_request_and_leave_nothing(tmp_path: Path) -> None:
    async def run() -> tuple[list[dict[str, int]], list[str]]:
        ends: list[str] = []
        async with serve(SCRIPT) as address:
            with living(tmp_path, config(address, 0)) as gateway:
                async with asyncio.timeout(PATIENCE_S):
                    looks = await story(gateway, tmp_path / "dragoman.yaml", address, ends)
                assert "Traceback" not in gateway.log.read_text()
        return looks, ends

    looks, ends = asyncio.run(run())

    left = [after["blocks"] - before["blocks"] for before, after in itertools.pairwise(looks)]
    print(f"{len(ends)} requests beside {STRETCHES * RELOADS} reloads; blocks more: {left}; {looks[-1]}")
    assert ([end for end in ends if end != RIGHT], len(ends) > CLIENTS) == ([], True)
    assert [living_in(look) for look in looks[1:]] == [living_in(looks[0])] * STRETCHES
    assert statistics.median(left) < RELOADS * BLOCKS_EACH
