"""A whole reply to a completion.

https://platform.openai.com/docs/api-reference/chat/object
"""

from __future__ import annotations

from typing import Any

import msgspec

from dragoman.dialects.chat.citations import write_citation
from dragoman.dialects.chat.proofs import DETAILS, proven
from dragoman.dialects.chat.reader import MORE
from dragoman.dialects.chat.remainder import own
from dragoman.dialects.chat.shown import is_shown, own_form
from dragoman.dialects.chat.tools import write_call
from dragoman.dialects.chat.usage import write_usage
from dragoman.dialects.chat.writer import head, reason_word, wants_legacy
from dragoman.dialects.remainder import JsonObject
from dragoman.ir import events as ev
from dragoman.ir.request import Call, Item, Message, Reasoning, Request, Text
from dragoman.ir.response import Choice, Response


def write_response(response: Response, request: Request) -> bytes:
    """The body for a client of this dialect."""
    started = ev.Started(response.id, response.model, response.created_s, response.started_extra)
    legacy = wants_legacy(request)
    body = head(started, request, "chat.completion")
    body["choices"] = [_choice(choice, legacy) for choice in response.choices]
    if response.usage is not None:
        body["usage"] = write_usage(response.usage)
    _add_rest(body, own(response.ended_extra) or {})
    return msgspec.json.encode(body)


def _choice(choice: Choice, legacy: bool) -> JsonObject:
    message = _Message()
    for item in choice.items:
        message.add(item)
    return {
        "index": choice.index,
        "message": message.write(legacy),
        "logprobs": {"content": message.logprobs, "refusal": None} if message.logprobs else None,
        "finish_reason": reason_word(choice.reason, legacy=legacy, refused=message.refused),
    }


class _Message:
    """The assistant's message that is being put together."""

    def __init__(self) -> None:
        self.logprobs: list[Any] = []
        self._words = ""
        self._message_id: str | None = None
        self._refusal = ""
        self._thoughts: list[str] = []
        self._details: list[Any] = []
        self._calls: list[JsonObject] = []
        self._citations: list[JsonObject] = []
        self._shown: JsonObject = {}

    def add(self, item: Item) -> None:
        """Take one item of the reply. What the provider ran itself has no form here."""
        if isinstance(item, Message):
            self._add_words(msgspec.structs.replace(item, parts=tuple(part for part in item.parts if not is_shown(part))))
            self._show(own_form(item))
        elif isinstance(item, Reasoning):
            self._thoughts += (*item.summary, *item.content)
            self._details += proven(item.proof, DETAILS).get(DETAILS, [])
        elif isinstance(item, Call) and item.executor == "client":
            self._calls.append(write_call(item))

    @property
    def refused(self) -> bool:
        """Whether it says no in so many words."""
        return bool(self._refusal)

    def write(self, legacy: bool) -> JsonObject:
        """The message on the wire."""
        message: JsonObject = {
            "role": "assistant",
            "content": self._words or (None if self._calls or self._refusal else ""),
            "refusal": self._refusal or None,
        }
        if self._thoughts:
            message["reasoning_content"] = "\n\n".join(self._thoughts)
        if self._details:
            message["reasoning_details"] = self._details
        if self._citations:
            message["annotations"] = self._citations
        message |= self._shown
        if self._calls and legacy:
            message["function_call"] = self._calls[0].get("function")
        elif self._calls:
            message["tool_calls"] = self._calls
        return message

    def _show(self, form: JsonObject) -> None:
        pictures = [*form.get("images", ()), *form.get("content", ())]
        if pictures:
            self._shown["images"] = [*self._shown.get("images", ()), *pictures]
        if "audio" in form:
            self._shown["audio"] = form["audio"]

    def _add_words(self, item: Message) -> None:
        text = "".join(part.text for part in item.parts if isinstance(part, Text) and not part.refusal)
        # Two messages of one turn are one here.
        if text:
            self._words += "\n\n" + text if self._words and item.id != self._message_id else text
            self._message_id = item.id
        begin = len(self._words) - len(text)
        for part in item.parts:
            if isinstance(part, Text):
                self._refusal += part.text if part.refusal else ""
                self.logprobs += part.logprobs
                written = [write_citation(citation, begin, len(part.text)) for citation in part.citations]
                self._citations += [annotation for annotation in written if annotation is not None]
                begin += 0 if part.refusal else len(part.text)


def _add_rest(body: JsonObject, rest: JsonObject) -> None:
    """What only this dialect said of the reply goes back to its place."""
    for name, value in rest.items():
        if name != MORE:
            body.setdefault(name, value)
    by_index = {choice["index"]: choice for choice in body["choices"]}
    for more in rest.get(MORE, ()):
        choice = by_index.get(more["index"])
        if choice is not None:
            choice["message"].update({name: value for name, value in more["delta"].items() if name not in choice["message"]})
            choice.update({name: value for name, value in more.items() if name not in ("index", "delta", *choice)})
            told = more.get("logprobs")
            if told is not None:
                choice["logprobs"] = {**told, **(choice["logprobs"] or {})} if isinstance(told, dict) else told
