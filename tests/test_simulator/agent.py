"""A small coding agent for tests of the simulator: speaks Messages and generateContent, and works on files in memory."""

from __future__ import annotations

import json
from typing import Any

from desk import Workspace, ask, stream

from dragoman.simulator.app import Simulator

INPUT = {"type": "object", "properties": {"input": {"type": "string"}}, "required": ["input"]}
SHELL = {"type": "object", "properties": {"cmd": {"type": "string"}}, "required": ["cmd"]}


def drive_messages(workspace: Workspace, simulator: Simulator, request: str, tools: dict[str, Any], **options: Any) -> list[Any]:
    """Work until the model stops calling; gives all messages."""
    messages: list[Any] = [{"role": "user", "content": [{"type": "text", "text": request}]}]
    offered = [{"name": name, "description": "a tool", "input_schema": schema} for name, schema in tools.items()]
    for _ in range(8):
        body = {"model": "claude-sonnet-4-6", "max_tokens": 4096, "messages": messages, "tools": offered, **options}
        content = heard(stream(simulator, "messages", body))
        messages.append({"role": "assistant", "content": content})
        calls = [block for block in content if block["type"] == "tool_use"]
        if not calls:
            return messages
        messages.append({"role": "user", "content": [tool_result(workspace, call) for call in calls]})
    raise AssertionError("the model never stops calling")


def tool_result(workspace: Workspace, call: dict[str, Any]) -> dict[str, Any]:
    return {"type": "tool_result", "tool_use_id": call["id"], "content": use(workspace, call["input"])}


def heard(events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The content that a stream of Messages adds up to, as a client sends it back."""
    blocks: dict[int, dict[str, Any]] = {}
    partial: dict[int, str] = {}
    for event in events:
        if event["type"] == "content_block_start":
            blocks[event["index"]] = dict(event["content_block"])
        elif event["type"] == "content_block_delta":
            delta, block = event["delta"], blocks[event["index"]]
            for kind, field in (("text_delta", "text"), ("thinking_delta", "thinking")):
                if delta["type"] == kind:
                    block[field] += delta[field]
            if delta["type"] == "signature_delta":
                block["signature"] = delta["signature"]
            if delta["type"] == "input_json_delta":
                partial[event["index"]] = partial.get(event["index"], "") + delta["partial_json"]
    return [_closed(block, partial.get(index)) for index, block in blocks.items()]


def _closed(block: dict[str, Any], partial: str | None) -> dict[str, Any]:
    return {**block, "input": json.loads(partial or "{}")} if partial is not None else block


def drive_generate(workspace: Workspace, simulator: Simulator, request: str, tools: dict[str, Any], **options: Any) -> list[Any]:
    """Work until the model stops calling; gives all contents."""
    contents: list[Any] = [{"role": "user", "parts": [{"text": request}]}]
    declared = [{"name": name, "description": "a tool", "parametersJsonSchema": schema} for name, schema in tools.items()]
    for _ in range(8):
        body = {"model": "gemini-3.7-flash", "contents": contents, "tools": [{"functionDeclarations": declared}], **options}
        parts = ask(simulator, "generate", body)["candidates"][0]["content"]["parts"]
        contents.append({"role": "model", "parts": parts})
        calls = [part["functionCall"] for part in parts if "functionCall" in part]
        if not calls:
            return contents
        answers = [{"functionResponse": {**_named(call), "response": {"output": use(workspace, call["args"])}}} for call in calls]
        contents.append({"role": "user", "parts": answers})
    raise AssertionError("the model never stops calling")


def _named(call: dict[str, Any]) -> dict[str, Any]:
    return {name: call[name] for name in ("id", "name") if name in call}


def use(workspace: Workspace, arguments: dict[str, Any]) -> str:
    """Run what a call asks for: a command, a patch, or a script that runs one of them."""
    if "cmd" in arguments:
        return workspace.run(arguments["cmd"])
    text = arguments["input"]
    return workspace.patch(text) if text.startswith("*** Begin Patch") else workspace.script(text)
