"""Qwen Code, by Alibaba: https://github.com/QwenLM/qwen-code. Who it is; of sessions it says nothing. Measured with release 0.15.10."""

from __future__ import annotations

import re
from collections.abc import Mapping

from dragoman.agents.codex import PRIVATE_HEADERS
from dragoman.agents.contract import Agent
from dragoman.agents.finality import tell_for_good
from dragoman.agents.generic import session

_AGENT_TEXT = re.compile(r"QwenCode/v?(\d[\w.-]*)", re.IGNORECASE)


def recognise(headers: Mapping[str, str]) -> bool:
    """The user agent begins with `QwenCode/`."""
    return headers.get("user-agent", "")[:9].lower() == "qwencode/"


def version(headers: Mapping[str, str]) -> str | None:
    """As the user agent tells it: `QwenCode/0.15.10 (linux; x64)`."""
    match = _AGENT_TEXT.match(headers.get("user-agent", ""))
    return match[1] if match else None


AGENT = Agent(
    name="qwen-code",
    recognise=recognise,
    version=version,
    session=session,
    strip_headers=PRIVATE_HEADERS,
    dress_error=tell_for_good,
)
