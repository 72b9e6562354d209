"""One choice of a reply: its deltas to parts. A whole message is a delta that holds everything.

https://platform.openai.com/docs/api-reference/chat/streaming
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, ClassVar

import msgspec

from dragoman.dialects.chat.assembly import Assembly
from dragoman.dialects.chat.citations import read_citation
from dragoman.dialects.chat.proofs import DETAILS, THOUGHTS
from dragoman.dialects.chat.remainder import NAME
from dragoman.dialects.chat.shown import Sound, read_picture
from dragoman.dialects.chat.thinking import ThinkSplitter
from dragoman.dialects.contract import Quirks
from dragoman.dialects.remainder import JsonObject, object_or_empty, objects
from dragoman.ir import events as ev
from dragoman.ir.request import Proof

# The finish reasons of the API and of its variations. What isn't here is `other`, with the word as detail.
_REASONS: dict[str, ev.FinishReason] = {
    "stop": "stop",
    "eos": "stop",
    "end_turn": "stop",
    "stop_sequence": "stop_sequence",
    "length": "length",
    "max_tokens": "length",
    "model_length": "length",
    "tool_calls": "tool_calls",
    "tool_call": "tool_calls",
    "tool_use": "tool_calls",
    "function_call": "tool_calls",
    "content_filter": "content_filter",
    "sensitive": "content_filter",
    "refusal": "refusal",
    "model_context_window_exceeded": "context_window",
}
_CALLS_INSTEAD = frozenset({"stop", "tool_calls"})


class Choice:
    """The parts of one choice that are open, and why it finished."""

    def __init__(self, index: int, parts: Iterator[int], seed: str, quirks: Quirks) -> None:
        self.reason: str | None = None
        self.unknown: JsonObject = {}
        """Fields of the last delta that no row of the table takes."""
        self._index = index
        self._parts = parts
        self._quirks = quirks
        self._text: int | None = None
        self._texts = 0
        self._refusal: int | None = None
        self._refused = False
        self._thought: int | None = None
        self._thought_field: str | None = None
        self._details: list[JsonObject] = []
        self._cited: list[JsonObject] = []
        """Citations that came before the words that they are for: what was found while the model thought."""
        self._think = ThinkSplitter()
        self._calls = Assembly(index, parts, seed)
        self._logprobs: list[Any] | None = None
        self._sound: Sound | None = None

    def feed(self, delta: JsonObject, logprobs: Any, out: list[ev.Event]) -> None:
        """Take one delta."""
        if logprobs:
            told = object_or_empty(logprobs)
            self._logprobs = objects(told.get("content") or told.get("refusal")) or None
        if len(delta) > 1 and delta.get("content") and any(delta.get(name) for name in THOUGHTS):
            # The last of a thought in one delta with the first words (Cerebras): it was thought before.
            delta = {**{name: value for name, value in delta.items() if name in THOUGHTS}, **delta}
        for name, value in delta.items():
            if value:
                handler = self._TABLE.get(name)
                if handler is None:
                    self.unknown[name] = value
                else:
                    handler(self, value, out)

    def say(self, field: str, words: str) -> Iterable[ev.Event]:
        """Take a delta that holds nothing but words. The short way: see `template`."""
        if self._text is not None and field == "content" and self._think.plain and words:
            return (ev.TextDelta(self._text, words),)
        out: list[ev.Event] = []
        if words:
            self._TABLE[field](self, words, out)
        return out

    def finish(self, reason: str, out: list[ev.Event]) -> None:
        """The provider gave a finish reason; what is open ends. The first one counts: some servers repeat it."""
        if self.reason is None:
            self.reason = reason
        self.close(out)

    def close(self, out: list[ev.Event]) -> None:
        """End whatever is open."""
        thought, words = self._think.close()
        if thought:
            self._add_thought(thought, False, out)
        if words:
            self._add_text(words, out)
        if self._cited:
            self._text_part(out)
        self._end_thought(out)
        self._end_words(out)
        self._calls.close(out)
        sounded = self._sound.message(spoken=bool(self._texts)) if self._sound is not None else None
        if sounded is not None:
            self._sound = None
            out.append(ev.ItemGiven(next(self._parts), sounded, self._index))
        if self._details:
            # Sealed thoughts that came after the words they belong to.
            self._begin_thought(out)
            self._end_thought(out)

    def finished(self) -> ev.Finished:
        """Why it ended."""
        word = self.reason or "stop"
        reason = _REASONS.get(word, "other")
        if self._calls.any and reason in _CALLS_INSTEAD:
            return ev.Finished("tool_calls", self._index)
        if self._refused and reason == "stop":
            # The API says "stop" and means it: the refusal stands in a field of its own.
            return ev.Finished("refusal", self._index)
        return ev.Finished(reason, self._index, None if word == reason else word)

    @property
    def unfinished_call(self) -> bool:
        """Whether the arguments of an open call are no whole JSON value."""
        return self._calls.unfinished

    # ---- fields of a delta -----------------------------------------------------------------------------------------------

    def _on_content(self, value: Any, out: list[ev.Event]) -> None:
        if type(value) is not str:
            if any("type" in part for part in _parts(value)):
                self._on_list(value, out)
            else:
                # Cloudflare gives an answer that was asked to keep to a schema as the value itself.
                self._add_text(msgspec.json.encode(value).decode(), out)
        elif self._think.plain:
            self._add_text(value, out)
        else:
            thought, words = self._think.feed(value)
            if thought:
                self._add_thought(thought, False, out)
            if words:
                self._add_text(words, out)

    def _on_list(self, value: Any, out: list[ev.Event]) -> None:
        # Mistral: [{type: thinking, thinking: [{type: text, text}]}, {type: text, text}, {type: reference, …}].
        rest: list[Any] = []
        entries: list[Any] = value if isinstance(value, list) else [value]  # pyright: ignore[reportUnknownVariableType]
        for entry in entries:
            part = object_or_empty(entry)
            if part.get("type") == "text":
                self._add_text(str(part.get("text") or ""), out)
            elif part.get("type") == "thinking":
                self._add_thought(_words(part.get("thinking")), False, out)
            else:
                rest.append(entry)
        self._show(rest, "content", out)

    def _on_refusal(self, value: Any, out: list[ev.Event]) -> None:
        if self._refusal is None:
            self._end_thought(out)
            self._refusal = next(self._parts)
            self._refused = True
            out.append(ev.TextStarted(self._refusal, self._index, refusal=True))
        out.append(ev.TextDelta(self._refusal, str(value), self._taken_logprobs()))

    def _on_thought(self, value: Any, out: list[ev.Event]) -> None:
        if isinstance(value, str) and self._thought_field in (None, "reasoning_content"):
            self._thought_field = "reasoning_content"
            self._add_thought(value, False, out)

    def _on_other_thought(self, value: Any, out: list[ev.Event]) -> None:
        # `reasoning` often repeats what `reasoning_content` or `reasoning_details` say: the field that came first counts.
        if isinstance(value, str) and self._thought_field in (None, "reasoning"):
            self._thought_field = "reasoning"
            self._add_thought(value, False, out)

    def _on_details(self, value: Any, out: list[ev.Event]) -> None:
        for entry in objects(value):
            _merge(self._details, entry)
            text, summary = entry.get("text"), entry.get("summary")
            said = text or summary
            if isinstance(said, str) and said and self._thought_field in (None, DETAILS):
                self._thought_field = DETAILS
                self._add_thought(said, not text, out)

    def _on_calls(self, value: Any, out: list[ev.Event]) -> None:
        self._end_thought(out)
        self._end_words(out)
        self._calls.feed(value if isinstance(value, list) else [value], out)  # pyright: ignore[reportUnknownArgumentType]

    def _on_legacy_call(self, value: Any, out: list[ev.Event]) -> None:
        # An empty one is the form of a server that fills in every field (Snowflake).
        if any(object_or_empty(value).values()):
            self._on_calls([{"index": -1, "function": value}], out)

    def _on_annotations(self, value: Any, out: list[ev.Event]) -> None:
        self._cited += objects(value)
        if self._text is not None:
            self._cite(self._text, out)

    def _on_images(self, value: Any, out: list[ev.Event]) -> None:
        self._show(value if isinstance(value, list) else [value], "images", out)  # pyright: ignore[reportUnknownArgumentType]

    def _show(self, entries: list[Any], field: str, out: list[ev.Event]) -> None:
        for entry in entries:
            picture = read_picture(entry, field)
            if picture is None:
                self.unknown.setdefault(field, []).append(entry)
            else:
                out.append(ev.ItemGiven(next(self._parts), picture, self._index))

    def _on_audio(self, value: Any, out: list[ev.Event]) -> None:
        self.unknown["audio"] = value  # clients of this API hear it as it comes
        self._sound = self._sound or Sound()
        self._sound.feed(object_or_empty(value))

    def _on_role(self, value: Any, out: list[ev.Event]) -> None:
        pass

    _TABLE: ClassVar[dict[str, Callable[[Any, Any, list[ev.Event]], None]]] = {
        "content": _on_content,
        "role": _on_role,
        "token_id": _on_role,  # Together: the number of the token in `content`
        "refusal": _on_refusal,
        "reasoning_content": _on_thought,
        "reasoning": _on_other_thought,
        "reasoning_details": _on_details,
        "tool_calls": _on_calls,
        "function_call": _on_legacy_call,
        "annotations": _on_annotations,
        "images": _on_images,
        "audio": _on_audio,
    }

    # ---- parts -----------------------------------------------------------------------------------------------------------

    def _add_text(self, text: str, out: list[ev.Event]) -> None:
        if text:
            out.append(ev.TextDelta(self._text_part(out), text, self._taken_logprobs()))

    def _text_part(self, out: list[ev.Event]) -> int:
        if self._text is None:
            self._end_thought(out)
            self._text = next(self._parts)
            self._texts += 1
            out.append(ev.TextStarted(self._text, self._index))
            self._cite(self._text, out)
        return self._text

    def _cite(self, part: int, out: list[ev.Event]) -> None:
        # Places count from the beginning of the content: where calls or thoughts stand within it, not from that of the part.
        out += [ev.Cited(part, read_citation(entry, placed=self._texts == 1)) for entry in self._cited]
        self._cited = []

    def _add_thought(self, text: str, summary: bool, out: list[ev.Event]) -> None:
        if not text:
            return
        out.append(ev.ReasoningDelta(self._begin_thought(out), text, summary))

    def _begin_thought(self, out: list[ev.Event]) -> int:
        if self._thought is None:
            self._end_words(out)
            self._thought = next(self._parts)
            out.append(ev.ReasoningStarted(self._thought, self._index))
        return self._thought

    def _end_thought(self, out: list[ev.Event]) -> None:
        if self._thought is None:
            return
        out.append(ev.PartEnded(self._thought, proof=self._proof()))
        self._thought = None
        self._details = []

    def _end_words(self, out: list[ev.Event]) -> None:
        for part in (self._text, self._refusal):
            if part is not None:
                out.append(ev.PartEnded(part))
        self._text = self._refusal = None

    def _proof(self) -> Proof | None:
        if self._details:
            return Proof(NAME, msgspec.json.encode(self._details).decode(), DETAILS)
        if self._quirks.replay_reasoning:
            # The words are the proof. That there is one makes other dialects send the thought back to us.
            return Proof(NAME, "", self._quirks.reasoning_field)
        return None

    def _taken_logprobs(self) -> list[Any] | None:
        found, self._logprobs = self._logprobs, None
        return found


def _parts(value: Any) -> Iterable[JsonObject]:
    return objects(value) if isinstance(value, list) else (object_or_empty(value),)


def _words(value: Any) -> str:
    if isinstance(value, str):
        return value
    return "".join(str(entry.get("text") or "") for entry in objects(value))


def _merge(details: list[JsonObject], entry: JsonObject) -> None:
    """Add a delta of `reasoning_details`: pieces of one entry have its type and index; its signature comes with one of them."""
    last = details[-1] if details else None
    if last is None or any(last.get(key) != entry.get(key) for key in ("type", "index")) or "data" in entry:
        details.append(dict(entry))
        return
    for key, value in entry.items():
        known = last.get(key)
        if key in ("text", "summary") and isinstance(known, str) and isinstance(value, str):
            last[key] = known + value
        elif value is not None or key not in last:
            last[key] = value
