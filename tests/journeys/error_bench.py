"""Measures the error table: the real Codex and the official SDK, through the gateway and straight at the simulated provider."""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import re
import signal
import subprocess
import time
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx2
import msgspec
import openai
from error_rows import OWN, ROWS, SDK, Body, Own, Row, Sdk
from machine import BYPASS, Machine, provider_of, ruled, stats
from parts import gateway, simulator
from patience import PATIENCE_S, until
from upstreams import provider

SECRET = "sk-proj-aProviderKeyThatNobodyMaySee0123456789"
CLIENT_KEY = "a-client-key"
WAIT_S = 2
"""The gateway's deadline where a provider is silent, here. Everything else may take as long as it does on a busy machine."""
_BREAKER = {"open_s": 600, "open_max_s": 600}
"""Where a provider is silent Codex asks for fourteen seconds, and after fifteen a target would be tried again: which comes first is the
machine's."""
_DEADLINES = {"stall-head": {"first_byte_s": WAIT_S}, "stall": {"idle_s": WAIT_S}}
_PATIENCE_S = 3 * PATIENCE_S
_GLANCE_S = 0.5
_AT_ONCE = 18
_SDK_S = 600.0
_SDK_ALONE_S = 10.0
"""What a program waits for an answer, and alone where the provider is silent. Its own default of ten minutes would tell the same, later."""


LANES = {"responses": ("relay", "chat"), "chat": ("relay", "messages")}
"""The APIs of the SDK, and the providers that it is tried with: one relayed, one translated."""


class Told(msgspec.Struct, frozen=True):
    """What somebody got. code: how Codex ended, None if it was still waiting. error: what was shown last. answer: the words. requests:
    how many the client made; tries: how many the gateway made of them (None: nobody counted); asked: how many reached the provider.
    screen: all that was shown."""

    code: int | None
    error: str
    answer: str
    requests: int
    asked: int
    screen: str
    tries: int | None = None

    @property
    def read(self) -> str:
        """What its user is left with."""
        return self.answer if self.code == 0 and self.answer else self.error


class Bench:
    """Gateways before a simulator with every fault, and the simulator alone. Everything is measured once, many at a time."""

    def __init__(self, folder: Path, upstream: str, gateways: dict[str, str]) -> None:
        self._folder, self._upstream, self._gateways = folder, upstream, gateways
        self._pool = ThreadPoolExecutor(_AT_ONCE)
        self._numbers = itertools.count(1)
        self._marks = itertools.count(1)
        self._under_way: dict[tuple[str, ...], Future[Told]] = {}

    def start(self, work: Callable[[], Told], *key: str) -> None:
        """Begin a measurement."""
        if key not in self._under_way:
            self._under_way[key] = self._pool.submit(work)

    def close(self) -> None:
        self._pool.shutdown(cancel_futures=True)

    def begin_all(self) -> None:
        """Begin with those that take long."""
        for row in sorted(ROWS, key=lambda row: (row.fatal, row.known is not None)):
            for name in (*(() if row.known else ("raw",)), *row.over):
                self.start(self._codex_work(row, name), row.name, name)
        for own in OWN:
            self.start(lambda own=own: self._own(own), own.what, "own")
        for sdk, api in itertools.product(SDK, LANES):
            for name in ("raw", *LANES[api]):
                self.start(lambda sdk=sdk, name=name, api=api: self._sdk(sdk, name, api), sdk.name, name, api)

    def codex(self, row: Row, name: str) -> Told:
        """What Codex's user gets, over a provider or (`raw`) without the gateway."""
        self.start(self._codex_work(row, name), row.name, name)
        return self._under_way[row.name, name].result()

    def own(self, own: Own) -> Told:
        """What Codex's user gets of a fault of the gateway's own."""
        self.start(lambda: self._own(own), own.what, "own")
        return self._under_way[own.what, "own"].result()

    def sdk(self, sdk: Sdk, name: str, api: str) -> Told:
        """What a program with the SDK gets."""
        self.start(lambda: self._sdk(sdk, name, api), sdk.name, name, api)
        return self._under_way[sdk.name, name, api].result()

    # ---- Codex ----

    def _codex_work(self, row: Row, name: str) -> Callable[[], Told]:
        return (lambda: self._raw(row)) if name == "raw" else (lambda: self._through(row, name))

    def _through(self, row: Row, name: str) -> Told:
        model = f"{own_provider(name, row.name)}/{row.name}"
        ran = self._run(self._gateways["open"], model, _PATIENCE_S)
        requests, tries = self._logged("open", model)
        return msgspec.structs.replace(told_of(ran, requests, self._asked(f"{name}/{row.name}")), tries=tries)

    def _raw(self, row: Row) -> Told:
        def asked() -> int:
            return len([one for one in stats(self._upstream)["last"] if one["model"] == f"raw-{row.name}"])

        # How long it takes to begin is the machine's.
        ran = self._run(self._upstream, f"raw-{row.name}", row.patience_s, row.settings, has_begun=lambda: asked() > 0)
        return told_of(ran, asked(), asked())

    def _own(self, own: Own) -> Told:
        ran = self._run(self._gateways[own.gateway], own.name, _PATIENCE_S, key=own.key)
        told = told_of(ran, 0, 0)
        # What is refused before its model is known is not in the log by that name.
        count = self._logged("open", own.name)[0] if own.gateway == "open" else 1 + told.screen.count("Reconnecting")
        return msgspec.structs.replace(told, requests=count)

    def _run(
        self,
        address: str,
        model: str,
        patience_s: float,
        settings: str = "",
        *,
        key: str = CLIENT_KEY,
        has_begun: Callable[[], bool] = lambda: True,
    ) -> tuple[int | None, str, str]:
        machine = Machine(self._folder / f"machine-{next(self._numbers)}")
        machine.configure(door(address, settings))
        return run_codex(machine, model, patience_s, key, has_begun=has_begun)

    # ---- the SDK ----

    def _sdk(self, sdk: Sdk, name: str, api: str) -> Told:
        model = f"sdk-{api}-{sdk.name}"
        address = self._upstream if name == "raw" else self._gateways["open"]
        asked_for = model if name == "raw" else f"{own_provider(name, model)}/{model}"
        patience_s = _SDK_ALONE_S if name == "raw" and sdk.name in _DEADLINES else _SDK_S
        count = 0

        def count_one(_: httpx2.Request) -> None:
            nonlocal count
            count += 1

        with (
            # The environment changes under the feet of whoever reads it on another thread: pytest writes there what it runs.
            httpx2.Client(event_hooks={"request": [count_one]}, timeout=patience_s, trust_env=False) as http,
            openai.OpenAI(api_key=CLIENT_KEY, base_url=f"{address}/v1", http_client=http, timeout=patience_s) as client,
        ):
            code, words = ask(client, api, asked_for, sdk.stream)
        tries = None if name == "raw" else self._logged("open", asked_for)[1]
        return Told(code, "" if code == 0 else words, words if code == 0 else "", count, 0, words, tries)

    # ---- counting ----

    def _logged(self, which: str, model: str) -> tuple[int, int]:
        """How many exchanges a gateway noted that asked for this model, and how many tries it made."""
        lines = [json.loads(line) for line in self._log(which).splitlines() if line.startswith("{") and f'"asked":"{model}"' in line]
        # A single try is not told one by one; where none was made, no provider is named.
        return len(lines), sum(len(line["attempts"]) if "attempts" in line else "provider" in line for line in lines)

    def _log(self, which: str) -> str:
        """A gateway's log, with all that has happened until now: it is written behind the exchanges, in their order."""
        mark = f"relay/mark-{next(self._marks)}"
        httpx2.post(f"{self._gateways[which]}/v1/responses", json={"model": mark, "input": "Hello."}, timeout=_PATIENCE_S, trust_env=False)

        def whole() -> str | None:
            lines, _, _ = (self._folder / which / "dragoman" / "gateway-journey.log").read_text().rpartition("\n")
            return lines if f'"asked":"{mark}"' in lines else None

        return until(whole, "what has happened, in the gateway's log,")

    def _asked(self, rule: str) -> int:
        return len([one for one in stats(self._upstream)["last"] if one["rule"] == rule])


@contextlib.contextmanager
def bench(folder: Path) -> Generator[Bench]:
    """A bench in a folder of its own."""
    for name in ("open", "guarded", "small"):
        (folder / name).mkdir()
    guarded: Body = {"access": {"keys": [{"name": "ada", "key": CLIENT_KEY}]}}
    small: Body = {"server": {"limits": {"body_bytes": 16_384}}}
    with (
        simulator(ruled(*_rules()), kept=100_000) as upstream,
        gateway(folder / "open", {**_config(upstream, _measured()), "log": {"format": "json"}}) as address,
        gateway(folder / "guarded", {**_config(upstream), **guarded}) as guarded_address,
        gateway(folder / "small", {**_config(upstream), **small}) as small_address,
    ):
        made = Bench(folder, upstream, {"open": address, "guarded": guarded_address, "small": small_address})
        try:
            yield made
        finally:
            made.close()


def _config(upstream: str, measured: Iterable[tuple[str, str, str]] = ()) -> Body:
    """Default settings, but for a deadline where a provider is silent and a breaker that stays open: providers of all lanes, and one for
    each measurement."""
    compatible: Body = {**provider_of(upstream, "responses"), "keys": [SECRET]}
    lanes: dict[str, Body] = {
        "relay": {"kind": "openai", "base_url": f"{upstream}/v1", "keys": [SECRET]},
        "responses": {**compatible, "relay": []},
        **{name: {**provider(upstream, name), "keys": [SECRET]} for name in ("chat", "messages", "generate")},
    }
    lanes |= {name: {**one, "headers": {"x-lane": name}} for name, one in lanes.items()}
    lanes |= {own_provider(name, model): {**lanes[name], "deadlines": _DEADLINES.get(row, {})} for name, model, row in measured}
    lanes |= {
        "gone": {**compatible, "base_url": "http://127.0.0.1:9/v1"},
        "nowhere": {**compatible, "base_url": "http://nowhere.invalid/v1"},
    }
    return {"providers": lanes, "routing": {"breaker": _BREAKER}}


def own_provider(name: str, model: str) -> str:
    """The provider of one measurement: what the gateway remembers of its faults disturbs no other one. On the page it is `name`."""
    return f"{name}--{model}"


def _measured() -> Iterator[tuple[str, str, str]]:
    """(lane, model, row) of all that is measured through the gateway."""
    yield from ((name, row.name, row.name) for row in ROWS for name in row.over)
    yield from ((name, f"sdk-{api}-{sdk.name}", sdk.name) for sdk in SDK for api in LANES for name in LANES[api])


def _rules() -> Iterator[Body]:
    for row in ROWS:
        for name in row.over:
            yield {"name": f"{name}/{row.name}", "match": {"model": row.name, "headers": {"x-lane": name}}, **row.rule}
        yield {"name": f"raw/{row.name}", "match": {"model": f"raw-{row.name}"}, **row.rule}
    rules = {row.name: row.rule for row in ROWS}
    for sdk, api in itertools.product(SDK, LANES):
        model = f"sdk-{api}-{sdk.name}"
        for name in LANES[api]:
            yield {"name": f"{name}/{model}", "match": {"model": model, "headers": {"x-lane": name}}, **rules[sdk.name]}
        yield {"name": f"raw/{model}", "match": {"model": model}, **rules[sdk.name]}
    yield {"reply": [{"text": "fine again"}]}


def door(address: str, settings: str) -> str:
    """Codex's settings for an address, and more lines for its provider."""
    return f"""model_provider = "gw"
[model_providers.gw]
name = "Gateway"
base_url = "{address}/v1"
env_key = "GW_KEY"
{settings}"""


def run_codex(
    machine: Machine, model: str, patience_s: float, key: str, *, has_begun: Callable[[], bool] = lambda: True
) -> tuple[int | None, str, str]:
    """`codex exec`, ended with all its children when patience is over (code None), which is counted from when it `has_begun`."""
    process = subprocess.Popen(
        ["codex", "exec", "--skip-git-repo-check", BYPASS, "-m", model, "Say hello."],
        env={**machine.env, "GW_KEY": key},
        cwd=machine.work,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    begun, end = False, time.monotonic() + _PATIENCE_S
    while time.monotonic() < end:
        with contextlib.suppress(subprocess.TimeoutExpired):
            out, err = process.communicate(timeout=_GLANCE_S)
            return process.returncode, out, err
        if not begun and has_begun():
            begun, end = True, time.monotonic() + patience_s
    os.killpg(process.pid, signal.SIGKILL)
    out, err = process.communicate()
    return None, out, err


def told_of(ran: tuple[int | None, str, str], count: int, asked: int) -> Told:
    """What a run of Codex comes to."""
    code, out, err = ran
    errors = [line.removeprefix("ERROR: ") for line in err.splitlines() if line.startswith("ERROR: ")]
    return Told(code, plain(errors[-1]) if errors else "", out.strip(), count, asked, out + err)


def ask(
    client: openai.OpenAI, api: str, model: str, stream: bool, body: Body | None = None, heard: Callable[[], None] = lambda: None
) -> tuple[int, str]:
    """(0, the answer) or (1, class, status, code and words of the error). heard: is called at each event of a stream of Responses that
    has words."""
    try:
        return 0, _ASK[api](client, model, stream, heard) if body is None else str(client.post(_PATHS[api], cast_to=object, body=body))
    except openai.APIStatusError as error:
        return 1, plain(f"{type(error).__name__} {error.status_code} `{error.code}`: {_sentence(error)}")
    except openai.APIError as error:
        return 1, plain(f"{type(error).__name__} `{error.code}`: {error.message}")
    except httpx2.HTTPError as error:
        return 1, plain(f"{type(error).__module__}.{type(error).__name__}: {error}")


def _sentence(error: openai.APIStatusError) -> str:
    body: Any = error.body
    return str(body["message"]) if isinstance(body, dict) and "message" in body else error.message


_PATHS = {"responses": "/responses", "chat": "/chat/completions"}
_NO_ANSWER = "no error, but a `str` in place of an answer"


def _ask_responses(client: openai.OpenAI, model: str, stream: bool, heard: Callable[[], None]) -> str:
    if not stream:
        answer: Any = client.responses.create(model=model, input="Say hello.")
        return _NO_ANSWER if isinstance(answer, str) else answer.output_text
    end = ""
    for event in client.responses.create(model=model, input="Say hello.", stream=True):
        if event.type == "response.output_text.delta":
            heard()
        if event.type == "response.failed":
            assert event.response.error is not None
            end = f"`response.failed`, `{event.response.error.code}`: {event.response.error.message}"
        if event.type == "response.incomplete":
            assert event.response.incomplete_details is not None
            end = f"`response.incomplete`: {event.response.incomplete_details.reason}"
        if event.type == "response.completed":
            end = event.response.output_text
    return plain(end) or "nothing: the stream just ends"


def _ask_chat(client: openai.OpenAI, model: str, stream: bool, _heard: Callable[[], None]) -> str:
    if not stream:
        answer: Any = client.chat.completions.create(model=model, messages=[{"role": "user", "content": "Say hello."}])
        return _NO_ANSWER if isinstance(answer, str) else answer.choices[0].message.content or ""
    end = ""
    for chunk in client.chat.completions.create(model=model, messages=[{"role": "user", "content": "Say hello."}], stream=True):
        for choice in chunk.choices:
            end = f"`finish_reason`: {choice.finish_reason}" if choice.finish_reason else end
    return end or "nothing: the stream just ends"


_ASK: dict[str, Callable[[openai.OpenAI, str, bool, Callable[[], None]], str]] = {"responses": _ask_responses, "chat": _ask_chat}
_CHANGING = (
    (re.compile(r"127\.0\.0\.1:\d{2,}"), "127.0.0.1:…"),
    (re.compile(r"\breq_\w+"), "req_…"),
    (re.compile(r"(request id: )[\w-]+…?"), r"\1…"),
    (re.compile(r"\b[0-9a-f]{16,}\b"), "…"),
    (re.compile(r"([A-Z][a-z]{2} \d+[a-z]{2}, \d{4} )?\d+:\d\d [AP]M"), "…"),
    (re.compile(r"(nothing that could answer .*) \(resting for \d+ s: (.*; ask again in) \d+ s"), r"\1 (resting for … s: \2 … s"),
    # How much of a noise is no text is chance; whether a resolver knows no such name or knows nothing is the machine's.
    (re.compile(r"(invalid utf-8 sequence of) \d bytes"), r"\1 … bytes"),
    (re.compile("temporary failure in name resolution"), "name or service not known"),
    (re.compile(r"\b(relay|responses|chat|messages|generate)--[a-z0-9-]+"), r"\1"),
    (re.compile(r"\b(?:raw|sdk-responses|sdk-chat)-(?=[a-z])"), ""),
)


def plain(text: str) -> str:
    """Without what differs from run to run."""
    for pattern, instead in _CHANGING:
        text = pattern.sub(instead, text)
    return text
