"""The real TUI of Codex in a terminal: words stream, the thread gets its title, Esc cancels the provider, the way out is clean."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Generator
from pathlib import Path

import pytest
from hearing import patient
from machine import BYPASS, DRAGOMAN, Machine, scripted, stats
from parts import gateway, simulator
from screen import Screen
from upstreams import DIALECTS, config_of, turns

from dragoman.simulator.app import Simulator

pytestmark = pytest.mark.journey

# Slow enough to be seen arriving, and one answer that never ends by itself.
SCRIPT = scripted("""
rules:
  - match: {kind: title}
    reply: [{text: '{"title": "A talk about words"}'}]
  - match: {user: forever}
    reply: [{text: "and on ", repeat: 5000}]
    pace: {first_s: 0, delta_s: 0.05}
  - match: {user: sleep, round: 0}
    reply: [{reasoning: It shall sleep.}, {call: {name: exec_command, arguments: {cmd: touch asleep; sleep 60, yield_time_ms: 30000}}}]
  - reply: [{text: "First words come. Then more words come. At last the final words come."}]
    pace: {first_s: 0, delta_s: 0.15, characters: 17}
""")


@contextlib.contextmanager
def tui(machine: Machine, folder: Path, dialect: str, made: type[Simulator] = Simulator) -> Generator[tuple[Screen, str]]:
    with simulator(SCRIPT, made=made) as upstream, gateway(folder, config_of(upstream, dialect)) as address:
        screen = Screen(machine, [*DRAGOMAN, "codex", "--gateway", address, BYPASS, "-m", "gpt-4"])
        try:
            screen.wait_for("Ask Codex to do anything")
            yield screen, upstream
        finally:
            screen.close()


def leave(screen: Screen) -> int:
    screen.type("/quit")
    screen.wait_for("/quit")
    screen.type("\r")
    return screen.wait_for_end()


@pytest.mark.parametrize("dialect", DIALECTS)
def test_words_stream_and_the_thread_gets_its_title(machine: Machine, tmp_path: Path, dialect: str) -> None:
    seen = threading.Event()
    with tui(machine, tmp_path, dialect, patient(lambda _: seen)) as (screen, upstream):
        screen.say("talk to me")

        # The provider says no more until these are seen.
        screen.wait_for("First words come.")
        assert "final words" not in screen.text
        seen.set()
        screen.wait_for("At last the final words come.")
        screen.wait_until(lambda: stats(upstream)["open"] == 0 and stats(upstream)["requests"] == 2, "the request for a title")
        screen.wait_for_rest()
        code = leave(screen)

        assert code == 0
        assert sorted(request["kind"] for request in stats(upstream)["last"]) == ["title", "turn"]
        assert stats(upstream)["violations"] == []
        assert "dragoman: " in screen.text


@pytest.mark.parametrize("dialect", DIALECTS)
def test_escape_cancels_the_provider(machine: Machine, tmp_path: Path, dialect: str) -> None:
    with tui(machine, tmp_path, dialect) as (screen, upstream):
        screen.say("go on forever")
        screen.wait_for("and on and on")

        screen.type("\x1b")
        screen.wait_until(lambda: stats(upstream)["aborted"] == 1, "the provider to be cancelled")

        screen.wait_until(lambda: stats(upstream)["open"] == 0, "every request to be over")
        screen.wait_for_rest()
        screen.say("now talk to me")
        screen.wait_for("At last the final words come.")
        screen.wait_for_rest()
        assert leave(screen) == 0
        assert stats(upstream)["violations"] == []


@pytest.mark.parametrize("dialect", DIALECTS)
def test_conversation_goes_on_after_a_tool_was_interrupted(machine: Machine, tmp_path: Path, dialect: str) -> None:
    with tui(machine, tmp_path, dialect) as (screen, upstream):
        screen.say("let it sleep")
        screen.wait_until((machine.work / "asleep").exists, "the command")

        screen.type("\x1b")
        screen.wait_for("interrupted")
        screen.wait_for_rest()
        screen.say("now talk to me")
        screen.wait_for("At last the final words come.")
        screen.wait_for_rest()

        assert leave(screen) == 0
        assert stats(upstream)["violations"] == []
        last = turns(upstream)[-1]
        assert [name for name, _ in last.results] == ["exec_command"]
        assert "let it sleep" in str(last.body) and last.user.endswith("now talk to me")
