"""opencode, by Anomaly: https://github.com/sst/opencode. Who it is, and what it calls its sessions. Measured with release 1.18.33."""

from __future__ import annotations

import re
from collections.abc import Mapping

from dragoman.agents.codex import PRIVATE_HEADERS
from dragoman.agents.contract import Agent, Dressed, Session
from dragoman.agents.finality import tell_for_good
from dragoman.ir.errors import GatewayError

_SESSIONS = ("x-session-id", "x-opencode-session", "x-session-affinity")
_PARENT = "x-parent-session-id"
_STATUS_TEXT = re.compile(rb" \(HTTP \d{3}\)")
_AGENT_TEXT = re.compile(r"opencode/(?:[a-z-]+/)?v?(\d[\w.-]*)", re.IGNORECASE)


def recognise(headers: Mapping[str, str]) -> bool:
    """The user agent begins with `opencode/`."""
    return headers.get("user-agent", "")[:9].lower() == "opencode/"


def version(headers: Mapping[str, str]) -> str | None:
    """As the user agent tells it: `opencode/1.18.33 ai-sdk/provider-utils/4.0.23 runtime/bun/1.3.14`."""
    match = _AGENT_TEXT.match(headers.get("user-agent", ""))
    return match[1] if match else None


def session(headers: Mapping[str, str]) -> Session:
    """Its conversation; a sub-agent (its tool `task`) has one of its own, and names that of whom it works for."""
    own = next((found for name in _SESSIONS if (found := headers.get(name))), None)
    parent = headers.get(_PARENT)
    if not parent:
        return Session(own)
    return Session(parent, kind="subagent", thread_id=own, parent_id=parent)


def dress_error(error: GatewayError, dialect_name: str) -> Dressed | None:
    """What no further try can mend is told for good, and without the provider's status: it looks for `429` in the words, too, and waits."""
    told = tell_for_good(error, dialect_name)
    return None if told is None else (*told[:2], _STATUS_TEXT.sub(b"", told[2]))


AGENT = Agent(
    name="opencode",
    recognise=recognise,
    version=version,
    session=session,
    strip_headers=PRIVATE_HEADERS | {*_SESSIONS, _PARENT, "x-opencode-project", "x-opencode-request", "x-opencode-client"},
    dress_error=dress_error,
)
