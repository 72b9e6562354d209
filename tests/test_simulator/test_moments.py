"""Faults at the moments of an answer, by chance and by key; what is paid for; and answers that are gone on with."""

from __future__ import annotations

import json
from typing import Any

import pytest
from desk import PATHS, ask, fast, payload, perform, perform_at, without_model

from dragoman.simulator.app import Simulator
from dragoman.simulator.performance import Performance
from dragoman.simulator.script import Script, read_script

DIALECTS = ("responses", "chat", "messages", "generate")
REPLY = "reply: [{reasoning: {text: I think a bit}}, {text: one two three four}, {call: {name: f, arguments: {a: one two three four}}}]"
TOOL: dict[str, Any] = {"type": "object", "properties": {"a": {"type": "string"}}, "additionalProperties": False, "required": ["a"]}
ASKED: dict[str, dict[str, Any]] = {
    "responses": {"input": "go", "tools": [{"type": "function", "name": "f", "parameters": TOOL, "strict": True}]},
    "chat": {
        "messages": [{"role": "user", "content": "go"}],
        "tools": [{"type": "function", "function": {"name": "f", "parameters": TOOL}}],
    },
    "messages": {
        "messages": [{"role": "user", "content": "go"}],
        "max_tokens": 2000,
        "thinking": {"type": "enabled", "budget_tokens": 1024},
        "tools": [{"name": "f", "input_schema": TOOL}],
    },
    "generate": {
        "contents": [{"role": "user", "parts": [{"text": "go"}]}],
        "generationConfig": {"thinkingConfig": {"includeThoughts": True}},
        "tools": [{"functionDeclarations": [{"name": "f", "parametersJsonSchema": TOOL}]}],
    },
}
CALLS = {"responses": b'"function_call"', "chat": b'"tool_calls"', "messages": b'"tool_use"', "generate": b'"functionCall"'}
MODELS = {"responses": "gpt-5", "chat": "gpt-4", "messages": "claude-sonnet-4-5", "generate": "gemini-3-pro"}


def answer(simulator: Simulator, dialect: str, **headers: str) -> Performance:
    body = {"model": MODELS[dialect], **ASKED[dialect]}
    if dialect == "generate":
        path = f"/v1beta/models/{MODELS[dialect]}:streamGenerateContent"
        return perform_at(simulator, path, without_model(body), "alt=sse", **headers)
    return perform_at(simulator, PATHS[dialect], {**body, "stream": True}, **headers)


def streamed(rules: str, dialect: str) -> bytes:
    return payload(answer(fast(read_script(rules)), dialect))


def cut(place: str, dialect: str) -> bytes:
    return streamed(f"rules: [{{{REPLY}, fault: {{cut: {{at: {place}}}}}}}]", dialect)


@pytest.mark.parametrize("dialect", DIALECTS)
def test_answer_breaks_off_at_the_moment_that_is_asked_for(dialect: str) -> None:
    words = {
        place: [word for word in (b"think", b"two", b"four", CALLS[dialect]) if word in cut(place, dialect)]
        for place in ("{before_output: true}", "{within: thought}", "{within: text}", "{before_end: true}")
    }

    assert words["{before_output: true}"] == []
    assert words["{within: thought}"] == [b"think"]
    assert words["{within: text}"] == [b"think", b"two"]
    assert words["{before_end: true}"] == [b"think", b"two", b"four", CALLS[dialect]]


@pytest.mark.parametrize("dialect", ["responses", "chat", "messages"])
def test_call_breaks_off_in_its_arguments(dialect: str) -> None:
    said, _, arguments = cut("{within: call}", dialect).partition(CALLS[dialect])

    assert b"four" in said
    assert b"one" in arguments and b"four" not in arguments


@pytest.mark.parametrize("dialect", DIALECTS)
def test_error_comes_in_the_stream_at_its_moment(dialect: str) -> None:
    body = streamed(f"rules: [{{{REPLY}, fault: {{in_stream: server_error, in_stream_at: {{before_output: true}}}}}}]", dialect)

    assert b"think" not in body
    assert b"The server had an error" in body


def test_moment_that_an_answer_has_not_is_its_end() -> None:
    assert cut("{within: call}", "responses") != cut("{before_end: true}", "responses")
    plain = "rules: [{reply: [{text: one two}], fault: {cut: {at: %s}}}]"
    assert streamed(plain % "{within: call}", "chat") == streamed(plain % "{before_end: true}", "chat")


def test_whole_answer_breaks_off_in_its_middle() -> None:
    rules = f"rules: [{{{REPLY}, fault: {{cut: {{at: {{within: text}}}}}}}}]"
    sound = payload(perform(fast(read_script(f"rules: [{{{REPLY}}}]")), "chat", {"model": "gpt-4", **ASKED["chat"]}))

    assert payload(perform(fast(read_script(rules)), "chat", {"model": "gpt-4", **ASKED["chat"]})) == sound[: len(sound) // 2]


# ---- by chance ----


def statuses(simulator: Simulator, count: int) -> list[tuple[int, str | None, str]]:
    body = {"model": "gpt-4", "messages": [{"role": "user", "content": "say hello"}]}
    return [(one.status, one.silent, one.billed) for one in (perform(simulator, "chat", body) for _ in range(count))]


@pytest.mark.long
def test_mishaps_fall_on_their_share_of_the_requests_and_are_the_same_for_a_seed() -> None:
    script = read_script("mishaps: {rate: 0.3, seed: 4}")

    first, second = statuses(fast(script), 400), statuses(fast(script), 400)

    assert first == second
    assert first != statuses(fast(read_script("mishaps: {rate: 0.3, seed: 5}")), 400)
    spoilt = sum(one != (200, None, "whole") for one in first)
    assert 80 < spoilt < 160


def test_so_many_mishaps_in_a_row_are_followed_by_a_sound_answer() -> None:
    told = statuses(fast(read_script("mishaps: {rate: 1.0, in_a_row: 2}")), 9)

    assert [one == (200, None, "whole") for one in told] == [False, False, True] * 3


# ---- by key ----

KEYS = """
rules:
  - {match: {key: sk-a}, fault: {error: rate_limit}}
  - {reply: [{reasoning: hm}, {text: fine}]}
accounts: {sk-a: one, sk-b: two, sk-c: two, sk-d: three}
"""


def answered(simulator: Simulator, dialect: str, key: str, body: dict[str, Any] | None = None) -> tuple[int, Any]:
    asked = body or {"model": "gpt-5", "input": "go", "include": ["reasoning.encrypted_content"], "store": False}
    performance = perform(simulator, dialect, asked, authorization=f"Bearer {key}")
    return performance.status, json.loads(payload(performance))


def test_a_key_has_rules_of_its_own() -> None:
    simulator = fast(read_script(KEYS))

    assert [answered(simulator, "responses", key)[0] for key in ("sk-a", "sk-b", "sk-x")] == [429, 200, 401]


def test_keys_of_different_accounts_do_not_read_each_others_thoughts() -> None:
    simulator = fast(read_script(KEYS))
    _, reply = answered(simulator, "responses", "sk-b")
    thought, message = reply["output"]
    again = {"model": "gpt-5", "input": [thought, message, {"role": "user", "content": "more"}], "store": False}

    told = {key: answered(simulator, "responses", key, again) for key in ("sk-b", "sk-c", "sk-d")}

    assert {key: status for key, (status, _) in told.items()} == {"sk-b": 200, "sk-c": 200, "sk-d": 400}
    assert told["sk-d"][1]["error"]["code"] == "invalid_encrypted_content"


@pytest.mark.parametrize(
    ("dialect", "name"), [("chat", "x-ratelimit-remaining-requests"), ("messages", "anthropic-ratelimit-requests-remaining")]
)
def test_a_key_is_told_what_it_has_left_and_refused_when_that_is_nothing(dialect: str, name: str) -> None:
    now = [1000.0]
    simulator = Simulator(read_script("limits: [{requests: 2, per_s: 10}]"), seed=1, clock=lambda: now[0])
    told: list[tuple[int, str]] = []
    for _ in range(3):
        one = answer(simulator, dialect, authorization="Bearer sk-a")
        told.append((one.status, dict(one.headers)[name]))
        now[0] += 1

    assert told == [(200, "1"), (200, "0"), (429, "0")]
    refused = dict(answer(simulator, dialect, authorization="Bearer sk-a").headers)
    assert (refused["retry-after"], refused["retry-after-ms"]) == ("7", "7000")
    assert answer(simulator, dialect, authorization="Bearer sk-b").status == 200
    now[0] = 1010.0
    assert answer(simulator, dialect, authorization="Bearer sk-a").status == 200


# ---- what is paid for ----


@pytest.mark.parametrize(
    ("fault", "billed"),
    [
        ("{error: rate_limit}", ""),
        ("{cut: {at: head}}", ""),
        ("{cut: {at: {within: text}}}", "part"),
        ("{end: missing}", "part"),
        ("{in_stream: server_error}", "part"),
        ("{trickle: {bytes: 100}}", "whole"),
    ],
)
def test_what_is_paid_for_depends_on_how_far_an_answer_came(fault: str, billed: str) -> None:
    simulator = fast(read_script(f"rules: [{{reply: [{{text: one two}}], fault: {fault}}}]"))

    assert answer(simulator, "chat").billed == billed


# ---- going on ----

ASK = "[Your answer above was cut off by a fault of the connection.]\n\nGo on from exactly there: begin with the next character."
STORY = Script(rules=read_script("rules: [{match: {user: story}, reply: [{text: once upon a time}]}]").rules)


@pytest.mark.parametrize(("said", "rest"), [("once upon", " a time"), ("once upon a time", None), ("something else", "once upon a time")])
def test_answer_that_was_begun_is_gone_on_with(said: str, rest: str | None) -> None:
    history = [{"role": "user", "content": "a story"}, {"role": "assistant", "content": said}]

    asked = ask(fast(STORY), "chat", {"model": "gpt-4", "messages": [*history, {"role": "user", "content": ASK}]})
    prefilled = ask(fast(STORY), "messages", {"model": "claude-sonnet-4-5", "max_tokens": 100, "messages": history})

    assert asked["choices"][0]["message"]["content"] == rest
    assert [block["text"] for block in prefilled["content"]] == ([rest] if rest else [])


@pytest.mark.parametrize("dialect", ["chat", "responses"])
def test_words_at_the_end_are_no_answer_to_go_on_with_where_the_api_has_no_prefill(dialect: str) -> None:
    history = [{"role": "user", "content": "a story"}, {"role": "assistant", "content": "once upon"}]

    told = payload(perform(fast(STORY), dialect, {"model": "gpt-4", "messages" if dialect == "chat" else "input": history}))

    assert b"once upon a time" in told
