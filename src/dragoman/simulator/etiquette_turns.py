"""The rules of Anthropic Messages for the turns of a conversation: roles, blocks, and calls with their results."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Iterable
from typing import Any

from dragoman.simulator.claude import Claude
from dragoman.simulator.shapes import as_dict, as_dicts, as_list
from dragoman.simulator.view_messages import blocks_of
from dragoman.simulator.violation import Violation

Block = dict[str, Any]


def check_turns(body: Block, family: Claude, is_newest: bool) -> Iterable[Violation]:
    """Every rule about `messages` that the request breaks. `is_newest`: under the newest version of the API."""
    messages = body.get("messages")
    if not isinstance(messages, list):
        yield _wrong("messages", "Field required" if messages is None else "Input should be a valid list")
        return
    turns = as_dicts(as_list(messages))
    if not turns:
        yield _wrong("messages", "at least one message is required")
        return
    roles = ("user", "assistant", "system") if family.system_turns else ("user", "assistant")
    for number, turn in enumerate(turns):
        yield from _turn(f"messages.{number}", turn, roles, is_last=number == len(turns) - 1, is_newest=is_newest)
    if turns[0].get("role") == "assistant":
        yield _wrong("messages", 'first message must use the "user" role')
    if turns[-1].get("role") == "assistant":
        yield from _prefill(turns[-1], family)
    merged = _merged(turns)
    yield from _pairs(merged)
    if as_dict(body.get("thinking")).get("type") == "enabled" and body.get("tools"):
        yield from _begins_with_thought(merged)


def _wrong(path: str, message: str) -> Violation:
    return Violation(f"{path}: {message}", path)


def _turn(path: str, turn: Block, roles: tuple[str, ...], *, is_last: bool, is_newest: bool) -> Iterable[Violation]:
    role = turn.get("role")
    if role not in roles:
        allowed = " or ".join(f'"{one}"' for one in roles)
        yield _wrong(f"{path}.role", f'Unexpected role "{role}". Allowed roles are {allowed}.')
    for name in turn:
        if name not in ("role", "content", "clear_at", "output_config"):
            yield _wrong(f"{path}.{name}", "Extra inputs are not permitted")
    content = turn.get("content")
    if not isinstance(content, str | list):
        yield _wrong(f"{path}.content", "Field required" if content is None else "Input should be a valid list")
        return
    if not content and not (is_last and role == "assistant"):
        yield _wrong(path, "all messages must have non-empty content except for the optional final assistant message")
    legal = _LEGAL.get(str(role), frozenset())
    for number, block in enumerate(blocks_of(content)):
        yield from _block(f"{path}.content.{number}", block, legal)
        if is_newest:
            yield from _newest(f"{path}.content.{number}", block, str(role))


def _newest(path: str, block: Block, role: str) -> Iterable[Violation]:
    """What the version 2026-10-21 no longer takes."""
    if role == "assistant" and block.get("type") == "document":
        yield _wrong(path, "document blocks are not permitted in assistant messages")
    if role == "user" and block.get("type") == "text" and block.get("citations"):
        yield _wrong(f"{path}.text.citations", "citations are not permitted in user messages")


def _block(path: str, block: Block, legal: frozenset[str]) -> Iterable[Violation]:
    kind = str(block.get("type"))
    if kind not in legal:
        yield _wrong(path, f"Input tag '{kind}' found using 'type' does not match any of the expected tags: {', '.join(sorted(legal))}")
        return
    fields = _FIELDS.get(kind)
    if fields is not None:
        for name in block:
            if name not in fields:
                yield _wrong(f"{path}.{kind}.{name}", "Extra inputs are not permitted")
    check = _CHECKS.get(kind)
    if check is not None:
        yield from check(f"{path}.{kind}", block)


def _text(path: str, block: Block) -> Iterable[Violation]:
    text = block.get("text")
    if not isinstance(text, str):
        yield _wrong(f"{path}.text", "Input should be a valid string")
    elif not text:
        yield _wrong("messages", "text content blocks must be non-empty")
    elif not text.strip():
        yield _wrong("messages", "text content blocks must contain non-whitespace text")


def _image(path: str, block: Block) -> Iterable[Violation]:
    source = as_dict(block.get("source"))
    kind = source.get("type")
    if kind not in ("base64", "url", "file"):
        yield _wrong(f"{path}.source", f"Input tag '{kind}' does not match any of the expected tags: 'base64', 'file', 'url'")
    elif kind == "url" and not str(source.get("url")).startswith(("https://", "http://")):
        yield _wrong(f"{path}.source", "Only HTTPS URLs are supported.")
    elif kind == "base64":
        yield from _picture(f"{path}.source.base64", source)


def _picture(path: str, source: Block) -> Iterable[Violation]:
    declared = source.get("media_type")
    if declared not in _PICTURES:
        yield _wrong(f"{path}.media_type", "Input should be 'image/jpeg', 'image/png', 'image/gif' or 'image/webp'")
        return
    try:
        raw = base64.b64decode(str(source.get("data")), validate=True)
    except (binascii.Error, ValueError):
        yield _wrong(f"{path}.data", "invalid base64 data")
        return
    actual = next((name for name, magic in _PICTURES.items() if magic.match(raw)), None)
    if actual is not None and actual != declared:
        yield _wrong(path, f"Image does not match the provided media type {declared}")


def _tool_use(path: str, block: Block) -> Iterable[Violation]:
    if not _ID.fullmatch(str(block.get("id") or "")):
        yield _wrong(f"{path}.id", "String should match pattern '^[a-zA-Z0-9_-]+$'")
    if not _NAME.fullmatch(str(block.get("name") or "")):
        yield _wrong(f"{path}.name", "String should match pattern '^[a-zA-Z0-9_-]{1,64}$'")
    if not isinstance(block.get("input"), dict):
        yield _wrong(f"{path}.input", "Input should be a valid dictionary")


def _tool_result(path: str, block: Block) -> Iterable[Violation]:
    if not _ID.fullmatch(str(block.get("tool_use_id") or "")):
        yield _wrong(f"{path}.tool_use_id", "String should match pattern '^[a-zA-Z0-9_-]+$'")
    content: Any = block.get("content")
    if isinstance(content, str) or content is None:
        return
    for number, one in enumerate(as_dicts(content)):
        yield from _block(f"{path}.content.{number}", one, _IN_RESULTS)


def _thinking(path: str, block: Block) -> Iterable[Violation]:
    for name in ("thinking", "signature"):
        if not isinstance(block.get(name), str):
            yield _wrong(f"{path}.{name}", "Field required")


def _redacted(path: str, block: Block) -> Iterable[Violation]:
    if not isinstance(block.get("data"), str):
        yield _wrong(f"{path}.data", "Field required")


def _prefill(turn: Block, family: Claude) -> Iterable[Violation]:
    blocks = blocks_of(turn.get("content"))
    # A turn that the provider paused, or whose last block ran on its side, is sent back as it is: that is no prefill.
    if blocks and blocks[-1].get("type") not in ("text", "tool_use"):
        return
    if any(str(block.get("type")).endswith("_tool_result") for block in blocks):
        return
    if not family.prefill:
        told = "This model does not support assistant message prefill. The conversation must end with a user message."
        yield Violation(told, "messages")
    elif blocks and str(blocks[-1].get("text") or "").endswith((" ", "\n", "\t")):
        yield _wrong("messages", "final assistant content cannot end with trailing whitespace")


def _merged(turns: list[Block]) -> list[tuple[int, str, list[Block]]]:
    """The turns with neighbours of one role put together, as the provider reads them: number of the first, role, blocks."""
    merged: list[tuple[int, str, list[Block]]] = []
    for number, turn in enumerate(turns):
        role, blocks = str(turn.get("role")), blocks_of(turn.get("content"))
        if role == "system":
            continue
        if merged and merged[-1][1] == role:
            merged[-1][2].extend(blocks)
        else:
            merged.append((number, role, list(blocks)))
    return merged


def _pairs(merged: list[tuple[int, str, list[Block]]]) -> Iterable[Violation]:
    """Each call has its one result in the turn right after it, before anything else there; each result has its call."""
    seen: set[str] = set()
    called: list[str] = []
    for at, (number, role, blocks) in enumerate(merged):
        if role == "user":
            yield from _results(number, blocks, called)
            called = []
            continue
        called = [str(block.get("id")) for block in blocks if block.get("type") == "tool_use"]
        if seen & set(called) or len(set(called)) != len(called):
            yield _wrong("messages", "`tool_use` ids must be unique")
        seen |= set(called)
        if called and at == len(merged) - 1:
            yield _unanswered(number, called)


def _results(number: int, blocks: list[Block], called: list[str]) -> Iterable[Violation]:
    answered: list[str] = []
    others = False
    for index, block in enumerate(blocks):
        if block.get("type") != "tool_result":
            others = True
            continue
        call_id = str(block.get("tool_use_id"))
        if call_id not in called:
            yield _wrong(
                f"messages.{number}.content.{index}",
                f"unexpected `tool_use_id` found in `tool_result` blocks: {call_id}. Each `tool_result` block must have a corresponding "
                "`tool_use` block in the previous message.",
            )
        elif call_id in answered:
            told = f"each tool_use must have a single result. Found multiple `tool_result` blocks with id: {call_id}"
            yield _wrong(f"messages.{number}.content.{index}", told)
        elif others:
            told = "`tool_result` blocks must come first in the content, before any other block"
            yield _wrong(f"messages.{number}.content.{index}", told)
        answered.append(call_id)
    open_calls = [call_id for call_id in called if call_id not in answered]
    if open_calls:
        yield _unanswered(number - 1, open_calls)


def _unanswered(number: int, call_ids: list[str]) -> Violation:
    return _wrong(
        f"messages.{number}",
        f"`tool_use` ids were found without `tool_result` blocks immediately after: {', '.join(call_ids)}. Each `tool_use` block must "
        "have a corresponding `tool_result` block in the next message.",
    )


def _begins_with_thought(merged: list[tuple[int, str, list[Block]]]) -> Iterable[Violation]:
    """In the manual mode the turn that is still going on must begin with the thought that it began with."""
    words = [at for at, (_, role, blocks) in enumerate(merged) if role == "user" and any(_is_said(block) for block in blocks)]
    running = [turn for turn in merged[words[-1] + 1 :] if turn[1] == "assistant"] if words else []
    if not running:
        return
    number, _, blocks = running[0]
    first = str(blocks[0].get("type")) if blocks else "nothing"
    if first not in ("thinking", "redacted_thinking"):
        yield _wrong(
            f"messages.{number}.content.0.type",
            f"Expected `thinking` or `redacted_thinking`, but found `{first}`. When `thinking` is enabled, a final `assistant` message "
            "must start with a thinking block (preceding the lastmost set of `tool_use` and `tool_result` blocks).",
        )


def _is_said(block: Block) -> bool:
    return block.get("type") != "tool_result"


_ID = re.compile(r"[a-zA-Z0-9_-]+")
_NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}")
_PICTURES = {
    "image/jpeg": re.compile(rb"\xff\xd8\xff"),
    "image/png": re.compile(rb"\x89PNG"),
    "image/gif": re.compile(rb"GIF8"),
    "image/webp": re.compile(rb"RIFF....WEBP", re.S),
}
_SERVED = frozenset(
    f"{name}_tool_result"
    for name in ("web_search", "web_fetch", "code_execution", "bash_code_execution", "text_editor_code_execution", "tool_search")
)
_LEGAL: dict[str, frozenset[str]] = {
    "system": frozenset(("text", "tool_addition", "tool_removal")),
    "user": frozenset(("text", "image", "document", "search_result", "tool_result", "container_upload")),
    "assistant": _SERVED
    | {"text", "thinking", "redacted_thinking", "tool_use", "server_tool_use", "document", "container_upload", "compaction"}
    | {"mcp_tool_use", "mcp_tool_result", "mcp_tool_listing", "fallback", "advisor_tool_result"},
}
_IN_RESULTS = frozenset(("text", "image", "search_result", "document", "tool_reference", "browser_state"))
_FIELDS: dict[str, frozenset[str]] = {
    "text": frozenset(("type", "text", "citations", "cache_control")),
    "image": frozenset(("type", "source", "cache_control", "transformations")),
    "thinking": frozenset(("type", "thinking", "signature")),
    "redacted_thinking": frozenset(("type", "data")),
    "tool_use": frozenset(("type", "id", "name", "input", "cache_control", "caller", "toolset_name")),
    "tool_result": frozenset(("type", "tool_use_id", "content", "is_error", "cache_control")),
}
_CHECKS: dict[str, Callable[[str, Block], Iterable[Violation]]] = {
    "text": _text,
    "image": _image,
    "tool_use": _tool_use,
    "tool_result": _tool_result,
    "thinking": _thinking,
    "redacted_thinking": _redacted,
}
