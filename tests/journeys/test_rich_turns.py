"""What Codex can do besides talking, over each upstream dialect: freeform tools, parallel calls, pictures in and from tools, answers
by a schema, thoughts that are shown again with their proofs. Checked on disk, on the screen and in what reached the provider."""

from __future__ import annotations

import base64
import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from machine import CODER, Machine, Ran, ruled, stats
from parts import gateway, simulator
from props import picture
from upstreams import DIALECTS, Got, changed_behind, config_of, door, turns

from dragoman.simulator.script import Script

pytestmark = pytest.mark.journey

# Everything that a translator could trip over: quotes, escapes, tabs, trailing blanks, other scripts, JSON and patch marks.
TRICKY = [
    'say "hello" \\ and \\n stay one line',
    "\ttabbed, blanks at the end   ",
    "ключ — 鍵 — 🔑 \u2028 \u200b",
    '{"input": "*** End Patch"}',
    "*** not the end ***",
    "<script>&amp;</script> %s {0} ${x}",
    "",
]
PATCH = "\n".join(["*** Begin Patch", "*** Add File: tricky.txt", *(f"+{line}" for line in TRICKY), "*** End Patch", ""])
SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "verdict": {"type": "string", "enum": ["keep", "drop"]},
        "score": {"type": "integer"},
        "findings": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {"file": {"type": "string"}, "is_bug": {"type": "boolean"}},
                "required": ["file", "is_bug"],
                "additionalProperties": False,
            },
        },
        "owner": {"anyOf": [{"type": "string"}, {"type": "null"}]},
    },
    "required": ["verdict", "score", "findings", "owner"],
    "additionalProperties": False,
}
TYPES: dict[str, type | tuple[type, ...]] = {"string": str, "integer": int, "boolean": bool, "array": list, "object": dict}


def satisfies(value: Any, schema: dict[str, Any]) -> bool:
    """Whether a value is as the schema says, as far as this page's schema goes."""
    if "anyOf" in schema:
        return any(satisfies(value, one) for one in schema["anyOf"])
    if schema["type"] == "null":
        return value is None
    if not isinstance(value, TYPES[schema["type"]]) or value not in schema.get("enum", [value]):
        return False
    if isinstance(value, list):
        return all(satisfies(one, schema["items"]) for one in value)
    if isinstance(value, dict):
        known = schema["properties"]
        return list(value) == schema["required"] and all(satisfies(inner, known[name]) for name, inner in value.items())
    return True


def run(
    machine: Machine,
    folder: Path,
    dialect: str,
    script: Script,
    *arguments: str,
    prompt: str = "Go.",
    answering: str | None = None,
    **settings: Any,
) -> tuple[Ran, list[Got]]:
    """Codex with a scripted model behind the gateway, and the requests that reached it; none broke a rule."""
    with simulator(script) as upstream, gateway(folder, config_of(upstream, dialect, answering, **settings)) as address:
        machine.configure(door(address))

        ran = machine.exec(prompt, *arguments)

        assert ran.code == 0, ran.out + ran.err
        assert stats(upstream)["violations"] == []
        return ran, turns(upstream)


@pytest.mark.parametrize("dialect", DIALECTS)
def test_freeform_patch_arrives_to_the_byte(machine: Machine, tmp_path: Path, dialect: str) -> None:
    call = {"call": {"name": "apply_patch", "input": PATCH}}
    script = ruled({"match": {"round": 0}, "reply": [call]}, {"reply": [{"text": "Patched."}]})

    ran, requests = run(machine, tmp_path, dialect, script, "-m", "gpt-5.5")

    assert (machine.work / "tricky.txt").read_text() == "\n".join(TRICKY) + "\n"
    assert ran.out.strip() == "Patched."
    ((name, text),) = requests[-1].results
    assert name == "apply_patch"
    assert "A tricky.txt" in text


@pytest.mark.parametrize("dialect", DIALECTS)
def test_parallel_calls_get_their_own_results(machine: Machine, tmp_path: Path, dialect: str) -> None:
    calls = [
        {"call": {"name": "exec_command", "arguments": {"cmd": command}}} for command in ("echo eins", "echo zwei; exit 3", "echo drei")
    ]
    answer = {"text": "{{results.0}} / {{results.1}} / {{results.2}}"}
    script = ruled({"match": {"round": 0}, "reply": [{"commentary": "All at once."}, *calls]}, {"reply": [answer]})

    ran, requests = run(machine, tmp_path, dialect, script, "-m", "gpt-4")

    assert len(requests) == 2
    names, texts = zip(*requests[1].results, strict=True)
    assert names == ("exec_command",) * 3
    assert [word in text for word, text in zip(("eins", "zwei", "drei"), texts, strict=True)] == [True] * 3
    assert "exited with code 3" in texts[1]
    assert [ran.out.index(word) for word in ("eins", "zwei", "drei")] == sorted(ran.out.index(word) for word in ("eins", "zwei", "drei"))


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("model", ["gpt-6.1-sol", "gpt-5.5", "gpt-4"])
def test_pictures_reach_the_model(machine: Machine, tmp_path: Path, dialect: str, model: str) -> None:
    red, blue = picture((200, 0, 0)), picture((0, 0, 200))
    (machine.work / "red.png").write_bytes(red)
    (machine.work / "blue.png").write_bytes(blue)

    ran, requests = run(
        machine,
        tmp_path,
        dialect,
        ruled({"reply": [{"text": "I see two."}]}),
        *("-m", model, "--image=red.png", "--image=blue.png"),
        prompt="Which colours are these?",
    )

    assert ran.out.strip() == "I see two."
    assert [base64.b64decode(data) for data in requests[0].images] == [red, blue]
    assert requests[0].user == "Which colours are these?"


@pytest.mark.parametrize("dialect", DIALECTS)
def test_picture_from_a_tool_reaches_the_model(machine: Machine, tmp_path: Path, dialect: str) -> None:
    green = picture((0, 150, 0))
    (machine.work / "green.png").write_bytes(green)
    look = {"call": {"name": "view_image", "arguments": {"path": str(machine.work / "green.png")}}}
    count = {"call": {"name": "exec_command", "arguments": {"cmd": "ls *.png | wc -l"}}}
    script = ruled(
        {"match": {"round": 0}, "reply": [look, count]}, {"match": {"round": 1}, "reply": [count]}, {"reply": [{"text": "It is green."}]}
    )

    ran, requests = run(machine, tmp_path, dialect, script, "-m", "gpt-4")

    assert ran.out.strip() == "It is green."
    assert [name for name, _ in requests[-1].results] == ["view_image", "exec_command", "exec_command"]
    assert [[base64.b64decode(data) for data in request.images] for request in requests] == [[], [green], [green]]


@pytest.mark.parametrize("dialect", DIALECTS)
def test_picture_from_code_reaches_the_model(machine: Machine, tmp_path: Path, dialect: str) -> None:
    green = picture((0, 150, 0))
    (machine.work / "green.png").write_bytes(green)
    path = json.dumps(str(machine.work / "green.png"))
    code = f'text("before"); image(await tools.view_image({{path: {path}}})); text("after");'
    script = ruled({"match": {"round": 0}, "reply": [{"call": {"name": "exec", "input": code}}]}, {"reply": [{"text": "It is green."}]})

    ran, requests = run(machine, tmp_path, dialect, script, "-m", "gpt-6.1-sol")

    assert ran.out.strip() == "It is green."
    ((name, text),) = requests[-1].results
    assert (name.rpartition("__")[2], text.index("before") < text.index("after")) == ("exec", True)
    assert [[base64.b64decode(data) for data in request.images] for request in requests] == [[], [green]]


@pytest.mark.parametrize("dialect", ["responses", "messages", "generate"])
def test_search_of_the_provider_goes_back_to_it(machine: Machine, tmp_path: Path, dialect: str) -> None:
    found = {"title": "Harbours", "url": "https://example.com/harbours", "text": "There are 4711 harbours."}
    script = ruled(
        {
            "match": {"round": 0, "user": "How many"},
            "reply": [{"reasoning": "I search."}, {"search": {"query": "harbours", "found": [found]}}, step("echo noted")],
        },
        {"match": {"user": "How many"}, "reply": [{"text": "There are 4711."}]},
        {"reply": [{"text": "As I found: 4711."}]},
    )
    with simulator(script) as upstream, gateway(tmp_path, config_of(upstream, dialect)) as address:
        machine.configure(door(address, more='web_search = "live"'))

        first = machine.exec("How many harbours are there?", "-m", "gpt-5.5")
        again = machine.resume("Say it again.", "-m", "gpt-5.5")

        assert (first.code, first.out.strip()) == (0, "There are 4711."), first.err
        assert (again.code, again.out.strip()) == (0, "As I found: 4711."), again.err
        assert stats(upstream)["violations"] == []
        requests = turns(upstream)
        assert [told for earlier, later in pairwise(requests) for told in changed_behind(earlier, later)] == []
        assert requests[-1].says("harbours"), "what was searched for is forgotten"


def step(command: str) -> dict[str, Any]:
    """A line of a script that runs a command."""
    return {"call": {"name": "exec_command", "arguments": {"cmd": command}}}


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("model", ["gpt-6.1-sol", "gpt-4"])
def test_answer_satisfies_the_schema(machine: Machine, tmp_path: Path, dialect: str, model: str) -> None:
    (machine.work / "schema.json").write_text(json.dumps(SCHEMA))

    _, requests = run(
        machine,
        tmp_path,
        dialect,
        CODER,
        *("-m", model, "--output-schema", "schema.json", "-o", "answer.json"),
        prompt="Judge this.",
    )

    answer = json.loads((machine.work / "answer.json").read_text())
    assert satisfies(answer, SCHEMA), answer
    assert requests[0].schema is not None, "the provider was not told the schema"


@pytest.mark.parametrize(
    ("dialect", "answering"),
    [
        ("responses", "gpt-6.1-sol"),
        ("responses", "gpt-5.5"),
        ("chat", "glm-5.3"),
        ("messages", "claude-opus-5-5"),
        ("messages", "claude-opus-4-8"),
        ("messages", "claude-sonnet-4-5"),
        ("generate", "gemini-3.1-pro-preview"),
        ("generate", "gemini-4-flash"),
        ("generate", "gemini-2.5-pro"),
    ],
)
@pytest.mark.parametrize("model", ["gpt-5.5", "gpt-4"])
def test_proofs_of_thoughts_come_back_as_they_were(machine: Machine, tmp_path: Path, model: str, dialect: str, answering: str) -> None:
    steps = [
        {
            "match": {"round": number},
            "reply": [
                {"reasoning": {"summary": f"Thought {number}.", "text": f"Thought {number}."}},
                {"call": {"name": "exec_command", "arguments": {"cmd": f"echo step {number} >> steps.txt"}}},
            ],
        }
        for number in range(3)
    ]
    # In chat there are no proofs, but some providers want the thoughts themselves again, a field that others refuse.
    settings = {"quirks": {"replay_reasoning": True}} if dialect == "chat" else {}
    script = ruled(*steps, {"reply": [{"text": "Three steps."}]}, etiquette={"unknown_fields": "allowed"})

    ran, requests = run(
        machine, tmp_path, dialect, script, "-m", model, "-c", "model_reasoning_effort=high", answering=answering, **settings
    )

    assert (machine.work / "steps.txt").read_text() == "step 0\nstep 1\nstep 2\n"
    assert ran.out.strip() == "Three steps."
    # That none was altered the simulator has seen: it signs what it makes.
    proofs = requests[-1].proofs
    assert len(set(proofs)) == 3
    assert [request.proofs for request in requests] == [proofs[:number] for number in range(4)]


@pytest.mark.parametrize(
    ("dialect", "answering", "proofs"),
    [
        ("responses", "gpt-5.5", [0, 1, 2]),
        ("messages", "claude-opus-4-8", [0, 1, 2]),
        # Its words between calls are thoughts too.
        ("messages", "claude-opus-5-5", [0, 2, 4]),
        ("generate", "gemini-3.1-pro-preview", [0, 1, 2]),
    ],
)
@pytest.mark.parametrize("model", ["gpt-5.5", "gpt-4"])
def test_hidden_thoughts_and_words_between_calls_come_back_in_their_places(
    machine: Machine, tmp_path: Path, model: str, dialect: str, answering: str, proofs: list[int]
) -> None:
    hidden = {"reasoning": {"summary": "Hidden.", "text": "Hidden.", "redacted": dialect == "messages"}}
    script = ruled(
        {"match": {"user": "Go", "round": 0}, "reply": [hidden, {"commentary": "First both."}, step("echo one"), step("echo two")]},
        {"match": {"user": "Go", "round": 1}, "reply": [{"commentary": "Then this."}, hidden, step("echo three")]},
        {"match": {"user": "Go"}, "reply": [{"reasoning": "That was it."}, {"text": "Three steps."}]},
        {"match": {"round": 0}, "reply": [{"commentary": "Once more."}, step("echo four")]},
        {"reply": [{"text": "Four steps."}]},
    )
    with simulator(script) as upstream, gateway(tmp_path, config_of(upstream, dialect, answering)) as address:
        machine.configure(door(address))

        first = machine.exec("Go.", "-m", model, "-c", "model_reasoning_effort=high")
        again = machine.resume("Further.", "-m", model, "-c", "model_reasoning_effort=high")

        assert (first.code, first.out.strip()) == (0, "Three steps."), first.err
        assert (again.code, again.out.strip()) == (0, "Four steps."), again.err
        assert stats(upstream)["violations"] == []
        requests = turns(upstream)
        assert [told for earlier, later in pairwise(requests) for told in changed_behind(earlier, later)] == []
        assert [len(request.results) for request in requests] == [0, 2, 3, 3, 4]
        assert [len(request.proofs) for request in requests[:3]] == proofs
        words = ("Three steps.",) if answering == "claude-opus-5-5" else ("First both.", "Then this.", "Three steps.", "Once more.")
        assert [requests[-1].says(one) for one in words] == [True] * len(words)
