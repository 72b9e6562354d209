"""The frames of a Responses stream that are modelled, as Structs tagged by their `type`. Unknown types are no error here.

https://platform.openai.com/docs/api-reference/responses-streaming
"""

from __future__ import annotations

from typing import Any

import msgspec


class _Frame(msgspec.Struct, frozen=True, gc=False, tag_field="type"):
    pass


class _Delta(_Frame, frozen=True, gc=False):
    delta: str
    output_index: int = 0
    content_index: int = 0


class TextDelta(_Delta, frozen=True, gc=False, tag="response.output_text.delta"):
    """More words."""

    logprobs: list[Any] | None = None


class RefusalDelta(_Delta, frozen=True, gc=False, tag="response.refusal.delta"):
    """More of a refusal."""


class ThoughtDelta(_Delta, frozen=True, gc=False, tag="response.reasoning_text.delta"):
    """More of a thought in full."""


class SummaryDelta(_Frame, frozen=True, gc=False, tag="response.reasoning_summary_text.delta"):
    """More of a thought's summary."""

    delta: str
    output_index: int = 0
    summary_index: int = 0


class ArgumentsDelta(_Delta, frozen=True, gc=False, tag="response.function_call_arguments.delta"):
    """More of a function call's arguments."""


class InputDelta(_Delta, frozen=True, gc=False, tag="response.custom_tool_call_input.delta"):
    """More of a custom tool's input."""


class _ItemFrame(_Frame, frozen=True, gc=False):
    item: dict[str, Any]
    output_index: int = 0


class ItemAdded(_ItemFrame, frozen=True, gc=False, tag="response.output_item.added"):
    """An item begins."""


class ItemDone(_ItemFrame, frozen=True, gc=False, tag="response.output_item.done"):
    """An item is complete: it stands here whole."""


class PartAdded(_Frame, frozen=True, gc=False, tag="response.content_part.added"):
    """A part of a message begins."""

    part: dict[str, Any]
    output_index: int = 0
    content_index: int = 0


class AnnotationAdded(_Frame, frozen=True, gc=False, tag="response.output_text.annotation.added"):
    """A citation of a text part."""

    annotation: dict[str, Any]
    output_index: int = 0
    content_index: int = 0


class _Lifecycle(_Frame, frozen=True, gc=False):
    response: dict[str, Any]


class Created(_Lifecycle, frozen=True, gc=False, tag="response.created"):
    """The first frame."""


class Queued(_Lifecycle, frozen=True, gc=False, tag="response.queued"):
    """A background response waits."""


class InProgress(_Lifecycle, frozen=True, gc=False, tag="response.in_progress"):
    """The model works; repeated by some as a sign of life."""


class Completed(_Lifecycle, frozen=True, gc=False, tag="response.completed"):
    """The proper end."""


class Incomplete(_Lifecycle, frozen=True, gc=False, tag="response.incomplete"):
    """The end by a limit or a filter."""


class FailedFrame(_Lifecycle, frozen=True, gc=False, tag="response.failed"):
    """The end by an error."""


class ErrorFrame(_Frame, frozen=True, gc=False, tag="error"):
    """An error: nested under `error` on the wire, flat in the SDK's types."""

    error: Any = None
    code: Any = None
    message: Any = None
    param: Any = None


class Ping(_Frame, frozen=True, gc=False, tag="ping"):
    """A sign of life that gateways send."""


class KeepAlive(_Frame, frozen=True, gc=False, tag="keepalive"):
    """A sign of life."""


# Frames that only repeat what deltas and the finished item say.
class _Repeating(_Frame, frozen=True, gc=False):
    pass


class TextDone(_Repeating, frozen=True, gc=False, tag="response.output_text.done"):
    """Repeats the text."""


class RefusalDone(_Repeating, frozen=True, gc=False, tag="response.refusal.done"):
    """Repeats the refusal."""


class PartDone(_Repeating, frozen=True, gc=False, tag="response.content_part.done"):
    """Repeats the part."""


class ArgumentsDone(_Repeating, frozen=True, gc=False, tag="response.function_call_arguments.done"):
    """Repeats the arguments."""


class InputDone(_Repeating, frozen=True, gc=False, tag="response.custom_tool_call_input.done"):
    """Repeats the input."""


class SummaryPartAdded(_Repeating, frozen=True, gc=False, tag="response.reasoning_summary_part.added"):
    """A paragraph of a summary begins; its deltas carry its number."""


class SummaryPartDone(_Repeating, frozen=True, gc=False, tag="response.reasoning_summary_part.done"):
    """Repeats the paragraph."""


class SummaryDone(_Repeating, frozen=True, gc=False, tag="response.reasoning_summary_text.done"):
    """Repeats the paragraph."""


class ThoughtDone(_Repeating, frozen=True, gc=False, tag="response.reasoning_text.done"):
    """Repeats the thought."""


class ThoughtPartAdded(_Repeating, frozen=True, gc=False, tag="response.reasoning_part.added"):
    """On the wire of some open-weight hosts, not in the SDK."""


class ThoughtPartDone(_Repeating, frozen=True, gc=False, tag="response.reasoning_part.done"):
    """On the wire of some open-weight hosts, not in the SDK."""


REPEATING = (
    TextDone,
    RefusalDone,
    PartDone,
    ArgumentsDone,
    InputDone,
    SummaryPartAdded,
    SummaryPartDone,
    SummaryDone,
    ThoughtDone,
    ThoughtPartAdded,
    ThoughtPartDone,
)

AnyFrame = (
    TextDelta
    | RefusalDelta
    | ThoughtDelta
    | SummaryDelta
    | ArgumentsDelta
    | InputDelta
    | ItemAdded
    | ItemDone
    | PartAdded
    | AnnotationAdded
    | Created
    | Queued
    | InProgress
    | Completed
    | Incomplete
    | FailedFrame
    | ErrorFrame
    | Ping
    | KeepAlive
    | TextDone
    | RefusalDone
    | PartDone
    | ArgumentsDone
    | InputDone
    | SummaryPartAdded
    | SummaryPartDone
    | SummaryDone
    | ThoughtDone
    | ThoughtPartAdded
    | ThoughtPartDone
)

DECODER = msgspec.json.Decoder(AnyFrame)
"""Raises ValidationError for an unknown `type` or a field of the wrong type, DecodeError for what is no JSON."""

ENDS = ("response.completed", "response.incomplete", "response.failed", "error")
"""Types of the frames after which nothing more counts."""
