"""What is known of Qwen Code: who it is."""

from __future__ import annotations

import pytest

from dragoman.agents.contract import Session
from dragoman.agents.qwen_code import AGENT
from dragoman.agents.registry import recognise

HEADERS = {"user-agent": "QwenCode/0.15.10 (linux; x64)"}


def test_it_is_recognised_with_its_version() -> None:
    assert recognise(HEADERS) is AGENT
    assert (AGENT.version(HEADERS), AGENT.session(HEADERS)) == ("0.15.10", Session())


@pytest.mark.parametrize("headers", [{}, {"user-agent": "OpenAI/JS 6.49.0"}, {"user-agent": "my-qwencode/1"}])
def test_others_are_not_it(headers: dict[str, str]) -> None:
    assert not AGENT.recognise(headers)
    assert AGENT.version(headers) is None
