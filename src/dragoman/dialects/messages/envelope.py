"""The message object around the content: ids, the model's name, why it ended, usage.

https://platform.claude.com/docs/en/api/messages (response)
"""

from __future__ import annotations

import re
from hashlib import blake2b

import msgspec

from dragoman.dialects.messages.remainder import own
from dragoman.dialects.messages.usage import write_usage
from dragoman.dialects.remainder import JsonObject
from dragoman.ir.events import Finished, FinishReason
from dragoman.ir.request import Extra, Request
from dragoman.ir.usage import Usage

_ILLEGAL = re.compile(r"[^a-zA-Z0-9_-]")
_WORDS: dict[FinishReason, str] = {
    "stop": "end_turn",
    "length": "max_tokens",
    "tool_calls": "tool_use",
    "content_filter": "refusal",
    "refusal": "refusal",
    "stop_sequence": "stop_sequence",
    "pause": "pause_turn",
    "context_window": "model_context_window_exceeded",
}
_OWN_WORDS = frozenset({"compaction"})
# Fields of the finished message that a stream tells beside `delta`, not in it.
_BESIDE = ("context_management", "input_transformations")


def message_id(given: str, request: Request, extra: Extra | None) -> str:
    """An id in this API's form: the provider's (`extra` of its start tells whether it speaks this API), else prefixed; one made
    from the request where there is none."""
    if given:
        return given if own(extra) is not None or given.startswith("msg_") else f"msg_{_ILLEGAL.sub('_', given)}"
    told = msgspec.json.encode((request.model, len(request.items), request.items[-2:]))
    return f"msg_{blake2b(told, digest_size=12).hexdigest()}"


def opening(request: Request, *, id: str, usage: Usage | None, extra: Extra | None = None) -> JsonObject:
    """The message of the first frame.

    The model is called by the name that the client asked for: Claude Code throws its own thoughts away when another name answers,
    and the next tool step is refused then.
    """
    return {
        "id": id,
        "type": "message",
        "role": "assistant",
        "model": request.model,
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "usage": write_usage(usage),
        **(own(extra) or {}),
    }


def ending(finished: Finished | None, *, called: bool, extra: Extra | None) -> JsonObject:
    """`stop_reason`, `stop_sequence` and what else this API said of the end. Other APIs end with `stop` though they called a tool."""
    finished = finished or Finished("stop")
    word = _WORDS.get(finished.reason)
    if word is None:
        word = finished.detail if finished.detail in _OWN_WORDS else "end_turn"
    if called and word == "end_turn":
        word = "tool_use"
    stop = finished.detail if finished.reason == "stop_sequence" else None
    return {"stop_reason": word, "stop_sequence": stop, **(own(extra) or {})}


def split_ending(told: JsonObject) -> tuple[JsonObject, JsonObject]:
    """What of an ending stands in `delta`, and what beside it."""
    beside = {name: told[name] for name in _BESIDE if name in told}
    return {name: value for name, value in told.items() if name not in beside}, beside
