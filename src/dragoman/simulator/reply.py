"""What the simulated model says, before any dialect: parts of an answer, their pace and what they cost."""

from __future__ import annotations

import re
from typing import Literal

import msgspec

from dragoman.simulator.performance import Said

Finish = Literal["stop", "length", "content_filter", "refusal", "pause", "context_window", "malformed_call"]
"""How an answer ends. What a dialect has no word for ends by the nearest that it has."""


class Pace(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How fast an answer comes. Defaults: at once, one delta per word."""

    first_s: float = 0.0
    """Wait before the first output, in seconds."""
    delta_s: float = 0.0
    """Wait before each further delta, in seconds."""
    characters: int = 0
    """Characters per delta; 0 cuts by words."""


class Text(msgspec.Struct, frozen=True):
    """Words for the user. `commentary` marks what is said on the way to a tool call, not the answer itself."""

    text: str
    commentary: bool = False


class Thought(msgspec.Struct, frozen=True):
    """Reasoning: a summary that may be shown, plain thoughts (open-weight backends), and the sealed form."""

    summary: str = ""
    text: str = ""
    encrypted: str | None = None
    redacted: bool = False
    """Whether the provider keeps the words to itself, as Anthropic does with `redacted_thinking`."""


class ToolUse(msgspec.Struct, frozen=True):
    """A call. `payload` is the arguments as JSON text, or the raw input where the tool is a freeform one."""

    name: str
    payload: str
    namespace: str | None = None
    kind: Literal["function", "custom", "tool_search"] = "function"


class Found(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One page that a search found."""

    title: str = "A page of the demo"
    """Its title."""
    url: str = "https://example.com/demo"
    """Its address."""
    text: str = "The demo provider found this."
    """The words that the answer takes from it."""


class Search(msgspec.Struct, frozen=True):
    """A search of the web that the provider itself runs, and the words that the answer takes from it."""

    query: str
    found: tuple[Found, ...] = (Found(),)


class Compacted(msgspec.Struct, frozen=True):
    """The one item that answers a `compaction_trigger`: the summary that the provider seals in it."""

    summary: str


Part = Text | Thought | ToolUse | Search | Compacted

SAID: dict[type, Said] = {Text: "text", Search: "text", Thought: "thought", ToolUse: "call"}
"""What the events of a part are about."""


class UsageNumbers(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Token counts. What is left out is counted from the bytes, about four to a token."""

    input: int | None = None
    """Everything that was read, cached or not."""
    cached: int | None = None
    """The share of `input` that came from the prompt cache."""
    written: int | None = None
    """The share of `input` that was written to the prompt cache."""
    output: int | None = None
    """Everything that was written, reasoning included."""
    reasoning: int | None = None
    """The share of `output` that was reasoning."""


class Counted(msgspec.Struct, frozen=True):
    """Usage as it is reported."""

    input: int
    cached: int
    output: int
    reasoning: int
    written: int = 0
    """The share of `input` that was written to the prompt cache."""

    @property
    def total(self) -> int:
        """Input and output together."""
        return self.input + self.output


class Reply(msgspec.Struct, frozen=True):
    """A whole answer of the simulated model."""

    parts: tuple[Part, ...]
    finish: Finish = "stop"
    usage: UsageNumbers | None = UsageNumbers()
    """None: the provider reports no usage at all."""
    model: str | None = None
    """The model name that the answer carries; None: the one asked for."""
    pace: Pace = Pace()


def pieces(text: str, pace: Pace) -> list[str]:
    """Cut a text into deltas. Joined they are the text again; an empty text has none."""
    if pace.characters > 0:
        return [text[at : at + pace.characters] for at in range(0, len(text), pace.characters)]
    return _WORDS.findall(text)


def count(reply: Reply, body_bytes: int, cached: int = 0, written: int = 0) -> Counted | None:
    """What the answer cost. `cached` and `written`: tokens that were read from and written to the prompt cache."""
    numbers = reply.usage
    if numbers is None:
        return None
    thoughts = sum(len(part.summary) + len(part.text) for part in reply.parts if isinstance(part, Thought))
    words = sum(len(_written(part)) for part in reply.parts)
    given = _or(numbers.input, max(1, body_bytes // 4))
    reasoning = _or(numbers.reasoning, -(-thoughts // 4))
    # The sizes of cached blocks are sums of rounded numbers: they may not exceed what was read.
    read = min(_or(numbers.cached, cached), given)
    return Counted(
        input=given,
        cached=read,
        output=_or(numbers.output, max(1, -(-words // 4)) + reasoning),
        reasoning=reasoning,
        written=min(_or(numbers.written, written), given - read),
    )


def _written(part: Part) -> str:
    if isinstance(part, Text):
        return part.text
    if isinstance(part, Search):
        return "".join(one.text for one in part.found)
    return part.payload if isinstance(part, ToolUse) else ""


def _or(value: int | None, fallback: int) -> int:
    return fallback if value is None else value


_WORDS = re.compile(r"\s*\S+\s*$|\s*\S+|\s+$")
