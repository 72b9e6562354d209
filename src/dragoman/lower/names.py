"""Tool names that the target takes: a pure function of namespace and name, hashed where too long, made different where they collide.

The first to claim a legal name keeps it, in the order of the request: tools of the head, then the conversation. So a longer
history never renames what a shorter one named, and the provider's prompt cache stays good.
"""

from __future__ import annotations

import hashlib
import re

import msgspec

from dragoman.ir.request import Call, CallKind, CustomTool, FunctionTool, HostedTool, Request, Result, SearchTool, Tool, ToolsAdded
from dragoman.lower.capabilities import Capabilities

SEARCH = "tool_search"
"""The one name of the client-run tool search."""

_ILLEGAL = re.compile(r"[^a-zA-Z0-9_-]")
_HASH_CHARS = 8


class Origin(msgspec.Struct, frozen=True):
    """What a tool was before it got a legal name: its namespace, name and kind."""

    namespace: str | None
    name: str
    kind: CallKind


class Names:
    """The names of one request."""

    def __init__(self, request: Request, caps: Capabilities) -> None:
        self._caps = caps
        self._legal: dict[tuple[str | None, str], str] = {}
        self._origins: dict[str, Origin] = {}
        for tool in request.tools:
            self._tool(tool)
        for item in request.items:
            if isinstance(item, Call):
                if (item.namespace, item.name) not in self._legal and item.executor == "client":
                    self._claim(item.namespace, item.name, item.kind)
            elif isinstance(item, (Result, ToolsAdded)):
                for tool in item.tools:
                    self._tool(tool)

    def legal(self, namespace: str | None, name: str) -> str:
        """The name on the wire. Also for names that no tool of the request has."""
        found = self._legal.get((namespace, name))
        return found if found is not None else self._wanted(namespace, name)

    def changed(self) -> dict[str, Origin]:
        """Legal name -> origin of everything that is called or handled differently on the wire."""
        return {legal: origin for legal, origin in self._origins.items() if self._differs(legal, origin)}

    def taken(self) -> frozenset[str]:
        """All legal names."""
        return frozenset(self._origins)

    def _tool(self, tool: Tool) -> None:
        if isinstance(tool, FunctionTool):
            self._claim(tool.namespace, tool.name, "function")
        elif isinstance(tool, CustomTool):
            self._claim(tool.namespace, tool.name, "custom")
        elif isinstance(tool, SearchTool):
            self._claim(None, SEARCH, "search")
        else:
            _: HostedTool = tool

    def _claim(self, namespace: str | None, name: str, kind: CallKind) -> None:
        if (namespace, name) in self._legal:
            return
        legal = self._wanted(namespace, name)
        attempt = 0
        while legal in self._origins and not self._caps.namespaces:
            legal = self._hashed(namespace, name, attempt)
            attempt += 1
        self._legal[namespace, name] = legal
        self._origins[legal] = Origin(namespace, name, kind)

    def _wanted(self, namespace: str | None, name: str) -> str:
        if self._caps.namespaces:
            return name
        joined = name if namespace is None else f"{namespace}__{name}"
        legal = _ILLEGAL.sub("_", joined)
        return legal if 0 < len(legal) <= self._caps.tool_name_chars else self._hashed(namespace, name, 0)

    def _hashed(self, namespace: str | None, name: str, attempt: int) -> str:
        key = f"{namespace or ''}\0{name}\0{attempt}" if attempt else f"{namespace or ''}\0{name}"
        digest = hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()[:_HASH_CHARS]
        joined = _ILLEGAL.sub("_", name if namespace is None else f"{namespace}__{name}")
        return f"{joined[: self._caps.tool_name_chars - _HASH_CHARS - 1]}_{digest}"

    def _differs(self, legal: str, origin: Origin) -> bool:
        if origin.namespace is not None and not self._caps.namespaces:
            return True
        if origin.kind == "custom" and not self._caps.freeform_tools:
            return True
        return legal != origin.name or (origin.kind == "search" and not self._caps.tool_search)
