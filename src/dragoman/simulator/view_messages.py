"""Views of Anthropic Messages requests."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import msgspec

from dragoman.simulator.shapes import as_dict, as_dicts
from dragoman.simulator.view import Asking, Incoming, Said, Tool, View, assemble, is_context, picture, text_of

Block = dict[str, Any]


def read_messages(incoming: Incoming) -> View:
    """View a Messages request. Odd shapes are passed over: finding fault is the work of `etiquette`."""
    body = incoming.body
    said: list[Said] = []
    if body.get("system"):
        said.extend(Said("system", text_of([block])) for block in blocks_of(body["system"]))
    for message in as_dicts(body.get("messages")):
        said.extend(_said(str(message.get("role")), blocks_of(message.get("content"))))
    choice = as_dict(body.get("tool_choice"))
    form = as_dict(as_dict(body.get("output_config")).get("format"))
    asking = Asking(
        dialect="messages",
        tools=tuple(_tool(tool) for tool in as_dicts(body.get("tools"))),
        schema=as_dict(form.get("schema")) if form.get("type") == "json_schema" else None,
        forced=_FORCED.get(str(choice.get("type")), lambda _: None)(choice),
        parallel=choice.get("disable_parallel_tool_use") is not True,
        stream=body.get("stream") is True,
    )
    return assemble(incoming, asking, said)


def blocks_of(content: Any) -> list[Block]:
    """The blocks of a content; a plain string is one text block."""
    return [{"type": "text", "text": content}] if isinstance(content, str) else as_dicts(content)


def _said(role: str, blocks: list[Block]) -> Iterable[Said]:
    """The things said in one turn. A user turn may hold results, context and words side by side: words in a row are one saying."""
    words: Said | None = None
    for block in blocks:
        kind = str(block.get("type"))
        if role == "user" and kind in ("text", "image") and not is_context(str(block.get("text") or "")):
            words = _joined(words, block)
            continue
        if words is not None:
            yield words
            words = None
        yield _BLOCKS.get(kind, _other)(role, block)
    if words is not None:
        yield words


def _joined(words: Said | None, block: Block) -> Said:
    before = words or Said("user")
    images = (*before.images, _image(block)) if block.get("type") == "image" else before.images
    text = str(block.get("text") or "")
    return Said("user", f"{before.text}\n{text}" if before.text and text else before.text or text, images=images)


def _text(role: str, block: Block) -> Said:
    known = role if role in ("system", "user", "assistant") else "other"
    return Said(known, str(block.get("text") or ""))  # pyright: ignore[reportArgumentType]


def _call(_role: str, block: Block) -> Said:
    payload = msgspec.json.encode(block.get("input") or {}).decode()
    return Said("call", payload, call_id=str(block.get("id")), name=str(block.get("name")))


def _result(_role: str, block: Block) -> Said:
    content = blocks_of(block.get("content"))
    images = tuple(_image(one) for one in content if one.get("type") == "image")
    found = [str(one.get("tool_name")) for one in content if one.get("type") == "tool_reference"]
    text = text_of(content) or (f"found: {', '.join(found)}" if found else "")
    return Said("result", text, call_id=str(block.get("tool_use_id")), images=images)


def _other(_role: str, _block: Block) -> Said:
    return Said("other")


def _image(block: Block) -> str:
    source = as_dict(block.get("source"))
    if source.get("type") == "base64":
        return picture(str(source.get("media_type")), str(source.get("data")))
    return str(source.get("url") or source.get("file_id"))


def _tool(tool: Block) -> Tool:
    kind = str(tool.get("type") or "custom")
    name = str(tool.get("name") or kind)
    is_function = kind == "custom"
    return Tool(name, "function" if is_function else kind, None, as_dict(tool.get("input_schema")), str(tool.get("description") or ""))


_FORCED: dict[str, Callable[[Block], str | None]] = {"any": lambda _: "*", "tool": lambda choice: str(choice.get("name"))}
_BLOCKS: dict[str, Callable[[str, Block], Said]] = {"text": _text, "tool_use": _call, "tool_result": _result}
