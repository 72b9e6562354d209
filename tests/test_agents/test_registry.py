"""Which page of facts a request's headers lead to."""

from __future__ import annotations

import pytest

from dragoman.agents.contract import Session
from dragoman.agents.registry import agents, recognise
from dragoman.ir.errors import GatewayError, Kind


@pytest.mark.parametrize(
    ("headers", "name"),
    [({"originator": "codex_exec"}, "codex"), ({"user-agent": "curl/8"}, "generic"), ({}, "generic")],
)
def test_headers_lead_to_an_agent(headers: dict[str, str], name: str) -> None:
    assert recognise(headers).name == name


def test_names_are_unique_and_the_generic_one_is_asked_last() -> None:
    names = [agent.name for agent in agents()]

    assert len(set(names)) == len(names)
    assert names[-1] == "generic"


def test_claude_code_says_its_session_in_a_header_of_its_own() -> None:
    headers = {"user-agent": "claude-cli/2.1 (external, cli)", "x-claude-code-session-id": "s"}

    assert recognise(headers).session(headers) == Session("s")


def test_an_unknown_client_is_told_honestly() -> None:
    agent = recognise({})
    error = GatewayError(Kind.OVERLOADED, "m")

    assert agent.dress_error(error, "responses") is None
    assert agent.dress_failure(error) is error
    assert (agent.version({}), agent.session({"session-id": "s"})) == (None, Session("s"))
