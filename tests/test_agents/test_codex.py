"""What is known of Codex: who it is, what it calls its sessions, and the forms of an error that make it show our sentence."""

from __future__ import annotations

import json
from typing import Any

import pytest

from dragoman.agents.codex import AGENT
from dragoman.agents.contract import Session
from dragoman.ir.errors import RULES, GatewayError, Kind

METADATA = json.dumps({"session_id": "s0", "turn_id": "t1", "request_kind": "compaction", "workspaces": {"/home/ada": {}}})
HEADERS = {
    "originator": "codex_exec",
    "user-agent": "codex_exec/0.169.0 (Debian 12.0.0; x86_64) xterm-256color (codex_exec; 0.169.0)",
    "session-id": "s1",
    "thread-id": "th1",
    "x-codex-turn-metadata": METADATA,
}
PERMANENT = [kind for kind in Kind if RULES[kind].permanent]
PASSING = [kind for kind in Kind if not RULES[kind].permanent]


def dressed(error: GatewayError) -> tuple[int, str | None, dict[str, Any]]:
    found = AGENT.dress_error(error, "responses")
    assert found is not None
    status, headers, body = found
    return status, dict(headers).get("retry-after"), json.loads(body)["error"]


@pytest.mark.parametrize(
    "headers",
    [
        HEADERS,
        {"originator": "codex-tui"},
        {"originator": "codex_cli_rs"},
        {"originator": "Codex Desktop"},
        {"user-agent": "codex_vscode/0.42.0"},
        {"x-codex-window-id": "w:0"},
    ],
)
def test_it_is_recognised(headers: dict[str, str]) -> None:
    assert AGENT.recognise(headers)


@pytest.mark.parametrize(
    "headers", [{}, {"user-agent": "OpenAI/Python 3.54.0"}, {"originator": "else", "user-agent": "my-codex-wrapper/1.0"}]
)
def test_others_are_not_it(headers: dict[str, str]) -> None:
    assert not AGENT.recognise(headers)


@pytest.mark.parametrize(
    ("headers", "version"),
    [
        (HEADERS, "0.169.0"),
        ({"user-agent": "codex_cli_rs/0.42.0-alpha.3 (Mac OS 15)"}, "0.42.0-alpha.3"),
        ({"user-agent": "Codex Desktop/26.5.1 (x)"}, "26.5.1"),
        ({"version": "0.99.0"}, "0.99.0"),
        ({"user-agent": "codex"}, None),
    ],
)
def test_its_version(headers: dict[str, str], version: str | None) -> None:
    assert AGENT.version(headers) == version


@pytest.mark.parametrize(
    ("headers", "session"),
    [
        (HEADERS, Session("s1", "t1", "compaction")),
        ({**HEADERS, "x-openai-subagent": "review"}, Session("s1", "t1", "review", ("compaction", "subagent"), "th1", "s1")),
        (
            {**HEADERS, "x-openai-subagent": "review", "x-codex-parent-thread-id": "th0"},
            Session("s1", "t1", "review", ("compaction", "subagent"), "th1", "th0"),
        ),
        ({"x-codex-turn-metadata": METADATA}, Session("s0", "t1", "compaction")),
        ({"conversation_id": "c1"}, Session("c1")),
        ({"thread-id": "th1", "x-codex-turn-metadata": "no json"}, Session("th1")),
        ({"x-codex-turn-metadata": '["x"]'}, Session()),
        ({"x-codex-turn-metadata": "[" * 60_000}, Session()),
        ({"x-codex-turn-metadata": '{"turn_id": 5}'}, Session()),
        ({}, Session()),
    ],
)
def test_what_it_calls_its_session(headers: dict[str, str], session: Session) -> None:
    assert AGENT.session(headers) == session


def test_what_names_its_user_is_private() -> None:
    assert set(HEADERS) - {"user-agent"} <= AGENT.strip_headers
    assert AGENT.strip_fields == {"client_metadata"}


@pytest.mark.parametrize("kind", PERMANENT)
def test_a_permanent_error_is_said_after_one_request(kind: Kind) -> None:
    codes = {Kind.MODEL_NOT_FOUND: "model_not_found", Kind.CONTEXT_OVERFLOW: "context_length_exceeded"}

    status, wait, body = dressed(GatewayError(kind, "our sentence", code="its_own", param="model"))

    assert (status, wait, body) == (
        400,
        None,
        {"message": "our sentence", "type": "invalid_request_error", "param": "model", "code": codes.get(kind, "invalid_prompt")},
    )


@pytest.mark.parametrize("kind", PASSING)
def test_a_passing_error_stays_retryable_and_keeps_its_sentence(kind: Kind) -> None:
    statuses = {Kind.SHUTTING_DOWN: 503}

    status, _, body = dressed(GatewayError(kind, "our sentence", code="server_is_overloaded"))

    assert (status, body["message"]) == (statuses.get(kind, 424), "our sentence")
    assert body["code"] in ("rate_limit_exceeded", "shutting_down", "upstream_failed")


@pytest.mark.parametrize(
    ("kind", "asked_s", "told"),
    [
        (Kind.RATE_LIMITED, None, (424, "5")),
        (Kind.RATE_LIMITED, 0.2, (424, "1")),
        (Kind.RATE_LIMITED, 12.1, (424, "13")),
        (Kind.RATE_LIMITED, 30.0, (424, "30")),
        (Kind.RATE_LIMITED, 30.5, (400, None)),
        (Kind.OVERLOADED, None, (424, None)),
        (Kind.OVERLOADED, 7.0, (424, "7")),
        (Kind.OVERLOADED, 3600.0, (400, None)),
        (Kind.SHUTTING_DOWN, None, (503, "2")),
    ],
)
def test_how_long_it_is_asked_to_wait(kind: Kind, asked_s: float | None, told: tuple[int, str | None]) -> None:
    assert dressed(GatewayError(kind, "m", retry_after_s=asked_s))[:2] == told


@pytest.mark.parametrize(("asked_s", "words"), [(31, "31 s"), (119.5, "2 min"), (3600, "60 min"), (90_000, "25 h")])
def test_a_longer_wait_is_told_in_words(asked_s: float, words: str) -> None:
    error = GatewayError(Kind.RATE_LIMITED, "the limit is reached.", retry_after_s=asked_s)

    message = f"the limit is reached; ask again in {words}"
    assert dressed(error)[2]["message"] == message
    assert (AGENT.dress_failure(error).message, AGENT.dress_failure(error).code) == (message, "invalid_prompt")


def test_a_wait_that_the_sentence_tells_is_told_once() -> None:
    error = GatewayError(Kind.RATE_LIMITED, "nothing that could answer may be asked now; ask again in 55 s", retry_after_s=54.2)

    assert dressed(error)[2]["message"] == error.message


def test_other_dialects_are_left_alone() -> None:
    assert AGENT.dress_error(GatewayError(Kind.CONFIG, "m"), "chat") is None


@pytest.mark.parametrize("kind", list(Kind))
def test_inside_a_stream_the_code_decides(kind: Kind) -> None:
    found = AGENT.dress_failure(
        GatewayError(kind, "our sentence", source="upstream", code="server_is_overloaded", provider="p", status=503)
    )

    code = "invalid_prompt" if RULES[kind].permanent else "server_error"
    told = {Kind.CONTEXT_OVERFLOW: "context_length_exceeded", Kind.RATE_LIMITED: "rate_limit_exceeded"}.get(kind, code)
    message = "our sentence. Please try again in 5s." if kind is Kind.RATE_LIMITED else "our sentence"
    assert (found.kind, found.code, found.message, found.provider, found.status) == (kind, told, message, "p", 503)


@pytest.mark.parametrize(
    ("came", "shown"),
    [
        (b'{"type":"refusal","refusal":"I will not."}', b'{"type":"output_text","text":"I will not."}'),
        (b'{ "type" : "refusal", "refusal": "No"}', b'{ "type":"output_text","text": "No"}'),
        (b'{"text":"{\\"type\\":\\"refusal\\",\\"refusal\\":1}"}', b'{"text":"{\\"type\\":\\"refusal\\",\\"refusal\\":1}"}'),
        (b'{"type":"response.refusal.delta","delta":"No"}', b'{"type":"response.refusal.delta","delta":"No"}'),
    ],
)
def test_the_words_of_a_relayed_refusal_are_shown(came: bytes, shown: bytes) -> None:
    assert AGENT.reword is not None
    assert AGENT.reword(came) == shown
