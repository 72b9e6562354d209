"""A light view of a request, the same for every dialect: who asks what, which tools there are, what came of earlier calls.

The dialects' own readers (`view_messages` and its neighbours) fill it in. They are written on purpose without the gateway's own
request readers, so that a test of the gateway does not check a translator with itself.
"""

from __future__ import annotations

import base64
import fnmatch
import hashlib
import re
from typing import Any, Literal

import msgspec

from dragoman.simulator.shapes import as_dict, as_dicts

RequestKind = Literal["turn", "title", "structured", "compaction", "review"]


class Tool(msgspec.Struct, frozen=True):
    """A tool on offer. `kind` is the tool's type on the wire; hosted tools have their type as name."""

    name: str
    kind: str = "function"
    namespace: str | None = None
    parameters: dict[str, Any] = {}
    description: str = ""

    @property
    def takes_text(self) -> bool:
        """Whether it takes one raw text: a freeform tool, or a function made of one with the single property `input`."""
        return self.kind == "custom" or list(as_dict(self.parameters.get("properties"))) == ["input"]


class Result(msgspec.Struct, frozen=True):
    """What came of a call: the call's own words and the text of its result."""

    call_id: str
    name: str
    payload: str
    text: str
    images: tuple[str, ...] = ()
    """The pictures in it, in words: see `Said.images`."""


class Said(msgspec.Struct):
    """One thing in the history, of whatever dialect."""

    role: Literal["system", "user", "assistant", "call", "result", "other"]
    text: str = ""
    call_id: str = ""
    name: str = ""
    images: tuple[str, ...] = ()
    """Pictures in words that tell them apart: kind, size, and the start of a hash of their bytes; or their address."""


class Incoming(msgspec.Struct, frozen=True):
    """A request as a dialect's reader gets it: the decoded body, and what stands in the URL where the dialect has it there."""

    body: dict[str, Any]
    headers: dict[str, str]
    size_bytes: int
    model: str = ""
    """The model in the path; empty where the body names it."""
    stream: bool | None = None
    """Whether the path asks for a stream; None where the body does."""
    array: bool = False
    """Whether the stream is to be one JSON array instead of SSE."""
    key: str = ""
    """The API key that it came with."""


class View(msgspec.Struct, frozen=True):
    """One request as the simulated model sees it. `results` are those since the user last spoke, `rounds` how often calls were
    answered since then."""

    dialect: str
    model: str
    stream: bool
    user: str
    system: str
    kind: RequestKind
    tools: tuple[Tool, ...]
    results: tuple[Result, ...]
    rounds: int
    said: int
    """How many times the user spoke."""
    forced: str | None
    """The tool that must be called, `*` for any, None where the model is free."""
    schema: dict[str, Any] | None
    """The JSON schema of the answer; `{}` for any JSON object."""
    parallel: bool
    body: dict[str, Any]
    headers: dict[str, str]
    size_bytes: int
    history: tuple[Said, ...] = ()
    """Everything that was said, oldest first."""
    images: tuple[str, ...] = ()
    """The pictures in what the user said last, in words."""
    array: bool = False
    """Whether the stream is one JSON array instead of SSE."""
    compacts: bool = False
    """Whether a compaction item is to be the answer."""
    key: str = ""
    """The API key that it came with."""
    resumes: str = ""
    """The words of an answer that was begun and shall be gone on with; empty where a new one is asked for."""

    @property
    def turns(self) -> int:
        """The number of this request in its conversation, from 1, as far as the history shows."""
        return self.said + self.rounds

    def tool(self, pattern: str) -> Tool | None:
        """The first tool whose name fits the glob."""
        return next((tool for tool in self.tools if fnmatch.fnmatchcase(tool.name, pattern)), None)


class Asking(msgspec.Struct, frozen=True):
    """What a dialect's reader found besides the history."""

    dialect: str
    tools: tuple[Tool, ...]
    schema: dict[str, Any] | None = None
    forced: str | None = None
    parallel: bool = True
    stream: bool = False
    compacts: bool = False
    """Whether the request asks for a compaction item."""


def assemble(incoming: Incoming, asking: Asking, said: list[Said]) -> View:
    """The view of a request from what its dialect's reader found."""
    system = "\n".join(one.text for one in said if one.role == "system")
    said, resumes = _resumed(said, prefills=asking.dialect == "messages")
    spoken = [at for at in range(len(said)) if _is_user_speaking(said, at)]
    user = said[spoken[-1]] if spoken else Said("user")
    results, rounds = _results(said, said[spoken[-1] + 1 :] if spoken else said)
    return View(
        dialect=asking.dialect,
        model=incoming.model or str(incoming.body.get("model") or ""),
        stream=asking.stream,
        user=_PICTURE_TAGS.sub("", user.text).strip(),
        system=system,
        kind=_kind(user.text, system, asking),
        tools=asking.tools,
        results=results,
        rounds=rounds,
        said=len(spoken),
        forced=asking.forced,
        schema=asking.schema,
        parallel=asking.parallel,
        body=incoming.body,
        headers=incoming.headers,
        size_bytes=incoming.size_bytes,
        history=tuple(said),
        images=user.images,
        array=incoming.array,
        compacts=asking.compacts,
        key=incoming.key,
        resumes=resumes,
    )


def is_context(text: str) -> bool:
    """Whether a user message is context that a client wrote: it is not the user who speaks there."""
    return _CONTEXT.match(text.lstrip()) is not None


def text_of(content: Any) -> str:
    """The text of a content that is a string or a list of parts."""
    if isinstance(content, str):
        return content
    return "".join(str(part.get("text") or "") for part in as_dicts(content))


def picture(media_type: str, data: str) -> str:
    """A picture given as base64, in words."""
    try:
        raw = base64.b64decode(data, validate=True)
    except ValueError:
        return f"{media_type} that is not base64"
    return f"{media_type} of {len(raw)} bytes {hashlib.sha256(raw).hexdigest()[:8]}"


def picture_at(url: str) -> str:
    """A picture given as a URL, in words: data URLs as if they were base64."""
    match = _DATA_URL.match(url)
    return picture(match["type"], url[match.end() :]) if match is not None else url


def _resumed(said: list[Said], *, prefills: bool) -> tuple[list[Said], str]:
    """The history without an answer that was begun, and its words: it stands last where the API reads that as a prefill, or but for the
    wish to go on with it."""
    end = len(said)
    if end and said[-1].role == "user" and _GO_ON.search(said[-1].text):
        end -= 1
    elif not prefills:
        return said, ""
    begin = end
    while begin and said[begin - 1].role == "assistant":
        begin -= 1
    if begin == end:
        return said, ""
    return said[:begin], "".join(one.text for one in said[begin:end])


def _is_user_speaking(said: list[Said], at: int) -> bool:
    """A user message, but neither context that a client wrote nor pictures that belong to the tool result before them."""
    one = said[at]
    if one.role != "user" or is_context(one.text):
        return False
    return not (one.images and at > 0 and said[at - 1].role == "result")


def _results(said: list[Said], since: list[Said]) -> tuple[tuple[Result, ...], int]:
    calls = {one.call_id: one for one in said if one.role == "call"}
    results: list[Result] = []
    rounds = 0
    previous = ""
    for one in since:
        if one.role == "result":
            rounds += previous != "result"
            call = calls.get(one.call_id, Said("call"))
            results.append(Result(one.call_id, call.name, call.text, one.text, one.images))
        elif one.role == "user" and one.images and previous == "result":
            last = results[-1]
            results[-1] = msgspec.structs.replace(last, images=(*last.images, *one.images))
        if one.role != "other":
            previous = one.role
    return tuple(results), rounds


def _kind(user: str, system: str, asking: Asking) -> RequestKind:
    if asking.compacts or _COMPACTION.match(user.lstrip()):
        return "compaction"
    schema = asking.schema
    if schema is not None:
        return "title" if list(schema.get("properties", {})) == ["title"] else "structured"
    return "review" if system.lstrip().startswith("# Review guidelines") else "turn"


# Coding agents put context into user messages of its own: it is not the user who speaks there.
_CONTEXT = re.compile(
    r"# AGENTS\.md instructions|Another language model started to solve this problem"
    r"|<(environment_context|user_instructions|turn_aborted|system-reminder|system_message|subagent_notification|skill)\b"
)
_GO_ON = re.compile(r"\bcut off\b.*\bgo on from exactly there\b", re.I | re.S)
_COMPACTION = re.compile(r"You are performing a CONTEXT CHECKPOINT COMPACTION")
_PICTURE_TAGS = re.compile(r"</?image\b[^>]*>")
_DATA_URL = re.compile(r"data:(?P<type>[^;,]*)(?:;[^,]*)?,")
