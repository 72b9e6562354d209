"""What the real Codex did, as the journal tells it: session ▸ turn ▸ exchange ▸ attempt, with a sub-agent, a compaction and a title. Costs,
tools and the closing line of the launcher agree at every level."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest
from machine import BYPASS, DRAGOMAN, Machine, Ran, ruled, stats
from parts import gateway, simulator
from patience import until
from screen import Screen
from upstreams import config_of, got

pytestmark = pytest.mark.journey

Row = dict[str, Any]
RATES = {"input": 4_000_000, "cache_read": 200_000, "cache_write": 5_000_000, "output": 20_000_000}
"""Of Claude Opus 5.5, by token, in units of 1e-12 dollar."""
WAIT = "for i in $(seq 300); do [ -f harvest.txt ] && break; sleep 0.1; done; cat harvest.txt"
SUMMARY = "Handoff: a helper harvested the pears, and they were counted."


def run(command: str) -> Row:
    return {"call": {"name": "exec_command", "arguments": {"cmd": command, "yield_time_ms": 30_000}}}


FULL = {"input": 1_500_000, "output": 20}
SCRIPT = ruled(
    {"match": {"kind": "title"}, "reply": [{"text": '{"title": "A talk about words"}'}]},
    {"match": {"kind": "compaction"}, "reply": [{"text": SUMMARY}]},
    {"match": {"user": "Pick", "round": 0}, "reply": [run("echo three pears > harvest.tmp && mv harvest.tmp harvest.txt")]},
    {"match": {"user": "Pick"}, "reply": [{"text": "All picked."}]},
    {"match": {"user": "orchard"}, "times": 1, "reply": [{"call": {"name": "spawn_agent", "arguments": {"message": "Pick the pears."}}}]},
    {"match": {"user": "orchard"}, "times": 1, "reply": [run(WAIT)]},
    {"match": {"user": "Count"}, "times": 1, "reply": [{"reasoning": "I count them."}, run("wc -l harvest.txt")], "usage": FULL},
    {"match": {"user": "Count"}, "reply": [{"text": "It is one line."}]},
    {"match": {"user": "talk"}, "reply": [{"text": "These are words."}]},
    {"match": {"user": "more"}, "reply": [{"text": "These are more of them."}]},
    {"reply": [{"text": "My helper did it."}]},
)


def fetch(address: str, path: str) -> Any:
    with urlopen(f"{address}{path}") as answer:
        return json.load(answer)


def wait_for_record(address: str, count: int, question: str = "") -> None:
    """Until so many exchanges are on record: they are written behind the answers."""
    until(lambda: len(fetch(address, f"/api/exchanges?limit=500{question}")["exchanges"]) >= count, f"{count} exchanges on record")


def exchanges(tree: Row) -> list[Row]:
    return [exchange for turn in tree["turns"] for exchange in turn["exchanges"]]


def kinds(tree: Row) -> list[list[str]]:
    return [[row["kind"] for row in turn["exchanges"]] for turn in tree["turns"]]


def by_hand(row: Row) -> int | None:
    """What a reply costs by its tokens alone."""
    if row["input_tokens"] is None:
        return None
    read, written = row["cache_read_tokens"] or 0, row["cache_write_tokens"] or 0
    counts = {
        "input": row["input_tokens"] - read - written, "cache_read": read, "cache_write": written, "output": row["output_tokens"]
    }  # fmt: skip
    return sum(count * RATES[unit] for unit, count in counts.items())


def check_sums(tree: Row) -> None:
    """Each level is the sum of its parts, from the attempts up."""
    for name in ("cost_pico", "input_tokens", "output_tokens"):
        for exchange in exchanges(tree):
            assert sum(attempt[name] or 0 for attempt in exchange["tries"]) == (exchange[name] or 0)
    for name in ("cost_pico", "input_tokens", "output_tokens", "cache_read_tokens", "cache_write_tokens"):
        for turn in tree["turns"]:
            assert turn["sums"][name] == sum(exchange[name] or 0 for exchange in turn["exchanges"])
        assert tree["own"][name] == sum(turn["sums"][name] for turn in tree["turns"])
        assert tree["sums"][name] == tree["own"][name] + sum(agent["sums"][name] for agent in tree["agents"])
    for exchange in exchanges(tree):
        assert exchange["cost_pico"] == by_hand(exchange)
        assert sum((exchange["cost_parts"] or {}).values()) == (exchange["cost_pico"] or 0)
    for agent in tree["agents"]:
        check_sums(agent)


def told_usd(text: str) -> float:
    """The cost in the launcher's closing line."""
    found = re.search(r"dragoman: .*?\$(\d+\.\d+)", text, re.DOTALL)
    assert found is not None, text
    return float(found[1])


def test_turns_sub_agent_and_compaction_stand_in_one_tree(machine: Machine, tmp_path: Path) -> None:
    with simulator(SCRIPT) as upstream, gateway(tmp_path, config_of(upstream, "messages")) as address:

        def codex(*arguments: str) -> Ran:
            ran = machine.dragoman("codex", "--gateway", address, "exec", *arguments, "--skip-git-repo-check", BYPASS, "-m", "gpt-4")
            assert ran.code == 0, ran.err
            return ran

        first = codex("Have the orchard harvested.")
        (session,) = re.findall(r"session id: (\S+)", first.err)
        again = codex("resume", session, "Count them.")
        parents = [request for request in got(upstream) if request.user != "Pick the pears."]
        wait_for_record(address, len(parents), f"&session={session}")
        tree = fetch(address, f"/api/sessions/{session}")

    assert (first.out.strip(), again.out.strip()) == ("My helper did it.", "It is one line.")
    harvested, counted = kinds(tree)
    # A helper that is done while its parent still speaks has Codex ask once more.
    assert (harvested[:3], set(harvested), counted) == (["turn"] * 3, {"turn"}, ["turn", "compaction", "turn"])
    assert {(row["status"], row["error"], row["attempts"], len(row["tries"])) for row in exchanges(tree)} == {(200, None, 1, 1)}
    assert {(row["provider"], row["model"], row["session"], row["agent"]) for row in exchanges(tree)} == {
        ("sim", "claude-opus-5-5", session, "codex")
    }  # fmt: skip
    (helper,) = tree["agents"]
    assert (helper["parent"], helper["agents"], exchanges(helper)[0]["status"]) == (session, [], 200)
    # When the parent is done its helper may not have said its last word.
    assert {row["kind"] for row in exchanges(helper)} == {"collab_spawn"}
    check_sums(tree)
    assert len(exchanges(tree)) == len(parents)
    assert [turn["sums"]["tool_calls"] for turn in tree["turns"]] == [2, 1]
    commands = {(row["name"].rpartition(".")[2], row["command"]): row["calls"] for row in tree["commands"]}
    assert commands == {("spawn_agent", ""): 1, ("exec_command", "echo"): 1, ("exec_command", "for"): 1, ("exec_command", "wc"): 1}
    assert all(row["result_tokens"] > 0 for row in tree["commands"] if row["command"] != "echo")
    # Each run tells what it came to itself, to four places; a million and a half of tokens cost nearly six dollars.
    assert told_usd(first.err) + told_usd(again.err) == pytest.approx(tree["sums"]["cost_usd"], abs=1.01e-4)
    assert tree["sums"]["cost_usd"] > 5.9


def test_title_stands_beside_the_turns_of_a_conversation_in_the_terminal(machine: Machine, tmp_path: Path) -> None:
    with simulator(SCRIPT) as upstream, gateway(tmp_path, config_of(upstream, "messages")) as address:
        screen = Screen(machine, [*DRAGOMAN, "codex", "--gateway", address, BYPASS, "-m", "gpt-4"])
        try:
            screen.wait_for("Ask Codex to do anything")
            for words, answer in (("talk to me", "These are words."), ("say more", "These are more of them.")):
                screen.say(words)
                screen.wait_for(answer)
                screen.wait_for_rest()
            screen.wait_until(lambda: stats(upstream)["open"] == 0 and stats(upstream)["requests"] == 3, "the request for a title")
            screen.type("/quit")
            screen.wait_for("/quit")
            screen.type("\r")
            code, shown = screen.wait_for_end(), screen.text
        finally:
            screen.close()
        wait_for_record(address, 3)
        rows = fetch(address, "/api/sessions")["sessions"]
        trees = [fetch(address, f"/api/sessions/{row['id']}") for row in rows]

    # Codex gives the title a conversation of its own, and tells nobody whose title it is; the launcher's run holds both.
    trees.sort(key=lambda tree: len(exchanges(tree)))
    title, talk = trees
    assert code == 0
    assert (kinds(title), kinds(talk)) == ([["title"]], [["turn"], ["turn"]])
    assert {row["status"] for tree in trees for row in exchanges(tree)} == {200}
    assert len({row["run"] for tree in trees for row in exchanges(tree)}) == 1
    for tree in trees:
        check_sums(tree)
    assert talk["sums"]["cache_hit_rate"] > 0.4
    assert "2 turns (3 requests)" in shown
    assert told_usd(shown) == pytest.approx(sum(tree["sums"]["cost_usd"] for tree in trees), abs=5.1e-5)
