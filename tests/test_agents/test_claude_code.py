"""What is known of Claude Code: who it is, and what it calls its sessions."""

from __future__ import annotations

import pytest

from dragoman.agents.claude_code import AGENT
from dragoman.agents.contract import Session
from dragoman.agents.registry import recognise

HEADERS = {"user-agent": "claude-cli/2.1.0 (external, cli)", "x-claude-code-session-id": "s1", "x-app": "cli"}


def test_it_is_recognised_with_version_and_session() -> None:
    assert recognise(HEADERS) is AGENT
    assert (AGENT.version(HEADERS), AGENT.session(HEADERS)) == ("2.1.0", Session("s1"))


@pytest.mark.parametrize("headers", [{}, {"user-agent": "my-claude-cli/1"}, {"user-agent": "anthropic-sdk"}, {"originator": "codex_exec"}])
def test_others_are_not_it(headers: dict[str, str]) -> None:
    assert not AGENT.recognise(headers)
    assert AGENT.session(headers) == Session()
