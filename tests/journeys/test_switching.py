"""One conversation of the real Codex goes from each upstream dialect to each other one, its request shape changing with the model, and
across restarts of the gateway. Nothing that was said is lost; what only its own provider understands is told and comes back there."""

from __future__ import annotations

import base64
import re
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from machine import Machine, ruled, stats
from parts import gateway, simulator
from props import COUNT, COUNTED, letters, picture
from upstreams import DIALECTS, MODELS, Got, door, got, logged, provider
from wiretap import wiretap

pytestmark = pytest.mark.journey

PROVING = ("responses", "messages", "generate")
"""Dialects whose providers want to see proofs of their thoughts again."""


def round_trip(places: list[str]) -> list[str]:
    """A walk through each place that takes each way from one to another once (Hierholzer's)."""
    ways = {place: [other for other in places if other != place] for place in places}
    path, walk = [places[0]], list[str]()
    while path:
        if ways[path[-1]]:
            path.append(ways[path[-1]].pop())
        else:
            walk.append(path.pop())
    return walk


# What Codex calls the model of each dialect: by this it picks the shape of its requests. (Between `gpt-5.5` and its code mode Codex would
# sum up the conversation.)
NAMES = {
    "functions and freeform tools": {"responses": "first", "chat": "second", "messages": "gpt-5.5", "generate": "fourth"},
    "functions and code mode": {"responses": "gpt-6.1-sol", "chat": "gpt-4", "messages": "third", "generate": "gpt-5.6-sol"},
}
STEP: list[dict[str, Any]] = [{"reasoning": {"summary": "I think.", "text": "I think."}}]
SCRIPT = ruled(
    {
        "match": {"round": 0, "tool": "*exec_command"},
        "reply": [*STEP, {"call": {"name": "exec_command", "arguments": {"cmd": "echo $(({{turn}}*7))"}}}],
    },
    {"match": {"round": 0}, "reply": [*STEP, {"call": {"name": "exec", "input": "text(String({{turn}}*7));"}}]},
    {"reply": [{"text": "Answer to: {{user}} ({{result}})"}]},
)


def config(upstream: str, names: dict[str, str]) -> dict[str, Any]:
    return {
        "providers": {dialect: provider(upstream, dialect) for dialect in DIALECTS},
        "models": {name: f"{dialect}/{MODELS[dialect]}" for dialect, name in names.items()},
    }


@pytest.mark.parametrize("shapes", NAMES)
def test_conversation_goes_on_whoever_answers(machine: Machine, tmp_path: Path, shapes: str) -> None:
    names, walk = NAMES[shapes], round_trip(list(DIALECTS))
    heads: list[list[dict[str, str]]] = []
    lines: list[str] = []
    with simulator(SCRIPT) as upstream, wiretap() as tap:
        machine.configure(door(tap.address))
        at = 0
        # Three gateways, one after the other.
        for number, part in enumerate((walk[: len(walk) // 3], walk[len(walk) // 3 : len(walk) // 2], walk[len(walk) // 2 :])):
            (folder := tmp_path / f"gateway {number}").mkdir()
            with gateway(folder, config(upstream, names)) as address:
                tap.lead(address)
                for dialect in part:
                    before = len(tap.heads())
                    ran = (machine.resume if at else machine.exec)(f"Question {at}.", "-m", names[dialect])
                    assert ran.code == 0, ran.err
                    # What Codex tells the new model of the switch may stand before the question.
                    assert "Answer to: " in ran.out and f"Question {at}. (" in ran.out
                    heads.append(tap.heads()[before:])
                    at += 1
            lines += logged(folder)

        assert stats(upstream)["violations"] == []
        requests = got(upstream)
        assert [request.dialect for request in requests] == [dialect for dialect in walk for _ in range(2)]
        for number, request in enumerate(requests):
            turn = number // 2
            assert [request.says(f"Question {one}.") for one in range(turn + 1)] == [True] * (turn + 1)
            assert [request.says(f"Question {one}. (") for one in range(turn)] == [True] * turn
            assert len(request.results) == (number + 1) // 2
        for turn, told in enumerate(heads):
            check_record(walk, turn, told, lines[2 * turn : 2 * turn + 2])
        for dialect in PROVING:
            check_proofs([request for request in requests if request.dialect == dialect])


def check_record(walk: list[str], turn: int, heads: list[dict[str, str]], lines: list[str]) -> None:
    """The record of each exchange names whose thoughts were left behind, and only those; its line counts the warnings."""
    strangers = {dialect for dialect in walk[:turn] if dialect in PROVING} - {walk[turn]}
    for head, line in zip(heads, lines, strict=True):
        told = re.findall(r"reasoning: ([^;]*)", head.get("x-dragoman-warnings", ""))
        assert set(re.findall(r"`(\w+)/", " ".join(told))) & set(PROVING) == strangers, head
        assert not strangers or re.search(r" !\d+$", line), line


def check_proofs(requests: list[Got]) -> None:
    """What its own provider made goes back to it, from this turn and from all before."""
    for earlier, later in pairwise(requests):
        assert later.proofs[: len(earlier.proofs)] == earlier.proofs
    for first, second in zip(requests[::2], requests[1::2], strict=True):
        assert len(second.proofs) == len(first.proofs) + 1


RICH = ruled(
    {
        "match": {"user": "Do everything at once", "round": 0},
        "reply": [
            {"reasoning": {"summary": "Much to do.", "text": "Much to do."}},
            {"commentary": "I do it all."},
            {"call": {"name": "view_image", "arguments": {"path": "blue.png"}}},
            {"call": {"name": "exec_command", "arguments": {"cmd": "echo one; exit 3"}}},
            {"call": {"name": "tool_search", "arguments": {"query": "count letters in a word"}}},
        ],
    },
    {
        "match": {"user": "Do everything at once", "round": 1},
        "reply": [
            {"reasoning": {"summary": "Now the file.", "text": "Now the file."}},
            {"call": {"name": "apply_patch", "input": '*** Begin Patch\n*** Add File: a.txt\n+"\\é\n*** End Patch\n'}},
        ],
    },
    {"match": {"user": "Do everything at once"}, "reply": [{"text": "Begun."}]},
    {"match": {"round": 0}, "reply": [{"reasoning": "I count."}, COUNT]},
    {"reply": [{"text": "Counted: {{result}}"}]},
)


@pytest.mark.parametrize("first", DIALECTS)
def test_rich_history_is_understood_by_every_other_model(machine: Machine, tmp_path: Path, first: str) -> None:
    red, blue = picture((200, 0, 0)), picture((0, 0, 200))
    (machine.work / "red.png").write_bytes(red)
    (machine.work / "blue.png").write_bytes(blue)
    names = {dialect: f"model-of-{dialect}" for dialect in DIALECTS} | {first: "gpt-5.5"}
    others = [dialect for dialect in DIALECTS if dialect != first]
    with simulator(RICH) as upstream, gateway(tmp_path, config(upstream, names)) as address:
        machine.configure(door(address) + letters(machine))

        begun = machine.exec("Do everything at once.", "-m", names[first], "--image=red.png")
        gone_on = [machine.resume(f"Go on with {dialect}.", "-m", names[dialect]) for dialect in others]

        assert (begun.code, begun.out.strip()) == (0, "Begun."), begun.err
        assert [(ran.code, COUNTED in ran.out) for ran in gone_on] == [(0, True)] * 3, [ran.out + ran.err[-1000:] for ran in gone_on]
        assert stats(upstream)["violations"] == []
        requests = got(upstream)
        assert [request.dialect for request in requests] == [first] * 3 + [dialect for dialect in others for _ in range(2)]
        for request in requests[2:]:
            assert [base64.b64decode(data) for data in request.images] == [red, blue]
        last = [name.rpartition("__")[2] for name, _ in requests[-1].results]
        assert last == ["view_image", "exec_command", "tool_search", "apply_patch", *["count_letters"] * 3]
