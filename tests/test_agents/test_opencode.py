"""What is known of opencode: who it is, its sessions, and those of its sub-agents."""

from __future__ import annotations

import json

import pytest

from dragoman.agents.contract import Session
from dragoman.agents.opencode import AGENT
from dragoman.agents.registry import recognise
from dragoman.ir.errors import GatewayError, Kind

HEADERS = {
    "user-agent": "opencode/1.18.33 ai-sdk/provider-utils/4.0.23 runtime/bun/1.3.14",
    "x-session-affinity": "ses_1",
    "x-session-id": "ses_1",
}


def test_it_is_recognised_with_version_and_session() -> None:
    assert recognise(HEADERS) is AGENT
    assert (AGENT.version(HEADERS), AGENT.session(HEADERS)) == ("1.18.33", Session("ses_1"))


def test_its_sub_agents_stand_beneath_whom_they_work_for() -> None:
    headers = {**HEADERS, "x-session-affinity": "ses_2", "x-session-id": "ses_2", "x-parent-session-id": "ses_1"}

    assert AGENT.session(headers) == Session("ses_1", kind="subagent", thread_id="ses_2", parent_id="ses_1")


def test_its_ids_go_to_no_provider() -> None:
    assert {"x-session-affinity", "x-session-id", "x-parent-session-id"} <= AGENT.strip_headers


def test_spent_quota_is_told_so_that_it_does_not_wait() -> None:
    error = GatewayError(Kind.QUOTA, "provider `p` has no quota left (HTTP 429): pay first", status=429)

    told = AGENT.dress_error(error, "chat")

    assert told is not None
    assert (told[0], json.loads(told[2])["error"]["message"]) == (400, "provider `p` has no quota left: pay first")


def test_limit_that_passes_is_told_honestly() -> None:
    assert AGENT.dress_error(GatewayError(Kind.RATE_LIMITED, "later", status=429), "chat") is None


@pytest.mark.parametrize("headers", [{}, {"user-agent": "ai-sdk/openai"}, {"user-agent": "not-opencode/1"}, {"originator": "codex_exec"}])
def test_others_are_not_it(headers: dict[str, str]) -> None:
    assert not AGENT.recognise(headers)
    assert (AGENT.version(headers), AGENT.session(headers)) == (None, Session())
