"""The neutral stream: parts start, get deltas, end. A whole reply is a stream that arrived at once.

Order (checked by `grammar`): Started, then parts in any interleaving, Finished per choice, then exactly one of Ended or Failed.
UsageReported, Warned, Opaque and Pinged may stand anywhere before the end. `part` numbers are unique within a stream.
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from dragoman.ir.errors import GatewayError
from dragoman.ir.request import CallKind, Citation, Executor, Extra, Item, Proof
from dragoman.ir.usage import Usage

FinishReason = Literal["stop", "length", "tool_calls", "content_filter", "refusal", "stop_sequence", "pause", "context_window", "other"]


class Started(msgspec.Struct, frozen=True, gc=False):
    """The provider began to answer. `created_s` is Unix seconds."""

    id: str = ""
    model: str = ""
    created_s: int | None = None
    extra: Extra | None = None


class TextStarted(msgspec.Struct, frozen=True, gc=False):
    """A run of words begins. `message_id` is the dialect's id of the message it belongs to."""

    part: int
    choice: int = 0
    message_id: str | None = None
    phase: str | None = None
    refusal: bool = False


class TextDelta(msgspec.Struct, frozen=True, gc=False):
    """More words of a text part. `logprobs` is the wire list of the dialect that made it (Chat's and Responses' are alike)."""

    part: int
    text: str
    logprobs: list[Any] | None = None


class Cited(msgspec.Struct, frozen=True, gc=False):
    """A citation attached to a text part."""

    part: int
    citation: Citation


class ReasoningStarted(msgspec.Struct, frozen=True, gc=False):
    """The model begins to think aloud."""

    part: int
    choice: int = 0
    id: str | None = None


class ReasoningDelta(msgspec.Struct, frozen=True, gc=False):
    """More of a thought: of its summary or of its full text; `section` counts the paragraphs that a dialect separates."""

    part: int
    text: str
    summary: bool = False
    section: int = 0


class CallStarted(msgspec.Struct, frozen=True, gc=False):
    """The model calls a tool. `id` is the item id where the dialect has a second one; `extra` what else its dialect said at once
    (it stands in PartEnded too)."""

    part: int
    call_id: str
    name: str
    choice: int = 0
    kind: CallKind = "function"
    namespace: str | None = None
    executor: Executor = "client"
    id: str | None = None
    extra: Extra | None = None


class CallDelta(msgspec.Struct, frozen=True, gc=False):
    """More of a call's arguments: JSON text, or raw text for a custom tool."""

    part: int
    text: str


class ItemGiven(msgspec.Struct, frozen=True, gc=False):
    """A whole part at once: a provider-run tool's call or result, an image, a compaction, an opaque item. Starts and ends itself."""

    part: int
    item: Item
    choice: int = 0


class PartEnded(msgspec.Struct, frozen=True, gc=False):
    """A part is complete. What is known only now: its `proof`; `status` if the dialect says it is not `completed`;
    `extra` for fields of the finished item that only its dialect knows."""

    part: int
    proof: Proof | None = None
    status: str | None = None
    extra: Extra | None = None


class UsageReported(msgspec.Struct, frozen=True, gc=False):
    """Token counts so far; the last one counts."""

    usage: Usage


class Finished(msgspec.Struct, frozen=True, gc=False):
    """A choice is done. `detail` is the dialect's own word where ours is coarser (a stop sequence, a safety category)."""

    reason: FinishReason
    choice: int = 0
    detail: str | None = None


class Ended(msgspec.Struct, frozen=True, gc=False):
    """The proper end of the stream. `extra` keeps fields of the finished reply that only its dialect knows."""

    extra: Extra | None = None


class Failed(msgspec.Struct, frozen=True, gc=False):
    """The end of a stream that failed."""

    error: GatewayError


class Warned(msgspec.Struct, frozen=True, gc=False):
    """Something could not be carried: which field, and why. Goes to the record and a response header, never into the answer."""

    field: str
    why: str


class Opaque(msgspec.Struct, frozen=True, gc=False):
    """A frame that only `dialect` understands, as received. Written again by that dialect only."""

    dialect: str
    name: str
    data: bytes


class Pinged(msgspec.Struct, frozen=True, gc=False):
    """The provider said only that it is alive."""


Event = (
    Started
    | TextStarted
    | TextDelta
    | Cited
    | ReasoningStarted
    | ReasoningDelta
    | CallStarted
    | CallDelta
    | ItemGiven
    | PartEnded
    | UsageReported
    | Finished
    | Ended
    | Failed
    | Warned
    | Opaque
    | Pinged
)
