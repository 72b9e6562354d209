"""Claude Code, by Anthropic: https://github.com/anthropics/claude-code. Who it is, and what it calls its sessions."""

from __future__ import annotations

import re
from collections.abc import Mapping

from dragoman.agents.codex import PRIVATE_HEADERS
from dragoman.agents.contract import Agent, Session

_SESSION = "x-claude-code-session-id"
_AGENT_TEXT = re.compile(r"claude-cli/(\d[\w.-]*)", re.IGNORECASE)


def recognise(headers: Mapping[str, str]) -> bool:
    """It sends its session in a header of its own; the user agent begins with `claude-cli/`."""
    return _SESSION in headers or headers.get("user-agent", "")[:11].lower() == "claude-cli/"


def version(headers: Mapping[str, str]) -> str | None:
    """As the user agent tells it: `claude-cli/2.1.0 (external, cli)`."""
    match = _AGENT_TEXT.match(headers.get("user-agent", ""))
    return match[1] if match else None


def session(headers: Mapping[str, str]) -> Session:
    """Its conversation; of turns and kinds it says nothing."""
    return Session(headers.get(_SESSION) or None)


AGENT = Agent(
    name="claude-code",
    recognise=recognise,
    version=version,
    session=session,
    strip_headers=PRIVATE_HEADERS | {_SESSION},
)
