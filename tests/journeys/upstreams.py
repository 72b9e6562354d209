"""Upstream dialects as the journeys see them: a provider of each, and what the requests that reached it say, read from their raw
JSON without any of the gateway's own code."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import msgspec
from machine import provider_of

Body = dict[str, Any]
DIALECTS = ("responses", "chat", "messages", "generate")
MODELS = {"responses": "gpt-5.5", "chat": "glm-5.3", "messages": "claude-opus-5-5", "generate": "gemini-3.1-pro-preview"}
"""A model that is really asked in this dialect, whatever name Codex uses for it."""


_OWNERS = {"responses": ("openai", "v1"), "messages": ("anthropic", "v1"), "generate": ("gemini", "v1beta")}


def provider(simulator: str, dialect: str) -> Body:
    """The provider whose own API this dialect is, as far as the simulator plays it; nothing is relayed to it."""
    if dialect == "chat":
        return provider_of(simulator, dialect)
    kind, version = _OWNERS[dialect]
    return {"kind": kind, "base_url": f"{simulator}/{version}", "keys": ["a-provider-key"], "relay": []}


def config_of(simulator: str, dialect: str, model: str | None = None, **settings: Any) -> Body:
    """A gateway's config that answers every model name by one model, of this dialect. `settings` go to the provider."""
    return {"providers": {"sim": {**provider(simulator, dialect), **settings}}, "models": {"*": f"sim/{model or MODELS[dialect]}"}}


def door(address: str, name: str = "Dragoman", more: str = "") -> str:
    """Codex's settings by hand for a gateway. The name `OpenAI` turns on what Codex does for OpenAI only."""
    return f"""model_provider = "dragoman"
{more}
[model_providers.dragoman]
name = "{name}"
base_url = "{address}/openai/v1"
wire_api = "responses"
request_max_retries = 0
stream_max_retries = 0
"""


class Got(msgspec.Struct, frozen=True):
    """A request as it reached the simulator. `raw` is its body to the byte."""

    path: str
    dialect: str
    model: str
    kind: str
    user: str
    headers: dict[str, str]
    raw: msgspec.Raw = msgspec.field(name="body")

    @property
    def body(self) -> Body:
        """The body, read."""
        return json.loads(bytes(self.raw))

    @property
    def results(self) -> list[tuple[str, str]]:
        """(name of the tool, text) of every tool result in the conversation, in order."""
        return list(_RESULTS[self.dialect](self.body))

    @property
    def images(self) -> list[str]:
        """Base64 of every picture in the conversation, in order."""
        return [data for node in _objects(self.body) if (data := _IMAGE[self.dialect](node)) is not None]

    @property
    def proofs(self) -> list[str]:
        """Signatures and sealed thoughts of the conversation, in order."""
        return [data for node in _objects(self.body) if (data := _PROOF[self.dialect](node)) is not None]

    @property
    def schema(self) -> Body | None:
        """The JSON schema that the answer shall have."""
        return _SCHEMA[self.dialect](self.body)

    def says(self, text: str) -> bool:
        """Whether any text in the body holds this one."""
        return any(text in one for one in _texts(self.body))

    def fields(self) -> dict[str, bytes]:
        """The top-level fields, each to the byte."""
        return {name: bytes(value) for name, value in msgspec.json.decode(self.raw, type=dict[str, msgspec.Raw]).items()}


def got(simulator: str) -> list[Got]:
    """The requests for a model, oldest first."""
    with urlopen(f"{simulator}/_simulator/requests") as answer:
        return [one for one in msgspec.json.decode(answer.read(), type=list[Got]) if one.dialect]


def turns(simulator: str) -> list[Got]:
    """Those of them that are steps of a conversation."""
    return [one for one in got(simulator) if one.kind in ("turn", "structured")]


def changed_behind(earlier: Got, later: Got) -> list[str]:
    """What of the earlier request is not found unchanged at the head of the later one."""
    before, after = earlier.fields(), later.fields()
    name = _HISTORY[earlier.dialect]
    told = [] if list(before) == list(after) else [f"fields: {list(before)} -> {list(after)}"]
    changed = [field for field, value in before.items() if field != name and after.get(field) != value]
    told += [f"{field}: {before[field][:300]!r} -> {after.get(field, b'')[:300]!r}" for field in changed]
    start, whole = before[name].removesuffix(b"]"), after[name]
    if not whole.startswith(start):
        at = next(index for index in range(len(start)) if start[: index + 1] != whole[: index + 1])
        told.append(f"{name} at byte {at}: {start[max(0, at - 80) : at + 80]!r} -> {whole[max(0, at - 80) : at + 80]!r}")
    elif len(whole) <= len(start) + 1:
        told.append(f"{name} did not grow")
    return told


def logged(folder: Path) -> list[str]:
    """What the log of a gateway that has ended tells of its exchanges, a line each."""
    return re.findall(r"^\d\d:\d\d:\d\d .*", (folder / "dragoman" / "gateway-journey.log").read_text(), re.M)


def _objects(value: Any) -> Iterator[Body]:
    if isinstance(value, dict):
        yield value
    if isinstance(value, dict | list):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from _objects(inner)


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from _texts(inner)


def _flat(value: Any) -> str:
    return "\n".join(_texts(value))


def _results_of_responses(body: Body) -> Iterator[tuple[str, str]]:
    names = {item["call_id"]: item.get("name", item["type"]) for item in body["input"] if item.get("type", "").endswith("_call")}
    for item in body["input"]:
        if item.get("type", "").endswith("_call_output"):
            yield names[item["call_id"]], _flat(item["output"])


def _results_of_chat(body: Body) -> Iterator[tuple[str, str]]:
    names: dict[str, str] = {}
    for message in body["messages"]:
        for call in message.get("tool_calls") or ():
            names[call["id"]] = call[call["type"]]["name"]
        if message["role"] == "tool":
            yield names[message["tool_call_id"]], _flat(message["content"])


def _results_of_messages(body: Body) -> Iterator[tuple[str, str]]:
    names: dict[str, str] = {}
    blocks = [block for message in body["messages"] if isinstance(message["content"], list) for block in message["content"]]
    for block in blocks:
        if block["type"] == "tool_use":
            names[block["id"]] = block["name"]
        if block["type"] == "tool_result":
            yield names[block["tool_use_id"]], _flat(block.get("content"))


def _results_of_generate(body: Body) -> Iterator[tuple[str, str]]:
    for content in body["contents"]:
        for part in content["parts"]:
            if "functionResponse" in part:
                yield part["functionResponse"]["name"], _flat(part["functionResponse"]["response"])


def _image_url(url: Any) -> str | None:
    return url.partition(";base64,")[2] if isinstance(url, str) and url.startswith("data:image/") else None


def _schema_of_generate(body: Body) -> Body | None:
    settings = body.get("generationConfig", {})
    return settings.get("responseJsonSchema") or settings.get("responseSchema")


_RESULTS: dict[str, Callable[[Body], Iterator[tuple[str, str]]]] = {
    "responses": _results_of_responses,
    "chat": _results_of_chat,
    "messages": _results_of_messages,
    "generate": _results_of_generate,
}
_IMAGE: dict[str, Callable[[Body], str | None]] = {
    "responses": lambda node: _image_url(node.get("image_url")) if node.get("type") == "input_image" else None,
    "chat": lambda node: _image_url(node["image_url"]["url"]) if node.get("type") == "image_url" else None,
    "messages": lambda node: node["source"].get("data") if node.get("type") == "image" else None,
    "generate": lambda node: node["inlineData"]["data"] if "inlineData" in node else None,
}
_PROOF: dict[str, Callable[[Body], str | None]] = {
    "responses": lambda node: node.get("encrypted_content") if node.get("type") == "reasoning" else None,
    "chat": lambda node: node.get("reasoning_content") if node.get("role") == "assistant" else None,
    "messages": lambda node: {"thinking": node.get("signature"), "redacted_thinking": node.get("data")}.get(str(node.get("type"))),
    "generate": lambda node: node.get("thoughtSignature"),
}
_SCHEMA: dict[str, Callable[[Body], Body | None]] = {
    "responses": lambda body: body.get("text", {}).get("format", {}).get("schema"),
    "chat": lambda body: body.get("response_format", {}).get("json_schema", {}).get("schema"),
    "messages": lambda body: body.get("output_config", {}).get("format", {}).get("schema"),
    "generate": _schema_of_generate,
}
_HISTORY = {"responses": "input", "chat": "messages", "messages": "messages", "generate": "contents"}
