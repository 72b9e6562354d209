"""Proofs of thoughts come back true or are refused; a prompt's prefix is known again, and cached as each provider does it."""

from __future__ import annotations

import copy
import json
from itertools import pairwise
from typing import Any

import pytest
from agent import INPUT, SHELL, drive_generate, drive_messages, heard
from desk import Workspace, ask, fast, payload, perform, stream

from dragoman.simulator.app import Simulator
from dragoman.simulator.script import Script, read_script

APP = "def greet():\n    return 'hello'\n"
REQUEST = "change greet in app.py so that it takes a name"
THINKING = {"thinking": {"type": "adaptive", "display": "summarized"}}
SCRIPT = read_script("rules: [{match: {round: 0}, reply: [{reasoning: a plan}, {call: {name: look}}, {call: {name: look}}]}]")
LOOK = {"name": "look", "input_schema": {"type": "object"}}


def messages(*turns: Any, model: str, **fields: Any) -> dict[str, Any]:
    return {"model": model, "max_tokens": 2048, "messages": list(turns), "tools": [LOOK], **THINKING, **fields}


HI = {"role": "user", "content": "hi"}


def answered(content: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The turns that follow a call."""
    results = [{"type": "tool_result", "tool_use_id": one["id"], "content": "ok"} for one in content if one["type"] == "tool_use"]
    return [{"role": "assistant", "content": content}, {"role": "user", "content": results}]


def refusal(simulator: Simulator, dialect: str, body: dict[str, Any], **headers: str) -> str:
    """The words of a refusal, empty where there is none."""
    answer = perform(simulator, dialect, body, **headers)
    return json.loads(payload(answer))["error"]["message"] if answer.status != 200 else ""


def think(simulator: Simulator, model: str) -> list[dict[str, Any]]:
    return heard(stream(simulator, "messages", messages(HI, model=model)))


@pytest.mark.parametrize("model", ["claude-opus-4-8", "claude-opus-5-5", "claude-sonnet-5", "claude-haiku-5-5"])
def test_every_step_of_the_coder_thinks_and_its_thoughts_are_taken_back(model: str) -> None:
    simulator = fast()
    workspace = Workspace(app__py=APP)

    said = drive_messages(workspace, simulator, REQUEST, {"exec_command": SHELL, "apply_patch": INPUT}, model=model, **THINKING)

    steps = [[block["type"] for block in turn["content"]] for turn in said if turn["role"] == "assistant"]
    assert [step[0] for step in steps[:-1]] == ["thinking"] * 3
    assert simulator.records.stats()["violations"] == []
    assert simulator.records.stats()["dropped_thoughts"] == 0


def test_changed_thought_is_refused() -> None:
    content = think(fast(SCRIPT), "claude-sonnet-5")
    changed = [{**content[0], "thinking": "another plan"}, *content[1:]]

    told = refusal(fast(SCRIPT), "messages", messages(HI, *answered(changed), model="claude-sonnet-5"))

    assert told == "messages.1.content.0: Invalid `signature` in `thinking` block"


def test_thought_of_another_account_is_refused() -> None:
    content = think(fast(SCRIPT, account="another"), "claude-sonnet-5")

    assert "Invalid `signature`" in refusal(fast(SCRIPT), "messages", messages(HI, *answered(content), model="claude-sonnet-5"))


def test_thought_of_another_model_is_left_out_without_an_error() -> None:
    content = think(fast(SCRIPT), "claude-sonnet-5")
    simulator = fast(SCRIPT)

    reply = ask(simulator, "messages", messages(HI, *answered(content), model="claude-opus-5"))

    dropped = [{"type": "thinking_dropped", "path": "messages.1.content.0", "reason": "model_binding_mismatch"}]
    assert reply["input_transformations"] == dropped
    assert list(simulator.records.last[-1].dropped) == dropped


@pytest.mark.parametrize(("model", "is_bound"), [("claude-opus-5-5", True), ("claude-fable-5-1", True), ("claude-opus-5", False)])
def test_preserved_thinking_is_bound_to_all_before_it(model: str, is_bound: bool) -> None:
    content = think(fast(SCRIPT), model)

    edited = messages({"role": "user", "content": "hi!"}, *answered(content), model=model)
    other_tools = messages(HI, *answered(content), model=model, tools=[LOOK, {**LOOK, "name": "see"}])
    marked = messages({"role": "user", "content": [{"type": "text", "text": "hi", "cache_control": {"type": "ephemeral"}}]}, model=model)
    marked["messages"] += answered(content)

    told = [refusal(fast(SCRIPT), "messages", body) for body in (edited, other_tools, marked)]
    assert ["bound to a different conversation" in words for words in told] == [is_bound, is_bound, False]


def test_bound_thought_may_be_dropped_on_request() -> None:
    content = think(fast(SCRIPT), "claude-opus-5-5")
    binding = {"thinking": {"type": "adaptive", "block_binding": {"prefix_mismatch_behavior": "drop_block"}}}
    body = messages({"role": "user", "content": "hi!"}, *answered(content), model="claude-opus-5-5", **binding)

    assert refusal(fast(SCRIPT), "messages", body) != ""
    assert refusal(fast(SCRIPT), "messages", body, anthropic_beta="thinking-binding-controls-2026-08-01") == ""


def test_manual_thinking_must_begin_the_turn_with_its_thought() -> None:
    manual = {"thinking": {"type": "enabled", "budget_tokens": 1024}}
    content = heard(stream(fast(SCRIPT), "messages", messages(HI, model="claude-sonnet-4-5", **manual)))
    whole = messages(HI, *answered(content), model="claude-sonnet-4-5", **manual)
    bare = messages(HI, *answered(content[1:]), model="claude-sonnet-4-5", **manual)

    assert refusal(fast(SCRIPT), "messages", whole) == ""
    assert refusal(fast(SCRIPT), "messages", bare).startswith("messages.1.content.0.type: Expected `thinking` or `redacted_thinking`")


def test_only_the_first_of_parallel_calls_is_signed_and_its_signature_is_taken_back() -> None:
    simulator = fast(SCRIPT)
    body: dict[str, Any] = {"model": "gemini-3.7-flash", "contents": [{"role": "user", "parts": [{"text": "hi"}]}]}
    body["tools"] = [{"functionDeclarations": [{"name": "look"}]}]
    parts = ask(simulator, "generate", body)["candidates"][0]["content"]["parts"]
    results = [{"functionResponse": {"name": "look", "response": {"output": "ok"}}}] * 2
    body["contents"] += [{"role": "model", "parts": parts}, {"role": "user", "parts": results}]
    moved = copy.deepcopy(body)
    moved["contents"][1]["parts"][0]["functionCall"]["args"] = {"x": 1}

    assert ["thoughtSignature" in part for part in parts] == [True, False]
    assert refusal(simulator, "generate", body) == ""
    assert refusal(simulator, "generate", moved) == "Corrupted thought signature."


def test_streamed_words_are_signed_on_an_empty_part_at_the_end() -> None:
    body = {"model": "gemini-3.7-flash", "contents": [{"role": "user", "parts": [{"text": "say hello"}]}]}

    chunks = stream(fast(), "generate", body)

    (last,) = chunks[-1]["candidates"]
    assert last["content"]["parts"][0].keys() == {"text", "thoughtSignature"}
    assert (last["content"]["parts"][0]["text"], last["finishReason"]) == ("", "STOP")


def responses(*items: Any, **fields: Any) -> dict[str, Any]:
    user = {"type": "message", "role": "user", "content": "hi"}
    include = ["reasoning.encrypted_content"]
    return {"model": "m", "input": [user, *items], "store": False, "include": include, **fields}


def test_sealed_reasoning_is_verified() -> None:
    script = read_script("rules: [{reply: [{reasoning: a plan}, {text: so}]}]")
    reasoning, message = ask(fast(script), "responses", responses())["output"]
    again = {"type": "message", "role": "user", "content": "and?"}
    forged = {**reasoning, "encrypted_content": reasoning["encrypted_content"][:-8] + "AAAAAAA="}
    bare = {name: value for name, value in reasoning.items() if name != "encrypted_content"}

    told = [refusal(fast(script), "responses", responses(one, message, again)) for one in (reasoning, forged, bare)]

    assert told[0] == ""
    assert told[1].endswith("could not be verified. Reason: Encrypted content could not be decrypted or parsed.")
    assert "Items are not persisted when `store` is set to false." in told[2]
    assert "could not be verified" in refusal(fast(script, account="another"), "responses", responses(reasoning, message, again))
    assert "without its required following item" in refusal(fast(script), "responses", responses(reasoning, again))


def test_scripted_and_own_seals_are_taken_and_compaction_is_answered_by_one_item() -> None:
    script = read_script("rules: [{match: {user: hi, kind: turn}, reply: [{reasoning: {encrypted_content: mine}}, {text: so}]}]")
    simulator = fast(script)
    output = ask(simulator, "responses", responses())["output"]

    (compacted,) = ask(simulator, "responses", responses(*output, {"type": "compaction_trigger"}))["output"]

    assert compacted.keys() == {"id", "type", "encrypted_content"}
    assert refusal(simulator, "responses", responses(compacted)) == ""
    assert "could not be verified" in refusal(simulator, "responses", responses({**compacted, "encrypted_content": "mine too"}))


def test_proofs_can_be_taken_unseen() -> None:
    script = read_script("etiquette: {proofs: taken}")

    assert refusal(fast(script), "responses", responses({"type": "compaction", "encrypted_content": "any"})) == ""


@pytest.mark.parametrize("dialect", ["messages", "generate"])
def test_prefix_of_a_growing_conversation_is_kept_to_the_byte(dialect: str) -> None:
    simulator = fast()
    drive = {"messages": drive_messages, "generate": drive_generate}[dialect]

    drive(Workspace(app__py=APP), simulator, REQUEST, {"exec_command": SHELL, "apply_patch": INPUT})

    prefixes = [record.prefix for record in simulator.records.last]
    assert [one.kept for one in prefixes] == [0, *(len(one.blocks) for one in prefixes[:-1])]
    assert all(one.kept == one.previous for one in prefixes)
    assert all(later.blocks[: len(one.blocks)] == one.blocks for one, later in pairwise(prefixes))


def test_changed_prefix_shows() -> None:
    simulator = fast(Script())
    body = messages(HI, {"role": "assistant", "content": "so"}, HI, model="claude-opus-4-8")
    perform(simulator, "messages", body)

    perform(simulator, "messages", {**body, "messages": [HI, {"role": "assistant", "content": "so!"}, HI, HI]})

    last = simulator.records.last[-1].prefix
    assert (last.kept, last.previous, last.places[last.kept]) == (2, 4, "messages.1.content.0")


def test_claude_caches_what_stands_before_a_breakpoint_only() -> None:
    simulator = fast()
    mark = {"type": "ephemeral"}
    long = {"type": "text", "text": "x" * 8000}
    plain = messages(HI, model="claude-opus-5", system=[long])
    marked = messages(HI, model="claude-opus-5", system=[{**long, "cache_control": mark}])

    usages = [ask(simulator, "messages", body)["usage"] for body in (plain, plain, marked, marked)]

    counts = [(one["cache_creation_input_tokens"], one["cache_read_input_tokens"]) for one in usages]
    size = counts[2][0]
    assert counts == [(0, 0), (0, 0), (size, 0), (0, size)]
    assert size > 2000


def test_others_cache_by_themselves_from_their_minimum_on() -> None:
    simulator = fast()
    said = [{"role": "user", "content": "x" * 8000}, {"role": "assistant", "content": "y"}]

    usages = [ask(simulator, "chat", {"model": "m", "messages": [*said, {"role": "user", "content": word}]})["usage"] for word in "ab"]

    cached = [one["prompt_tokens_details"]["cached_tokens"] for one in usages]
    assert cached[0] == 0
    assert 1024 <= cached[1] < usages[1]["prompt_tokens"]
    assert cached[1] % 128 == 0
