"""Any client that no other page knows: the honest status and body of its dialect, nothing stripped but what would name its user."""

from __future__ import annotations

from collections.abc import Mapping

from dragoman.agents.codex import PRIVATE_HEADERS
from dragoman.agents.contract import Agent, Session


def recognise(headers: Mapping[str, str]) -> bool:
    """Always: it is asked last."""
    return True


def version(headers: Mapping[str, str]) -> str | None:
    """Not told apart."""
    return None


def session(headers: Mapping[str, str]) -> Session:
    """A `session-id` or the like, as several clients send it."""
    if _TELLING.isdisjoint(headers):
        return _UNTOLD
    return Session(next((found for name in _SESSION if (found := headers.get(name))), None))


_SESSION = ("session-id", "session_id", "x-session-id", "x-conversation-id", "x-opencode-session", "x-session-affinity")
_TELLING = frozenset(_SESSION)
_UNTOLD = Session()

AGENT = Agent(
    name="generic",
    recognise=recognise,
    version=version,
    session=session,
    strip_headers=PRIVATE_HEADERS,
)
