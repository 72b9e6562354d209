"""The soak: a gateway, a provider with every fault, and clients that come and go, for as long as `SOAK_MINUTES` says (30).

`SOAK_RATE` requests a second (8) over all upstream dialects in both lanes. Every answer must be right or an honest error, and in the
end files, threads, tasks, connections and exchanges are where they were after the warm-up. Ends with 1 where that is not so.
"""

from __future__ import annotations

import asyncio
import json
import math
import os
import random
import socket
import statistics
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

import msgspec
from faults_of_soak import TROUBLES, Trouble, script
from judging import ERROR, RIGHT, judge_stream, judge_whole
from living import Gauge, Living, living

from dragoman.simulator.app import Simulator, serve

MINUTES = float(os.environ.get("SOAK_MINUTES", "30"))
RATE = float(os.environ.get("SOAK_RATE", "8"))
SEED = int(os.environ.get("SOAK_SEED", "1"))
WARM_S = min(60.0, MINUTES * 15)
FILL = int(MINUTES * 400)
"""Answers before anything is measured: what is kept of so many, and no more, is then full (names of conversations, pages of the database)."""
FILL_S = 900.0
SAMPLE_S = 5.0
WORKERS = 16
LEAVING, DAWDLING, SOUND = 0.12, 0.05, 0.4
PATIENCE_S = 80.0
GROWTH_MB = 8.0
LEFT = "left"

UPSTREAMS: dict[str, tuple[str, dict[str, Any]]] = {
    "responses": ("gpt-5.5", {"kind": "openai", "path": "/v1"}),
    "responses-read": ("gpt-5.5", {"kind": "openai", "path": "/v1", "relay": []}),
    "chat": ("glm-5.3", {"kind": "openai-compatible", "path": "/v1", "dialect": "chat"}),
    "chat-read": ("glm-5.3", {"kind": "openai-compatible", "path": "/v1", "dialect": "chat", "relay": []}),
    "messages": ("claude-opus-5-5", {"kind": "anthropic", "path": "/v1"}),
    "generate": ("gemini-3.1-pro-preview", {"kind": "gemini", "path": "/v1beta"}),
}
DEADLINES = {"connect_s": 2, "first_byte_s": 2, "idle_s": 2, "total_s": 60, "hold_s": 0.5, "ping_s": 0.5}


class Errand(msgspec.Struct, frozen=True):
    """One request, drawn at random."""

    path: str
    upstream: str
    trouble: Trouble
    stream: bool
    said: str
    leaves_after_s: float | None
    dawdles: bool

    @property
    def request(self) -> bytes:
        """Its bytes."""
        model = f"{self.upstream}/{UPSTREAMS[self.upstream][0]}-{self.trouble.name}"
        field = "input" if self.path == "/v1/responses" else "messages"
        body = json.dumps({"model": model, "stream": self.stream, field: [{"role": "user", "content": self.said}]}).encode()
        head = f"POST {self.path} HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
        return head.encode() + body


class Drawer:
    """Draws errands. hurries: such as come to a good end at once, one after the other."""

    def __init__(self, seed: int, *, hurries: bool = False) -> None:
        self._dice = random.Random(seed)
        self._hurries = hurries

    def draw(self) -> Errand:
        """The next one."""
        dice = self._dice
        words = [f"word{dice.randrange(10_000)}" for _ in range(dice.choice((3, 10, 40, 150)))]
        if self._hurries:
            path, upstream = dice.choice(("/v1/responses", "/v1/chat/completions")), dice.choice(tuple(UPSTREAMS))
            return Errand(path, upstream, TROUBLES[0], stream=False, said=" ".join(words), leaves_after_s=None, dawdles=False)
        return Errand(
            path=dice.choice(("/v1/responses", "/v1/chat/completions")),
            upstream=dice.choice(tuple(UPSTREAMS)),
            trouble=TROUBLES[0] if dice.random() < SOUND else dice.choice(TROUBLES),
            stream=dice.random() < 0.7,
            said=" ".join(words),
            leaves_after_s=dice.random() * 0.8 if dice.random() < LEAVING else None,
            dawdles=dice.random() < DAWDLING,
        )

    def pause_s(self) -> float:
        """How long a worker waits between two errands."""
        return 0.0 if self._hurries else self._dice.expovariate(RATE / WORKERS)


class Ledger:
    """What came of the errands."""

    def __init__(self) -> None:
        self.ends: Counter[str] = Counter()
        self.cells: Counter[str] = Counter()
        self.defects: list[str] = []
        self.slowest: tuple[float, str] = (0.0, "")
        """Of the answers that were right: seconds, and which."""

    @property
    def count(self) -> int:
        """How many are over."""
        return self.ends.total()

    def note(self, errand: Errand, end: str, status: int, lane: str, tail: bytes, took_s: float) -> None:
        """One is over."""
        trouble = errand.trouble
        is_fine = end == LEFT or (end == RIGHT and trouble.may_be_right) or (end == ERROR and trouble.may_fail)
        self.ends[end if is_fine else "defect"] += 1
        shape = "stream" if errand.stream else "whole"
        self.cells[f"{errand.path} {errand.upstream} {lane} {shape}"] += 1
        # A fault that stands beyond the end of a short or a whole answer is none.
        is_spared = end == RIGHT and (not errand.stream or len(errand.said) < 200)
        where = f"{errand.path} {errand.upstream} {lane} {shape} {trouble.name}, {len(errand.said)} characters in {took_s:.1f} s"
        if end == RIGHT:
            self.slowest = max(self.slowest, (round(took_s, 1), where))
        if not is_fine and not is_spared:
            self.defects.append(f"{where}: {end} (status {status}): {tail!r}")
        elif not is_fine:
            self.ends["defect"] -= 1
            self.ends[end] += 1


class Worker:
    """One client program: an errand, a pause, an errand. Keeps its connection where it may."""

    def __init__(self, port: int, drawer: Drawer, ledger: Ledger) -> None:
        self._port, self._drawer, self._ledger = port, drawer, ledger
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def run(self, until: float, most: float = math.inf) -> None:
        """Until the time is over, or so many answers have come."""
        while time.monotonic() < until and self._ledger.count < most:
            await self.do(self._drawer.draw())
            await asyncio.sleep(self._drawer.pause_s())
        self._hang_up()

    async def do(self, errand: Errand) -> None:
        """One errand."""
        began = time.monotonic()
        try:
            async with asyncio.timeout(errand.leaves_after_s or PATIENCE_S):
                end, status, lane, tail = await self._exchange(errand)
        except TimeoutError:
            self._hang_up()
            is_leaving = errand.leaves_after_s is not None
            end, status, lane, tail = (LEFT if is_leaving else "no answer at all"), 0, "?", b""
        except (OSError, asyncio.IncompleteReadError) as error:
            self._hang_up()
            end, status, lane, tail = f"cut by the gateway ({type(error).__name__})", 0, "?", b""
        self._ledger.note(errand, end, status, lane, tail, time.monotonic() - began)

    async def _exchange(self, errand: Errand) -> tuple[str, int, str, bytes]:
        if self._streams is None:
            self._streams = await asyncio.open_connection("127.0.0.1", self._port, limit=1 << 16)
        reader, writer = self._streams
        writer.write(errand.request)
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        first, *lines = head.rstrip().split("\r\n")
        status = int(first.split(" ")[1])
        headers = dict(line.lower().split(": ", 1) for line in lines)
        body = await self._body(reader, headers, errand.dawdles)
        if headers.get("connection") == "close":
            self._hang_up()
        lane = headers.get("x-dragoman-lane", "?")
        if errand.stream and status == 200:
            needs_mark = lane != "relay" or errand.trouble.name != "no-done"
            end = judge_stream(errand.path, body, errand.said, needs_mark=needs_mark)
        else:
            end = judge_whole(errand.path, status, body, errand.said)
        return end, status, lane, _telling(body)

    async def _body(self, reader: asyncio.StreamReader, headers: dict[str, str], dawdles: bool) -> bytes:
        if "content-length" in headers:
            return await reader.readexactly(int(headers["content-length"]))
        pieces: list[bytes] = []
        while size := int(await reader.readuntil(b"\r\n"), 16):
            pieces.append(await reader.readexactly(size))
            await reader.readexactly(2)
            if dawdles:
                await asyncio.sleep(0.02)
        await reader.readexactly(2)
        return b"".join(pieces)

    def _hang_up(self) -> None:
        if self._streams is not None:
            self._streams[1].transport.abort()
            self._streams = None


def _telling(body: bytes) -> bytes:
    """The part of an answer that says what went wrong, else its end."""
    at = body.find(b'"error":{')
    return body[at : at + 300] if at >= 0 else body[-300:]


class Sample(msgspec.Struct, frozen=True):
    """One look at the process from outside."""

    at_s: float
    rss_mb: float
    files: int
    threads: int


def config(address: str) -> dict[str, Any]:
    """The gateway's settings."""
    providers = {}
    for name, (_, facts) in UPSTREAMS.items():
        settings = {key: value for key, value in facts.items() if key != "path"}
        providers[name] = {**settings, "base_url": f"{address}{facts['path']}", "keys": ["a-provider-key"]}
    return {"providers": providers, "server": {"deadlines": DEADLINES}, "log": {"exchanges": False}}


async def fill(gateway: Living, port: int, seed: int) -> None:
    """Answers as fast as they come, until there have been `FILL`."""
    drawer, ledger = Drawer(seed, hurries=True), Ledger()
    until = time.monotonic() + FILL_S
    async with serve(port=port, simulator=Simulator(script(), seed=seed)):
        await asyncio.gather(*[Worker(gateway.port, drawer, ledger).run(until, FILL) for _ in range(WORKERS)])
    assert ledger.count >= FILL and set(ledger.ends) == {RIGHT}, f"{dict(ledger.ends)} of {FILL}: {ledger.defects[:3]}"


async def load(gateway: Living, port: int, seconds: float, seed: int, ledger: Ledger) -> list[Sample]:
    """Clients for so long against a provider on this port; what the process looked like meanwhile. All connections end with it."""
    began = time.monotonic()
    samples: list[Sample] = []
    drawer = Drawer(seed)
    async with serve(port=port, simulator=Simulator(script(), seed=seed)):
        workers = [asyncio.ensure_future(Worker(gateway.port, drawer, ledger).run(began + seconds)) for _ in range(WORKERS)]
        while any(not worker.done() for worker in workers):
            await asyncio.sleep(min(SAMPLE_S, seconds))
            samples.append(Sample(time.monotonic() - began, gateway.rss_mb, gateway.files, gateway.threads))
            if len(samples) % 12 == 0:
                last = samples[-1]
                ends = ", ".join(f"{count} {end}" for end, count in sorted(ledger.ends.items()))
                print(f"{last.at_s:6.0f} s  {last.rss_mb:6.1f} MB  {last.files:4} files  {last.threads:3} threads  {ends}", flush=True)
        await asyncio.gather(*workers)
    return samples


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return taken.getsockname()[1]


def growth_mb(samples: list[Sample]) -> float:
    """How much more memory the last fifth has than the second."""
    fifth = max(1, len(samples) // 5)
    return statistics.median(each.rss_mb for each in samples[-fifth:]) - statistics.median(
        each.rss_mb for each in samples[fifth : 2 * fifth]
    )


def cpu_s(pid: int) -> float:
    """Seconds on a CPU so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def main() -> int:
    """Run it, tell it, judge it."""
    with tempfile.TemporaryDirectory() as folder:
        port = free_port()
        with living(Path(folder), config(f"http://127.0.0.1:{port}")) as gateway:
            asyncio.run(fill(gateway, port, SEED))
            asyncio.run(load(gateway, port, WARM_S, SEED, Ledger()))
            before = quiet(gateway)
            blocks = gateway.census()["blocks"]
            ledger = Ledger()
            samples = asyncio.run(load(gateway, port, MINUTES * 60, SEED + 1, ledger))
            after = gateway.settled(before)
            report = {
                "minutes": MINUTES,
                "answers": dict(ledger.ends),
                "kinds": len(ledger.cells),
                "slowest_right": ledger.slowest,
                "gateway_cpu_s": cpu_s(gateway.process.pid),
                "rss_mb": [round(samples[0].rss_mb, 1), round(max(each.rss_mb for each in samples), 1), round(gateway.rss_mb, 1)],
                "growth_mb": round(growth_mb(samples), 1),
                "blocks": [blocks, gateway.census()["blocks"]],
                "files": [min(each.files for each in samples), max(each.files for each in samples)],
                "before": msgspec.to_builtins(before),
                "after": msgspec.to_builtins(after),
                "log": len(gateway.log.read_text().splitlines()),
            }
            said = gateway.log.read_text()
    print(json.dumps(report, indent=1))
    for defect, count in Counter(ledger.defects).most_common(40):
        print(f"defect × {count}: {defect}")
    faults = [f"{len(ledger.defects)} defects"] if ledger.defects else []
    faults += ["not all is back where it was"] if after != before else []
    faults += [f"memory grew by {report['growth_mb']} MB"] if growth_mb(samples) > GROWTH_MB else []
    faults += [f"the log has a traceback:\n{said[-3000:]}"] if "Traceback" in said else []
    for line, count in Counter(line[30:] for line in said.splitlines()[20:]).most_common(5):
        print(f"log × {count}: {line[:300]}")
    print("soak:", "; ".join(faults) or "all is back where it was, and every answer was right or an honest error")
    return 1 if faults else 0


def quiet(gateway: Living) -> Gauge:
    """The gauge once nothing runs any more."""
    end = time.monotonic() + 15
    while (gauge := gateway.gauge()).providers + gauge.exchanges + gauge.clients and time.monotonic() < end:
        time.sleep(0.1)
    return gauge


if __name__ == "__main__":
    sys.exit(main())
