"""The prompt of a request as the provider sees it: blocks in the order tools, system, messages, each as exact bytes, and their digests.

Two requests share a prefix where their first blocks are byte-identical. Marks of the prompt cache are no part of the bytes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from typing import Any

import msgspec

from dragoman.simulator.shapes import as_dict, as_dicts
from dragoman.simulator.view import View
from dragoman.simulator.view_generate import either
from dragoman.simulator.view_messages import blocks_of


class Block(msgspec.Struct, frozen=True):
    """One block. `place` says where it stands in the request, such as `messages.3.content.0`."""

    place: str
    role: str
    data: bytes
    mark: str | None = None
    """The time to live of a cache breakpoint on it, None without one."""


def prompt(view: View) -> tuple[Block, ...]:
    """The blocks of a request."""
    return tuple(_PROMPTS[view.dialect](view.body))


def digests(blocks: tuple[Block, ...]) -> tuple[str, ...]:
    """For each block a short digest of itself and of all before it."""
    running = hashlib.sha256()
    made: list[str] = []
    for block in blocks:
        running.update(block.role.encode() + b"\0" + block.data + b"\0")
        made.append(running.hexdigest()[:24])
    return tuple(made)


def _responses(body: dict[str, Any]) -> Iterable[Block]:
    yield from _list("tools", "tools", body.get("tools"))
    if body.get("instructions"):
        yield _block("instructions", "system", body["instructions"])
    given = body.get("input")
    if isinstance(given, str):
        yield _block("input", "user", given)
    yield from _list("input", "input", given)


def _chat(body: dict[str, Any]) -> Iterable[Block]:
    yield from _list("tools", "tools", body.get("tools"))
    yield from _list("messages", "messages", body.get("messages"))


def _messages(body: dict[str, Any]) -> Iterable[Block]:
    yield from _list("tools", "tools", body.get("tools"))
    yield from _list("system", "system", blocks_of(body.get("system") or []))
    for number, message in enumerate(as_dicts(body.get("messages"))):
        yield from _list(f"messages.{number}.content", str(message.get("role")), blocks_of(message.get("content")))


def _generate(body: dict[str, Any]) -> Iterable[Block]:
    yield from _list("tools", "tools", body.get("tools"))
    system = as_dict(either(body, "systemInstruction"))
    yield from _list("systemInstruction.parts", "system", system.get("parts"))
    for number, content in enumerate(as_dicts(body.get("contents"))):
        yield from _list(f"contents[{number}].parts", str(content.get("role")), content.get("parts"))


def _list(place: str, role: str, values: Any) -> Iterable[Block]:
    for number, value in enumerate(as_dicts(values)):
        yield _block(f"{place}.{number}", role, value)


def _block(place: str, role: str, value: Any) -> Block:
    form = as_dict(value)
    mark = as_dict(form.get("cache_control"))
    if "cache_control" in form:
        value = {name: one for name, one in form.items() if name != "cache_control"}
    return Block(place, role, msgspec.json.encode(value), str(mark.get("ttl") or "5m") if mark else None)


_PROMPTS: dict[str, Callable[[dict[str, Any]], Iterable[Block]]] = {
    "responses": _responses,
    "chat": _chat,
    "messages": _messages,
    "generate": _generate,
}
