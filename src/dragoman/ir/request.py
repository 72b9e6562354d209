"""A request in the neutral language: a flat list of items in conversation order, tools, and what the reply shall be like.

Items are flat (messages, reasoning, calls and results side by side) since that is the order in which a model speaks; dialects
that group them into turns do so when they write. Every Struct is frozen: rewriting means `msgspec.structs.replace`. So none can
refer to itself, and the garbage collector need not look for it (`gc=False`).
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec

Extra = dict[str, dict[str, Any]]
"""What only one dialect knows: dialect name -> its own fields, as JSON values in their order. Written again by that dialect only."""

READ = "$read"
"""The mark in an `Extra` that names those of a dialect's own fields whose whole meaning stands in the neutral form as well."""

Role = Literal["system", "developer", "user", "assistant"]
CallKind = Literal["function", "custom", "search"]
"""function: JSON arguments; custom: free text; search: the client-run `tool_search` (JSON arguments as an object on the wire)."""
Executor = Literal["client", "provider"]


GATEWAY = "gateway"
"""The maker of what the gateway itself put into a seal. Kinds: `summary` (`data` is the summary of a compacted conversation),
`words` (a thought without a proof, told again to those that take words), `broken` (a seal that nobody can open any more)."""


class Proof(msgspec.Struct, frozen=True, gc=False):
    """What a provider needs to see again unchanged: a signature, an encrypted thought, an id.

    `maker` is the dialect whose API made it (or `GATEWAY`), `data` its text exactly as received, `kind` that dialect's own word
    (`encrypted_content`, `signature`, `redacted`, `thought_signature`). `origin` is `provider/model` once known: core stamps it
    on what an answer brings, since a proof is worth nothing anywhere else.
    """

    maker: str
    data: str
    kind: str = ""
    origin: str | None = None


# ---- media ---------------------------------------------------------------------------------------------------------------


class Url(msgspec.Struct, frozen=True, gc=False, tag="url"):
    """Media at an address (http, https, gs, s3); a `data:` URL is `Inline`."""

    url: str


class Inline(msgspec.Struct, frozen=True, gc=False, tag="inline"):
    """Media in the request: `data` is standard base64, as received."""

    media_type: str
    data: str


class FileId(msgspec.Struct, frozen=True, gc=False, tag="file_id"):
    """Media stored at the provider."""

    id: str


Where = Url | Inline | FileId

# ---- parts of a message or a tool result ---------------------------------------------------------------------------------


class Page(msgspec.Struct, frozen=True, gc=False):
    """A page that words are from, as every API can tell it. `start` is the first character of those words in the text that cites it, `end`
    the one after the last; None: all of that text."""

    url: str
    title: str | None = None
    start: int | None = None
    end: int | None = None

    def span(self, length: int) -> tuple[int, int]:
        """The words in a text of so many characters."""
        return (0, length) if self.start is None or self.end is None else (min(self.start, length), min(self.end, length))


class Citation(msgspec.Struct, frozen=True, gc=False):
    """Where words come from: an object in the form of `dialect`. `page`: the same for other dialects, None for what only it can cite. Where
    `dialect` is empty, the page is all that holds."""

    dialect: str
    value: dict[str, Any]
    page: Page | None = None


class Text(msgspec.Struct, frozen=True, gc=False, tag="text"):
    """Words. `refusal` marks a model's refusal text. `logprobs` is the wire list (Chat's and Responses' are alike)."""

    text: str
    refusal: bool = False
    citations: tuple[Citation, ...] = ()
    logprobs: tuple[Any, ...] = ()
    extra: Extra | None = None


class Image(msgspec.Struct, frozen=True, gc=False, tag="image"):
    """A picture. `detail` is low, high, auto or original where the client said so."""

    where: Where
    detail: str | None = None
    extra: Extra | None = None


class File(msgspec.Struct, frozen=True, gc=False, tag="file"):
    """A document of any media type."""

    where: Where
    name: str | None = None
    extra: Extra | None = None


class Audio(msgspec.Struct, frozen=True, gc=False, tag="audio"):
    """Sound. `format` is wav, mp3, …"""

    where: Where
    format: str | None = None
    extra: Extra | None = None


class OpaquePart(msgspec.Struct, frozen=True, gc=False, tag="opaque_part"):
    """A part that only `dialect` understands, whole."""

    dialect: str
    value: dict[str, Any]


Part = Text | Image | File | Audio | OpaquePart

# ---- tools ---------------------------------------------------------------------------------------------------------------


class FunctionTool(msgspec.Struct, frozen=True, gc=False, tag="function"):
    """A tool with JSON arguments. `parameters` is its JSON Schema. `namespace` groups tools; a call comes back with it.

    `namespace_description` stands on each tool of a group, so that the group can be written again.
    """

    name: str
    description: str | None = None
    parameters: dict[str, Any] | None = None
    strict: bool | None = None
    namespace: str | None = None
    namespace_description: str | None = None
    extra: Extra | None = None


class CustomTool(msgspec.Struct, frozen=True, gc=False, tag="custom"):
    """A tool that takes free text, optionally held to a grammar (`syntax` lark or regex). `format` is the wire object, if any."""

    name: str
    description: str | None = None
    format: dict[str, Any] | None = None
    namespace: str | None = None
    namespace_description: str | None = None
    extra: Extra | None = None


class SearchTool(msgspec.Struct, frozen=True, gc=False, tag="search"):
    """The client-run search over deferred tools (`tool_search` with execution client)."""

    description: str | None = None
    parameters: dict[str, Any] | None = None
    extra: Extra | None = None


class HostedTool(msgspec.Struct, frozen=True, gc=False, tag="hosted"):
    """A tool that the provider runs itself. `kind` is a neutral word (`web_search`, `code_execution`, `file_search`,
    `image_generation`, `mcp`, …); `value` the wire object of `dialect`, whole. `live`: it may reach out to the world as it is
    now; false where the client allows only what the provider has stored."""

    kind: str
    dialect: str
    value: dict[str, Any]
    live: bool = True


Tool = FunctionTool | CustomTool | SearchTool | HostedTool


class ToolChoice(msgspec.Struct, frozen=True, gc=False):
    """auto, none, required, one (the named tool), or some (`names`, of which any with `required`)."""

    mode: Literal["auto", "none", "required", "one", "some"]
    names: tuple[tuple[str | None, str], ...] = ()
    """(namespace, name) pairs."""
    required: bool = False
    extra: Extra | None = None


# ---- items ---------------------------------------------------------------------------------------------------------------


class Message(msgspec.Struct, frozen=True, gc=False, tag="message"):
    """What somebody said. `phase` is commentary or final_answer on assistant messages where the dialect knows it."""

    role: Role
    parts: tuple[Part, ...]
    id: str | None = None
    phase: str | None = None
    name: str | None = None
    extra: Extra | None = None


class Reasoning(msgspec.Struct, frozen=True, gc=False, tag="reasoning"):
    """What the model thought before the items after it. `summary` and `content` are texts; `proof` is its sealed form."""

    summary: tuple[str, ...] = ()
    content: tuple[str, ...] = ()
    proof: Proof | None = None
    id: str | None = None
    extra: Extra | None = None


class Call(msgspec.Struct, frozen=True, gc=False, tag="call"):
    """A tool call of the model. `arguments` is JSON text (function, search) or raw text (custom), exactly as made."""

    call_id: str
    name: str
    arguments: str
    kind: CallKind = "function"
    namespace: str | None = None
    executor: Executor = "client"
    id: str | None = None
    proof: Proof | None = None
    extra: Extra | None = None


class Result(msgspec.Struct, frozen=True, gc=False, tag="result"):
    """What a tool answered. `plain` remembers that it was one string on the wire, not a list of parts. `tools` are the
    definitions that a search brought."""

    call_id: str
    parts: tuple[Part, ...]
    kind: CallKind = "function"
    plain: bool = True
    is_error: bool = False
    name: str | None = None
    namespace: str | None = None
    tools: tuple[Tool, ...] = ()
    executor: Executor = "client"
    id: str | None = None
    extra: Extra | None = None


class ToolsAdded(msgspec.Struct, frozen=True, gc=False, tag="tools_added"):
    """Tools that are offered from this place of the conversation on (`additional_tools`)."""

    tools: tuple[Tool, ...]
    role: str = "developer"
    extra: Extra | None = None


class Settings(msgspec.Struct, frozen=True, gc=False, tag="settings"):
    """A change of settings in mid-conversation (`configuration_update`), kept whole."""

    dialect: str
    value: dict[str, Any]


class CompactionTrigger(msgspec.Struct, frozen=True, gc=False, tag="compaction_trigger"):
    """The client asks for the conversation so far as one sealed item."""

    extra: Extra | None = None


class Compaction(msgspec.Struct, frozen=True, gc=False, tag="compaction"):
    """A sealed summary that stands for everything before it."""

    proof: Proof
    id: str | None = None
    extra: Extra | None = None


class OpaqueItem(msgspec.Struct, frozen=True, gc=False, tag="opaque_item"):
    """An item that only `dialect` understands, whole. `instead`: what a target is told that does not understand it."""

    dialect: str
    kind: str
    value: dict[str, Any]
    instead: Message | None = None


Item = Message | Reasoning | Call | Result | ToolsAdded | Settings | CompactionTrigger | Compaction | OpaqueItem

# ---- the reply that is wanted --------------------------------------------------------------------------------------------


class ReasoningWish(msgspec.Struct, frozen=True, gc=False):
    """How hard to think: `effort` none, minimal, low, medium, high, xhigh, max; `summary` auto, concise, detailed.
    `budget_tokens` where the client's dialect speaks in tokens. `apart`: the dialect that said so in fields of some servers of its own,
    to which they go as they came."""

    effort: str | None = None
    summary: str | None = None
    budget_tokens: int | None = None
    extra: Extra | None = None
    apart: str | None = None


class OutputFormat(msgspec.Struct, frozen=True, gc=False):
    """text, json (any object) or schema (`name`, `schema`, `strict`, `description`)."""

    kind: Literal["text", "json", "schema"]
    name: str | None = None
    schema: dict[str, Any] | None = None
    strict: bool | None = None
    description: str | None = None


class Sampling(msgspec.Struct, frozen=True, gc=False):
    """How to draw. None means "not said"."""

    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    seed: int | None = None
    stop: tuple[str, ...] = ()
    frequency_penalty: float | None = None
    presence_penalty: float | None = None
    logit_bias: dict[str, float] | None = None
    logprobs: bool | None = None
    top_logprobs: int | None = None


class Request(msgspec.Struct, frozen=True, gc=False):
    """One request. Never holds a key. `extra[dialect]` keeps top-level fields that only that dialect knows."""

    model: str
    items: tuple[Item, ...]
    stream: bool = False
    stream_usage: bool = True
    """Whether the client wants usage in the stream (Chat asks for it; every other dialect always tells)."""
    tools: tuple[Tool, ...] = ()
    tool_choice: ToolChoice | None = None
    parallel_tools: bool | None = None
    reasoning: ReasoningWish | None = None
    output: OutputFormat | None = None
    verbosity: str | None = None
    max_tokens: int | None = None
    sampling: Sampling = Sampling()
    choices: int = 1
    cache_key: str | None = None
    service_tier: str | None = None
    user: str | None = None
    metadata: dict[str, Any] | None = None
    continues: bool = False
    """The last item is what the assistant has said so far; the answer goes on from its last character (a prefill)."""
    asked_s: int | None = None
    """When it came, in Unix seconds, where that is known: the date of an answer whose provider tells none."""
    extra: Extra | None = None
