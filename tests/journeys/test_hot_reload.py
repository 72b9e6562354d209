"""The config changes under a running gateway: Codex uses a model that is new, streams end as they began, signals and terminals."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import threading
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import pytest
from machine import BYPASS, DRAGOMAN, TALK, Machine, provider_of, requests, scripted
from parts import simulator
from patience import PATIENCE_S

pytestmark = pytest.mark.journey

SLOW = scripted('rules: [{reply: [{text: "one two three four five six"}], pace: {first_s: 0, delta_s: 0.2}}]')
HELLO = "Hello from the far side."
ASK = {"stream": True, "messages": [{"role": "user", "content": "count"}]}


class Gateway:
    """`dragoman serve` in the working directory of a machine; what it says is read as it comes."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self.address = next(line.split()[1] for line in self.lines() if line.strip().startswith("address")).removesuffix("/openai/v1")

    def lines(self) -> Iterator[str]:
        """What it says from here on."""
        assert self.process.stderr is not None
        return iter(self.process.stderr.readline, "")

    def says(self, words: str) -> str:
        """Wait for a line with these words."""
        return next(line for line in self.lines() if words in line)

    def open(self, model: str) -> Any:
        """A stream of this model."""
        body = json.dumps({"model": model, **ASK}).encode()
        return urlopen(Request(f"{self.address}/v1/chat/completions", body, {"content-type": "application/json"}))


@contextmanager
def serving(machine: Machine, *arguments: str) -> Generator[Gateway]:
    process = subprocess.Popen(
        [*DRAGOMAN, "serve", "--port", "0", *arguments],
        env=machine.env,
        cwd=machine.work,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    watchdog = threading.Timer(2 * PATIENCE_S, process.kill)
    watchdog.start()
    try:
        yield Gateway(process)
    finally:
        watchdog.cancel()
        process.terminate()
        process.communicate(timeout=PATIENCE_S)


def write(machine: Machine, upstream: str, **models: str) -> Path:
    return put(machine, json.dumps({"providers": {"sim": provider_of(upstream, "responses")}, "models": models}))


def put(machine: Machine, config: str) -> Path:
    """Write the config in one go: between an empty file and a whole one a busy machine may stand still, and the gateway would read it."""
    file, new = machine.work / "dragoman.yaml", machine.work / "dragoman.yaml.new"
    new.write_text(config)
    return new.replace(file)


def test_codex_uses_a_model_that_was_added_while_the_gateway_ran(machine: Machine) -> None:
    with simulator(TALK) as upstream:
        write(machine, upstream, old="sim/old")
        with serving(machine) as gateway:
            write(machine, upstream, old="sim/old", brand_new="sim/of-today")
            gateway.says("in use: revision 2 (+models.brand_new)")

            ran = machine.dragoman(
                "codex", "--gateway", gateway.address, "-m", "brand_new", "exec", "--skip-git-repo-check", BYPASS, "hello"
            )

        assert (ran.code, HELLO in ran.out) == (0, True), ran.out + ran.err
        assert {request["model"] for request in requests(upstream) if request["method"] == "POST"} == {"of-today"}


def test_a_stream_ends_as_it_began_while_its_model_is_taken_away(machine: Machine) -> None:
    with simulator(SLOW) as upstream:
        write(machine, upstream, old="sim/old")
        with serving(machine) as gateway, gateway.open("old") as answer:
            first = answer.readline()
            write(machine, upstream, other="sim/other")
            gateway.says("in use: revision 2")
            rest = answer.read()

    assert (first[:6], rest.rstrip().endswith(b"data: [DONE]"), rest.count(b"data: ") > 3) == (b"data: ", True, True)


def test_a_wrong_file_is_told_and_the_gateway_goes_on(machine: Machine) -> None:
    with simulator(TALK) as upstream:
        write(machine, upstream, old="sim/old")
        with serving(machine) as gateway:
            put(machine, "models: {a: nobody/x}\nproviders: {}\n")
            told = [gateway.says("the config cannot be used as it is now; revision 1 stays in use"), next(gateway.lines())]
            with urlopen(f"{gateway.address}/health") as answer:
                health = json.load(answer)["config"]
            with gateway.open("old") as stream:
                stream.read()
            checked = machine.dragoman("check")
            rolled = machine.dragoman("config", "rollback", "1")

    problem = told[1].strip().removeprefix("✗ ")
    assert problem.startswith("dragoman.yaml:1: models.a: no provider is named `nobody`")
    assert (health["error"], health["revision"]) == (problem, 1)
    assert (checked.code, problem in checked.err) == (1, True)
    assert (rolled.code, "those changes would be lost" in rolled.err) == (1, True)


def test_hangup_reads_the_config_and_a_rollback_is_taken_up(machine: Machine) -> None:
    with simulator(TALK) as upstream:
        write(machine, upstream, old="sim/old")
        with serving(machine) as gateway:
            write(machine, upstream, new="sim/new")
            gateway.process.send_signal(signal.SIGHUP)
            gateway.says("in use: revision 2 (-models.old, +models.new)")

            rolled = machine.dragoman("config", "rollback", "1", "--gateway", gateway.address)
            gateway.says("in use: revision 3 (-models.new, +models.old)")
            routed = machine.dragoman("route", "old", "--gateway", gateway.address)
            reloaded = machine.dragoman("config", "reload", "--gateway", gateway.address)

    assert (rolled.out, reloaded.out) == ("dragoman.yaml says what revision 1 said; in use: revision 3\n", "in use: revision 3\n")
    assert routed.out.startswith(f"as the gateway at {gateway.address} would send it now\n\nold (alias") and "sim/old" in routed.out


def test_a_gateway_whose_terminal_is_gone_ends(machine: Machine) -> None:
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [*DRAGOMAN, "serve", "--port", "0"],
        env=machine.env,
        cwd=machine.work,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
    )
    os.close(theirs)
    said = b""
    while b"next, in another terminal" not in said:
        said += os.read(ours, 4096)

    os.close(ours)
    process.send_signal(signal.SIGHUP)

    process.wait(PATIENCE_S)
