"""How an exchange of the soak ended, judged from the bytes alone: right, an honest error, or a defect with its name."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

RIGHT, ERROR = "right", "error"


def judge_whole(path: str, status: int, body: bytes, said: str) -> str:
    """A whole answer to a request whose right answer is `said`."""
    try:
        answer = json.loads(body)
    except ValueError:
        return f"status {status} with a body that is no JSON"
    if status != 200:
        return ERROR if answer.get("error", {}).get("message") else f"status {status} without a sentence"
    text, is_complete = _WHOLE[path](answer)
    return RIGHT if is_complete and text == said else "a success that is not right"


def judge_stream(path: str, body: bytes, said: str, *, needs_mark: bool) -> str:
    """A whole stream. needs_mark: whether the dialect's end mark must stand there (it is missing where a provider left it out and
    its bytes were relayed)."""
    text, is_complete, is_failed, has_mark = _STREAMS[path](list(_data(body)))
    if is_failed:
        return ERROR if not (is_complete and has_mark) else "an error and a success at once"
    if not is_complete or (needs_mark and not has_mark):
        return "a stream without an end"
    return RIGHT if text == said else "a success that is not right"


def _data(body: bytes) -> Iterator[Any]:
    for line in body.split(b"\n"):
        if line.startswith(b"data: "):
            try:
                yield json.loads(line[6:])
            except ValueError:
                yield line[6:]


def _whole_chat(answer: Any) -> tuple[str, bool]:
    choice = answer["choices"][0]
    return choice["message"]["content"] or "", choice["finish_reason"] == "stop"


def _whole_responses(answer: Any) -> tuple[str, bool]:
    parts = [part["text"] for item in answer["output"] if item["type"] == "message" for part in item["content"]]
    return "".join(parts), answer["status"] == "completed"


def _objects(data: list[Any]) -> list[dict[str, Any]]:
    return [each for each in data if isinstance(each, dict)]


def _stream_chat(data: list[Any]) -> tuple[str, bool, bool, bool]:
    chunks = _objects(data)
    choices = [choice for chunk in chunks for choice in chunk.get("choices", ())]
    text = "".join(choice.get("delta", {}).get("content") or "" for choice in choices)
    is_failed = any("error" in chunk for chunk in chunks)
    return text, any(choice.get("finish_reason") for choice in choices), is_failed, b"[DONE]" in data


def _stream_responses(data: list[Any]) -> tuple[str, bool, bool, bool]:
    events = _objects(data)
    text = "".join(event["delta"] for event in events if event.get("type") == "response.output_text.delta")
    kinds = {event.get("type") for event in events}
    is_complete = "response.completed" in kinds
    return text, is_complete, bool(kinds & {"response.failed", "response.incomplete", "error"}), is_complete


_WHOLE: dict[str, Callable[[Any], tuple[str, bool]]] = {"/v1/chat/completions": _whole_chat, "/v1/responses": _whole_responses}
_STREAMS: dict[str, Callable[[list[Any]], tuple[str, bool, bool, bool]]] = {
    "/v1/chat/completions": _stream_chat,
    "/v1/responses": _stream_responses,
}
