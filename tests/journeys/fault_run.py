"""Runs the fault matrix: one gateway, one simulated provider, one virtual model and two providers of its own for each case, so that what
one case does to the health of its targets is nothing to the others."""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import json
import socket
from collections import Counter
from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import msgspec
from faults import BY_NAME, DELIVERED, MODELS, WORDS, Kind
from hearing import Hearing, patient
from machine import requests
from parts import gateway, simulator
from patience import PATIENCE_S
from upstreams import provider

from dragoman.app.compose import compose, lasting
from dragoman.config.load import parse
from dragoman.core.exchange import Inbound
from dragoman.core.handle import handle
from dragoman.dialects.contract import Quirks
from dragoman.dialects.registry import dialect
from dragoman.ir import events as ev
from dragoman.ir.errors import GatewayError
from dragoman.ir.fold import Fold
from dragoman.ir.grammar import Grammar
from dragoman.ir.request import Call, Message, Text
from dragoman.observe.observer import Observer
from dragoman.simulator.app import Simulator
from dragoman.simulator.script import Script
from dragoman.wire.frame import Headers

ARGUMENTS = {"city": "Paris in the spring", "day": "the day after tomorrow"}
_TOOL = {
    "type": "object",
    "properties": {name: {"type": "string"} for name in ARGUMENTS},
    "required": list(ARGUMENTS),
    "additionalProperties": False,
}
_SILENT_S = 5
"""The gateway's deadlines where a provider is silent: who is asked next must not be taken for silent, too, because the machine stood still
for a moment. Everywhere else an answer may take as long as it does."""
_PACE = {"delta_s": 0.02}
_AT_ONCE = 24


class Outcome(msgspec.Struct, frozen=True):
    """What became of one case. told: as `faults.Expected` says it; tries, whole, part: what the providers saw and had paid for;
    counted: tries as the client was told."""

    told: str
    status: int
    tries: int
    whole: int
    part: int
    counted: str
    seen: str = ""


def run(cases: list[dict[str, Any]], folder: Path, **settings: Any) -> list[Outcome]:
    """The outcome of each case. settings: further sections of the gateway's config."""
    hearing = Hearing()
    with closed_port() as nobody, simulator(script(cases), kept=4 * len(cases), made=_patient(cases, hearing)) as upstream:
        with gateway(folder, {**config(cases, upstream, nobody), **settings}) as address, ThreadPoolExecutor(_AT_ONCE) as pool:
            told = list(pool.map(lambda pair: ask(address, pair[0], pair[1], hearing), enumerate(cases)))
        return outcomes(told, upstream)


def run_inside(cases: list[dict[str, Any]]) -> list[Outcome]:
    """The same without a server: for dialects that no client can speak over HTTP yet."""
    hearing = Hearing()
    with closed_port() as nobody, simulator(script(cases), kept=4 * len(cases), made=_patient(cases, hearing)) as upstream:
        told = asyncio.run(_ask_inside(cases, config(cases, upstream, nobody), hearing))
        return outcomes(told, upstream)


def outcomes(told: list[tuple[str, int, str, str]], upstream: str) -> list[Outcome]:
    """What clients were told, beside what the provider knows of it."""
    heard = Counter((_number(one["user"]), one["billed"]) for one in requests(upstream) if one["dialect"])
    return [
        Outcome(
            kind,
            status,
            tries=sum(heard[number, billed] for billed in ("", "part", "whole")),
            whole=heard[number, "whole"],
            part=heard[number, "part"],
            counted=counted,
            seen=seen,
        )
        for number, (kind, status, counted, seen) in enumerate(told)
    ]


# ---- the two sides ----


def script(cases: list[dict[str, Any]]) -> Script:
    """The first request of each case meets the fault, those after it don't."""
    rules: list[dict[str, Any]] = []
    for number, case in enumerate(cases):
        kind = BY_NAME[case["kind"]]
        match, reply = {"user": _question(number)}, _reply(kind)
        if kind.fault is not None:
            rules.append({"match": match, "times": 1, "fault": kind.fault, "reply": reply, "pace": _PACE})
        rules.append({"match": match, "reply": reply})
    return msgspec.convert({"rules": rules}, Script)


def config(cases: list[dict[str, Any]], upstream: str, nobody: str) -> dict[str, Any]:
    """Two providers and a virtual model for each case."""
    providers: dict[str, Any] = {}
    models: dict[str, Any] = {}
    for number, case in enumerate(cases):
        kind, model = BY_NAME[case["kind"]], MODELS[case["upstream"]]
        first = {"connect": nobody, "tls": upstream.replace("http:", "https:")}.get(kind.moment, upstream)
        deadlines = {"first_byte_s": _SILENT_S, "idle_s": _SILENT_S} if kind.name == "silent" else {}
        providers[f"c{number}-a"] = {**_provider(first, case["upstream"]), "deadlines": deadlines}
        providers[f"c{number}-b"] = {**_provider(upstream, case["upstream"]), "deadlines": deadlines}
        targets = [
            {"model": f"c{number}-{name}/{model}", "priority": place, "tier": tier}
            for place, (name, tier) in enumerate((("a", "small"), ("b", "large")), 1)
        ]
        if case["strategy"] != "tiered":
            targets = [{name: value for name, value in target.items() if name != "tier"} for target in targets]
        models[f"c{number}"] = {"targets": targets, "strategy": case["strategy"], "rescue": case["rescue"]}
        if case["strategy"] == "tiered":
            models[f"c{number}"]["tiers"] = {"order": ["small", "large"]}
    return {"providers": providers, "models": models, "routing": {"retry": {"backoff_s": 0.05, "backoff_max_s": 0.1}}}


@contextlib.contextmanager
def closed_port() -> Generator[str]:
    """An address at which every connection is refused."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{taken.getsockname()[1]}"


def _provider(address: str, name: str) -> dict[str, Any]:
    own = {key: value for key, value in provider(address, name).items() if key != "relay"}
    return {**own, "list": False}


def _patient(cases: list[dict[str, Any]], hearing: Hearing) -> type[Simulator]:
    """A provider that comes to a fault in the middle of its words when they have reached the client: both at once would be another case,
    in which the client has nothing yet."""
    held = {
        _question(number): number for number, case in enumerate(cases) if case["streamed"] and BY_NAME[case["kind"]].moment in DELIVERED
    }
    return patient(lambda user: hearing.of(held[user]) if user in held else None)


def _reply(kind: Kind) -> list[dict[str, Any]]:
    reply: list[dict[str, Any]] = [{"reasoning": {"text": "so many thoughts about it"}}, {"text": WORDS}]
    return [*reply, {"call": {"name": "look", "arguments": ARGUMENTS}}] if kind.moment == "call" else reply


def _question(number: int) -> str:
    return f"case {number} of the matrix"


def _number(user: str) -> int:
    return int(user.split()[1]) if user.startswith("case ") else -1


# ---- the client ----


def ask(address: str, number: int, case: dict[str, Any], hearing: Hearing) -> tuple[str, int, str, str]:
    """One exchange as a client: what it was told, the status, how many tries the headers told of, and what it saw."""
    path, query, body = asked(number, case)
    connection = http.client.HTTPConnection(urlsplit(address).netloc, timeout=PATIENCE_S)
    try:
        connection.request("POST", f"/openai/v1{path}?{query}", body, {"content-type": "application/json"})
        reply = connection.getresponse()
        body = b""
        while chunk := reply.read1():
            body += chunk
            if case["streamed"] and _says_something(case, body):
                hearing.of(number).set()
        return _heard(case, reply.status, reply.getheader("x-dragoman-attempts", ""), body)
    finally:
        connection.close()


async def _ask_inside(cases: list[dict[str, Any]], settings: dict[str, Any], hearing: Hearing) -> list[tuple[str, int, str, str]]:
    parsed = parse(json.dumps(settings).encode(), {}).config
    slots = asyncio.Semaphore(_AT_ONCE)
    async with lasting({}, Observer(None)) as shared:
        runtime = (await compose(parsed, shared)).runtime

        async def one(number: int, case: dict[str, Any]) -> tuple[str, int, str, str]:
            path, query, body = asked(number, case)
            told = Told(lambda body: hearing.of(number).set() if case["streamed"] and _says_something(case, body) else None)
            async with slots:
                await handle(runtime, Inbound(case["client"], "", path, query, {}, body, "127.0.0.1", 0.0), told)
            assert told.ended == 1
            return _heard(case, told.status, told.headers.get("x-dragoman-attempts", ""), told.body)

        return await asyncio.gather(*(one(number, case) for number, case in enumerate(cases)))


class Told:
    """What a client without a connection was told. heard: is called with all of it whenever there is more."""

    def __init__(self, heard: Callable[[bytes], None]) -> None:
        self._heard = heard
        self.disconnected = False
        self.started = False
        self.status = 0
        self.headers: dict[str, str] = {}
        self.body = b""
        self.ended = 0

    async def start(self, status: int, headers: Headers) -> None:
        assert not self.started
        self.started, self.status, self.headers = True, status, dict(headers)

    async def write(self, chunk: bytes) -> None:
        assert self.started and not self.ended
        self.body += chunk
        self._heard(self.body)

    def push(self, chunk: bytes) -> bool:
        assert self.started and not self.ended
        self.body += chunk
        self._heard(self.body)
        return True

    async def finish(self) -> None:
        self.ended += 1

    async def whole(self, status: int, headers: Headers, body: bytes) -> None:
        await self.start(status, headers)
        await self.write(body)
        await self.finish()


def asked(number: int, case: dict[str, Any]) -> tuple[str, str, bytes]:
    """Path, query and body of a case's request."""
    path, query, body = _BODIES[case["client"]](f"c{number}", _question(number), case["streamed"])
    if BY_NAME[case["kind"]].moment == "call":
        body |= _TOOLS[case["client"]]
    return path, query, json.dumps(body).encode()


def _heard(case: dict[str, Any], status: int, counted: str, answer: bytes) -> tuple[str, int, str, str]:
    if status != 200:
        return "refusal", status, counted, answer.decode(errors="replace")[:400]
    return *_judge(case, _events(case, answer)), counted, answer.decode(errors="replace")[-600:]


def _events(case: dict[str, Any], answer: bytes) -> list[ev.Event]:
    spoken = dialect(case["client"])
    if not case["streamed"]:
        return spoken.read_response(answer, Quirks())
    framer, reader, grammar = spoken.framer(), spoken.reader(Quirks()), Grammar()
    events = [event for frame in (*framer.feed(answer), *framer.close()) for event in reader.feed(frame)]
    events += reader.close()
    for event in events:
        grammar.feed(event)
    return events


def _says_something(case: dict[str, Any], answer: bytes) -> bool:
    """Whether the beginning of a stream has something of the answer in it."""
    spoken = dialect(case["client"])
    framer, reader = spoken.framer(), spoken.reader(Quirks())
    events = (event for frame in framer.feed(answer) for event in reader.feed(frame))
    return any(isinstance(event, ev.TextDelta | ev.ReasoningDelta | ev.CallDelta) for event in events)


def _judge(case: dict[str, Any], events: list[ev.Event]) -> tuple[str, int]:
    fold = Fold()
    for event in events:
        fold.feed(event)
    said = "".join(event.text for event in events if isinstance(event, ev.TextDelta))
    try:
        items = fold.response().choices[0].items
    except GatewayError:
        return ("broken" if WORDS.startswith(said.strip()) else f"broken after `{said}`"), 200
    texts = "".join(part.text for item in items if isinstance(item, Message) for part in item.parts if isinstance(part, Text))
    calls = [json.loads(item.arguments) for item in items if isinstance(item, Call)]
    wanted = [ARGUMENTS] if BY_NAME[case["kind"]].moment == "call" else []
    return ("answer" if (texts, calls) == (WORDS, wanted) else f"an answer of `{texts}` and {calls}"), 200


Body = tuple[str, str, dict[str, Any]]


def _responses(model: str, text: str, streamed: bool) -> Body:
    return "/responses", "", {"model": model, "input": text, "stream": streamed, "store": False}


def _chat(model: str, text: str, streamed: bool) -> Body:
    return "/chat/completions", "", {"model": model, "messages": [{"role": "user", "content": text}], "stream": streamed}


def _messages(model: str, text: str, streamed: bool) -> Body:
    return "/messages", "", {"model": model, "messages": [{"role": "user", "content": text}], "stream": streamed, "max_tokens": 500}


def _generate(model: str, text: str, streamed: bool) -> Body:
    method, query = ("streamGenerateContent", "alt=sse") if streamed else ("generateContent", "")
    return f"/models/{model}:{method}", query, {"contents": [{"role": "user", "parts": [{"text": text}]}]}


_BODIES = {"responses": _responses, "chat": _chat, "messages": _messages, "generate": _generate}
_TOOLS: dict[str, dict[str, Any]] = {
    "responses": {"tools": [{"type": "function", "name": "look", "parameters": _TOOL, "strict": True}]},
    "chat": {"tools": [{"type": "function", "function": {"name": "look", "parameters": _TOOL}}]},
    "messages": {"tools": [{"name": "look", "input_schema": _TOOL}]},
    "generate": {"tools": [{"functionDeclarations": [{"name": "look", "parametersJsonSchema": _TOOL}]}]},
}
