"""The rest of the error table: a provider or a gateway that stops in the middle of an answer, as processes of their own that are really
ended; and requests that a target cannot be asked."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx2
import msgspec
import openai
from error_bench import CLIENT_KEY, Told, ask, door, run_codex, told_of
from machine import Machine, ruled, stats
from parts import gateway, simulator
from patience import PATIENCE_S, until
from ports import free_port
from upstreams import config_of

_WORDS = "one two three four five six seven eight nine ten"
_STREAMED = {"first_s": 0, "delta_s": 0.5, "characters": 4}
_WHOLE = {"first_s": 6, "delta_s": 0}
_STALLS = ({"stall": {"at": {"within": "text"}}}, {"stall": {"at": "head"}})
"""A stream and a whole answer of a provider that stays away: neither is over before it dies, however long the machine stands still."""
_SAID_S = 0.7
"""How long an answer has been under way when it is stopped: some words are out, where it is a stream."""
_AWAY_S = 1.0
WAITS_S = 20.0
"""How long a client alone is watched, which may wait without end, from the moment when it is left alone."""
_PATIENCE_S = 2 * PATIENCE_S
"""What everything else may take on a busy machine; it ends by itself."""
_ON_A_WORD = """
import sys
import dragoman.cli.main
from dragoman.__main__ import main
print("ready", flush=True)
sys.exit(main() if sys.stdin.readline() else 0)
"""
"""A program that has everything loaded and waits for a line before it begins: how long loading takes is the machine's."""


class Stop(msgspec.Struct, frozen=True):
    """Who stops, how, and whether it is there again a second later. says: what a user of the gateway must read."""

    name: str
    what: str
    victim: str
    number: signal.Signals
    returns: bool
    says: tuple[str, ...]


STOPS = (
    Stop("provider-dies", "provider dies in mid-answer and stays away", "provider", signal.SIGKILL, False, ("`p`", "connection")),
    Stop("provider-restarts", "provider dies in mid-answer, back after 1 s", "provider", signal.SIGKILL, True, (_WORDS,)),
    Stop("gateway-stops", "gateway is stopped (SIGTERM) in mid-answer", "gateway", signal.SIGTERM, False, (_WORDS,)),
    Stop("gateway-restarts", "gateway dies in mid-answer, back after 1 s", "gateway", signal.SIGKILL, True, (_WORDS,)),
)


class Process:
    """A program on a port of its own, which can be ended and started again there."""

    def __init__(self, machine: Machine, *arguments: str) -> None:
        self.port = free_port()
        self._machine, self._arguments = machine, arguments
        self._log = machine.home / f"{arguments[0]}.log"
        self._process = self._spare()
        self._next = self._spare()
        self._begin()

    @property
    def address(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}"

    def stop(self, number: signal.Signals = signal.SIGTERM) -> None:
        """End it."""
        self._process.send_signal(number)

    def start_again(self) -> None:
        """Start it once more, and wait until it listens."""
        self.close()
        self._process = self._next
        self._begin()

    def close(self) -> None:
        """End it for good."""
        self._process.kill()
        self._process.communicate()

    def forget(self) -> None:
        """End it, and the one that would have come after it."""
        self.close()
        self._next.kill()
        self._next.communicate()

    def _spare(self) -> subprocess.Popen[bytes]:
        with self._log.open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, "-c", _ON_A_WORD, *self._arguments, "--port", str(self.port)],
                env=self._machine.env,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
            )
        assert process.stdout is not None and process.stdout.readline() == b"ready\n"
        return process

    def _begin(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(b"begin\n")
        self._process.stdin.flush()
        until(self._listens, f"a listener at {self.address}")

    def _listens(self) -> bool:
        assert self._process.poll() is None, self._log.read_text()
        try:
            socket.create_connection(("127.0.0.1", self.port), PATIENCE_S).close()
        except OSError:
            return False
        return True


Client = Callable[[Machine, str, str, float, threading.Event, threading.Event], Told]
"""Asks an address for a model, and waits so long for the end of it. Sets the first event when somebody may be stopped; the second one is
set when that has been done."""


def codex(machine: Machine, address: str, model: str, patience_s: float, ready: threading.Event, stopped: threading.Event) -> Told:
    """The real Codex. Whether it has heard some words already is all the same: it asks again."""
    ready.set()
    machine.configure(door(address, ""))
    ran = run_codex(machine, model, patience_s, CLIENT_KEY, has_begun=stopped.is_set)
    return told_of(ran, 1 + ran[2].count("Reconnecting... "), 0)


def program(api: str, stream: bool) -> Client:
    """A program with the SDK of OpenAI, which has heard some words of a stream when somebody is stopped."""

    def work(machine: Machine, address: str, model: str, patience_s: float, ready: threading.Event, _: threading.Event) -> Told:
        count = 0
        if not stream:
            ready.set()

        def count_one(_: httpx2.Request) -> None:
            nonlocal count
            count += 1

        with (
            httpx2.Client(event_hooks={"request": [count_one]}, timeout=patience_s, trust_env=False) as http,
            openai.OpenAI(api_key=CLIENT_KEY, base_url=f"{address}/v1", http_client=http, timeout=patience_s) as client,
        ):
            code, words = ask(client, api, model, stream, heard=ready.set)
        return Told(code, "" if code == 0 else words, words if code == 0 else "", count, 0, words)

    return work


CLIENTS: dict[str, Client] = {
    "Codex": codex,
    "SDK, `responses`, stream": program("responses", True),
    "SDK, `chat`, whole": program("chat", False),
}


def stopped(stop: Stop, client: str, folder: Path, *, alone: bool = False) -> Told:
    """What a client gets while somebody stops. alone: straight at the provider."""
    machine = Machine(folder)
    script = machine.home / "script.yaml"
    is_whole = "whole" in client
    fault = {"fault": _STALLS[is_whole]} if stop.victim == "provider" and not stop.returns else {}
    script.write_text(json.dumps({"rules": [{"reply": [{"text": _WORDS}], **fault}], "pace": _WHOLE if is_whole else _STREAMED}))
    provider = Process(machine, "simulate", "--script", str(script))
    config = machine.home / "dragoman.yaml"
    facts = {
        "kind": "openai-compatible",
        "base_url": f"{provider.address}/v1",
        "dialect": "chat",
        "keys": ["a-provider-key"],
        "list": False,
    }
    config.write_text(json.dumps({"providers": {"p": facts}}))
    here = None if alone else Process(machine, "serve", "--config", str(config))
    victim = here if stop.victim == "gateway" and here is not None else provider
    ready, done = threading.Event(), threading.Event()
    ending = threading.Thread(target=_end_it, args=(stop, victim, provider, ready, done))
    ending.start()
    try:
        address, model = (provider.address, "gpt-5.5") if here is None else (here.address, "p/gpt-5.5")
        return CLIENTS[client](machine, address, model, WAITS_S if alone and not stop.returns else _PATIENCE_S, ready, done)
    finally:
        ready.set()
        ending.join()
        for process in (provider, here):
            if process is not None:
                process.forget()


def asking(stop: Stop) -> tuple[str, ...]:
    """Who is watched. How often the SDK's patience of two seconds is enough for a restart is chance."""
    return ("Codex",) if stop.returns else tuple(CLIENTS)


class Stopped:
    """What everybody gets of every stop, each measured once, a few at a time."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._pool = ThreadPoolExecutor(4)
        self._under_way: dict[tuple[str, str, bool], Future[Told]] = {}

    def begin_all(self) -> None:
        """Begin with everything."""
        for stop in STOPS:
            for client in asking(stop):
                for alone in (True, False) if stop.victim == "provider" else (False,):
                    self._start(stop, client, alone)

    def told(self, stop: Stop, client: str, *, alone: bool = False) -> Told:
        """What this client gets."""
        return self._start(stop, client, alone).result()

    def close(self) -> None:
        self._pool.shutdown(cancel_futures=True)

    def _start(self, stop: Stop, client: str, alone: bool) -> Future[Told]:
        key = (stop.name, client, alone)
        if key not in self._under_way:
            folder = self._folder / f"stop-{len(self._under_way)}"
            self._under_way[key] = self._pool.submit(stopped, stop, client, folder, alone=alone)
        return self._under_way[key]


def _end_it(stop: Stop, victim: Process, provider: Process, ready: threading.Event, done: threading.Event) -> None:
    until(lambda: any(request["model"] for request in stats(provider.address)["last"]), "a request")
    ready.wait(_PATIENCE_S)
    time.sleep(_SAID_S)
    victim.stop(stop.number)
    done.set()
    if stop.returns:
        time.sleep(_AWAY_S)
        victim.start_again()


# ---- what a target cannot be asked ---------------------------------------------------------------------------------------


class Unsupported(msgspec.Struct, frozen=True):
    """A program's wish that the target cannot fulfil: the provider's dialect, the API that it is asked in, and what is asked."""

    what: str
    dialect: str
    api: str
    body: dict[str, Any]
    says: tuple[str, ...]


UNSUPPORTED = (
    Unsupported("two answers to one request", "messages", "chat", {"n": 2}, ("`n` is 2", "ask once for each")),
    Unsupported(
        "an answer to a stored one",
        "chat",
        "responses",
        {"previous_response_id": "resp_1"},
        ("`previous_response_id`", "send the whole conversation instead"),
    ),
)
COMPACTED = "Codex: a conversation that OpenAI has compacted, gone on with elsewhere"
COMPACTED_SAYS = ("compacted into a sealed item", "go on with that model, or start a new conversation")
_FULL = {"input": 1_500_000, "output": 20}
_LOOK = {
    "match": {"user": "Look it up", "round": 0},
    "times": 1,
    "reply": [{"call": {"name": "exec_command", "arguments": {"cmd": "echo found"}}}],
    "usage": _FULL,
}


def refused(wish: Unsupported, folder: Path) -> Told:
    """What a program gets of it."""
    folder.mkdir()
    with simulator(ruled({"reply": [{"text": _WORDS}]})) as upstream, gateway(folder, config_of(upstream, wish.dialect)) as address:
        body = {"model": "m", **_ASKED[wish.api], **wish.body}
        count = 0

        def count_one(_: httpx2.Request) -> None:
            nonlocal count
            count += 1

        with (
            httpx2.Client(event_hooks={"request": [count_one]}, trust_env=False) as http,
            openai.OpenAI(api_key=CLIENT_KEY, base_url=f"{address}/v1", http_client=http) as client,
        ):
            code, words = ask(client, wish.api, "m", False, body)
        return Told(code, words, "", count, len(stats(upstream)["last"]), words)


def compacted(folder: Path) -> Told:
    """What Codex's user reads who goes on elsewhere with what OpenAI has compacted."""
    machine = Machine(folder)
    rules = ruled(_LOOK, {"match": {"kind": "compaction"}, "times": 1}, {"reply": [{"text": "Found."}]})
    with simulator(rules) as upstream:
        with gateway(machine.home, config_of(upstream, "responses", relay=["*"])) as address:
            machine.configure(_openai(address))
            first = machine.exec("Look it up.", "-m", "gpt-5.5")
            assert first.code == 0, first.err
        before = len(stats(upstream)["last"])
        with gateway(machine.home, config_of(upstream, "chat")) as address:
            machine.configure(_openai(address))
            again = machine.resume("Say it again.", "-m", "gpt-5.5")
        asked = len(stats(upstream)["last"]) - before
    return told_of((again.code, again.out, again.err), 1 + again.err.count("Reconnecting... "), asked)


def _openai(address: str) -> str:
    """A provider of that name: Codex lets it compact."""
    return door(address, "").replace('name = "Gateway"', 'name = "OpenAI"').replace('env_key = "GW_KEY"\n', "")


_ASKED: dict[str, dict[str, Any]] = {
    "chat": {"messages": [{"role": "user", "content": "Say hello."}]},
    "responses": {"input": "Say hello."},
}
