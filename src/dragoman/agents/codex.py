"""Codex CLI, by OpenAI: https://github.com/openai/codex. What it sends, and which forms of an error make it show our sentence.

Everything about errors here was measured with the real program, release 0.169.0; the reasons stand in
`docs/decisions/0005-errors-for-codex.md`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from dragoman.agents.codex_catalog import write_models
from dragoman.agents.contract import Agent, Dressed, Session
from dragoman.ir.errors import GatewayError, Kind
from dragoman.wire.frame import Headers

PRIVATE_HEADERS = frozenset(
    {
        "originator",
        "version",
        "session-id",
        "session_id",
        "conversation_id",
        "thread-id",
        "x-client-request-id",
        "x-codex-beta-features",
        "x-codex-installation-id",
        "x-codex-parent-thread-id",
        "x-codex-turn-metadata",
        "x-codex-turn-state",
        "x-codex-window-id",
        "x-openai-subagent",
    }
)
"""Headers that name the user's machine, paths, commits or conversations."""

_MOST_PATIENCE_S = 30.0
"""The longest wait that Codex is asked for: it waits whatever it is told, an hour too, without saying so."""
_USUAL_WAIT_S = 5
"""What Codex is asked to wait where the provider limits the rate without saying for how long."""
_RESTART_WAIT_S = 2

_AGENT_TEXT = re.compile(r"codex[\w .-]*/v?(\d+\.\d+[\w.-]*)", re.IGNORECASE)


def recognise(headers: Mapping[str, str]) -> bool:
    """Its `originator` is codex_exec, codex-tui, codex_cli_rs, codex_vscode, …; the user agent begins alike."""
    originator, agent = headers.get("originator"), headers.get("user-agent")
    if (agent is not None and agent[:5].lower() == "codex") or (originator is not None and originator[:5].lower() == "codex"):
        return True
    return "x-codex-turn-metadata" in headers or "x-codex-window-id" in headers


def version(headers: Mapping[str, str]) -> str | None:
    """As the user agent (`codex_exec/0.169.0 (…)`) or the header `version` tells it."""
    match = _AGENT_TEXT.match(headers.get("user-agent", ""))
    return match[1] if match else headers.get("version")


def session(headers: Mapping[str, str]) -> Session:
    """Its conversation, its turn, and what kind of request it is: turn, title, compaction, prewarm, or the sub-agent that asks."""
    told = _metadata(headers.get("x-codex-turn-metadata", ""))
    ids = (headers.get(name) for name in ("session-id", "session_id", "thread-id", "conversation_id"))
    session_id = next((found for found in ids if found), None) or _text(told, "session_id")
    kind = "title" if told.get("thread_source") == "thread_title" else _text(told, "request_kind")
    subagent = headers.get("x-openai-subagent")
    turn_id = _text(told, "turn_id")
    if not subagent:
        return Session(session_id, turn_id, kind)
    also = tuple(filter(None, (_SUBAGENTS.get(subagent, kind), "subagent")))
    # In a sub-agent's requests `session-id` is the root's conversation, `thread-id` its own.
    thread_id = headers.get("thread-id") or _text(told, "thread_id")
    parent_id = headers.get("x-codex-parent-thread-id") or _text(told, "parent_thread_id")
    return Session(session_id, turn_id, subagent, also, thread_id, parent_id or session_id)


def place(headers: Mapping[str, str]) -> tuple[str | None, str | None]:
    """The first of its workspaces, and the address of that one's repository, without who may enter there."""
    spaces = _metadata(headers.get("x-codex-turn-metadata", "")).get("workspaces")
    found: dict[str, Any] = spaces if isinstance(spaces, dict) else {}  # pyright: ignore[reportUnknownVariableType]
    for path, about in found.items():
        urls: Any = about.get("associated_remote_urls") if isinstance(about, dict) else None  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
        told: list[Any] = list(urls.values()) if isinstance(urls, dict) else []  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType, reportUnknownMemberType]
        return path, next((_ENTRANCE.sub(r"\1", url) for url in told if isinstance(url, str)), None)
    return None, None


_ENTRANCE = re.compile(r"^([\w+.-]+://)[^/?#]*@")
_SUBAGENTS = {"compact": "compaction"}
"""Its words for sub-agents that have another name elsewhere."""


def _metadata(header: str) -> dict[str, Any]:
    try:
        value: Any = msgspec.json.decode(header) if header else None
    except (msgspec.DecodeError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}  # pyright: ignore[reportUnknownVariableType]


def _text(told: dict[str, Any], name: str) -> str | None:
    value = told.get(name)
    return value if isinstance(value, str) and value else None


_REFUSAL = re.compile(rb'"type"\s*:\s*"refusal"\s*,\s*"refusal"\s*:')


def show_refusals(chunk: bytes) -> bytes:
    """Codex drops the parts in which a model refuses, and shows nothing at all: as `output_text` their words are shown. Inside a string
    the quotes would be escaped; a part that is cut in two by the network stays as it is."""
    return chunk if chunk.find(b'"refusal"') < 0 else _REFUSAL.sub(b'"type":"output_text","text":', chunk)


# ---- errors --------------------------------------------------------------------------------------------------------------

# Codes with a meaning of their own to Codex, all shown or acted upon after one request. Any other code makes it ask five times more.
_PLAINLY_SAID = "invalid_prompt"
_CODES = {Kind.MODEL_NOT_FOUND: "model_not_found", Kind.CONTEXT_OVERFLOW: "context_length_exceeded"}


def dress_error(error: GatewayError, dialect: str) -> Dressed | None:
    """An error before any output. Permanent: HTTP 400 with a code that makes Codex show the sentence at once. Else: retryable."""
    if dialect != "responses":
        return None
    if error.rule.permanent or _waits_too_long(error):
        return 400, _headers(None), _body(error, _in_words(error), _CODES.get(error.kind, _PLAINLY_SAID))
    return _PASSING.get(error.kind, _dress_passing)(error)


def dress_failure(error: GatewayError) -> GatewayError:
    """An error inside a stream (`response.failed`)."""
    if error.rule.permanent or _waits_too_long(error):
        code = "context_length_exceeded" if error.kind is Kind.CONTEXT_OVERFLOW else _PLAINLY_SAID
        return _again(error, _in_words(error), code)
    if error.kind is Kind.RATE_LIMITED:
        # Inside a stream Codex reads the wait out of the words.
        return _again(error, f"{error.message.rstrip('.')}. Please try again in {_wait_s(error, _USUAL_WAIT_S)}s.", "rate_limit_exceeded")
    return _again(error, error.message, "server_error")


def _dress_limited(error: GatewayError) -> Dressed:
    # As a 429 it would be tried as often and as patiently, but the sentence would be lost.
    return 424, _headers(_wait_s(error, _USUAL_WAIT_S)), _body(error, error.message, "rate_limit_exceeded")


def _dress_restart(error: GatewayError) -> Dressed:
    # A 503 is tried 30 times, two seconds apart: enough for a gateway to come back.
    return 503, _headers(_wait_s(error, _RESTART_WAIT_S)), _body(error, error.message, "shutting_down")


def _dress_passing(error: GatewayError) -> Dressed:
    # 424 Failed Dependency: tried six times in eight seconds, then the sentence is shown. A 500 loses it; 502, 503 and 504 are
    # tried 30 times, on top of the retries and fallbacks that the gateway has already done.
    wait_s = _wait_s(error, 0)
    return 424, _headers(wait_s or None), _body(error, error.message, "upstream_failed")


_PASSING: dict[Kind, Callable[[GatewayError], Dressed]] = {
    Kind.RATE_LIMITED: _dress_limited,
    Kind.SHUTTING_DOWN: _dress_restart,
}


def _waits_too_long(error: GatewayError) -> bool:
    return error.retry_after_s is not None and error.retry_after_s > _MOST_PATIENCE_S


def _wait_s(error: GatewayError, otherwise: int) -> int:
    return otherwise if error.retry_after_s is None else max(1, -int(-error.retry_after_s // 1))


_AGAIN = "; ask again in "


def _in_words(error: GatewayError) -> str:
    """The sentence with the time to wait, which a gateway that asked nobody says by itself."""
    if error.retry_after_s is None or not _waits_too_long(error) or _AGAIN in error.message:
        return error.message
    return f"{error.message.rstrip('.')}{_AGAIN}{_duration(error.retry_after_s)}"


def _duration(seconds: float) -> str:
    whole = -int(-seconds // 1)
    if whole < 120:
        return f"{whole} s"
    return f"{-(-whole // 60)} min" if whole < 7200 else f"{-(-whole // 3600)} h"


def _headers(wait_s: int | None) -> Headers:
    plain = (("content-type", "application/json"),)
    return plain if wait_s is None else (*plain, ("retry-after", str(wait_s)))


def _body(error: GatewayError, message: str, code: str) -> bytes:
    category = "invalid_request_error" if error.rule.permanent else "server_error"
    return msgspec.json.encode({"error": {"message": message, "type": category, "param": error.param, "code": code}})


def _again(error: GatewayError, message: str, code: str) -> GatewayError:
    return GatewayError(
        error.kind,
        message,
        source=error.source,
        status=error.status,
        code=code,
        type=error.type,
        param=error.param,
        retry_after_s=error.retry_after_s,
        provider=error.provider,
    )


AGENT = Agent(
    name="codex",
    recognise=recognise,
    version=version,
    session=session,
    strip_headers=PRIVATE_HEADERS,
    strip_fields=frozenset({"client_metadata"}),
    dress_error=dress_error,
    dress_failure=dress_failure,
    knows_refusals=False,
    reword=show_refusals,
    place=place,
    write_models=write_models,
)
