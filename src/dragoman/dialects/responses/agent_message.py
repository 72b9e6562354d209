"""Messages between agents: the item `agent_message`, in which Codex's default model hears from its helpers, and they from it.

    {"type": "agent_message", "author": "…", "recipient": "…", "content": [{"type": "input_text", "text": "Message Type: …"},
     {"type": "encrypted_content", "encrypted_content": "…"}]}

The API's page has no word of it. Its second part is an argument of the author's tool call (its schema says `"encrypted": true`), word for
word as the model wrote it: OpenAI's models write ciphertext there that only they can read, every other model plain words.
"""

from __future__ import annotations

import re

from dragoman.dialects.remainder import JsonObject, object_at, text_or_none
from dragoman.dialects.responses.parts import read_parts
from dragoman.dialects.responses.remainder import NAME
from dragoman.dialects.responses.sealed import SEALED
from dragoman.ir.request import Message, OpaqueItem

_CIPHERTEXT = re.compile(r"[\w+/=.-]{64,}", re.ASCII)
"""No task for a helper is so long a word; `app.foreign` looks for the same."""


def read_agent_message(came: JsonObject, path: str) -> OpaqueItem:
    """The item as it came, but for plain words in the place of ciphertext, which the API would refuse; and what others are told
    instead of it: a message of the user."""
    content = came.get("content")
    if not isinstance(content, list):
        return OpaqueItem(NAME, "agent_message", came)
    parts = [_opened(object_at(part, f"{path}.content[{index}]")) for index, part in enumerate(content)]  # pyright: ignore[reportUnknownArgumentType,reportUnknownVariableType]
    instead = Message("user", read_parts(parts, spoken=False, path=f"{path}.content"))
    return OpaqueItem(NAME, "agent_message", {**came, "content": parts}, instead)


def _opened(part: JsonObject) -> JsonObject:
    words = text_or_none(part, SEALED)
    if part.get("type") != SEALED or words is None or _CIPHERTEXT.fullmatch(words):
        return part
    return {"type": "input_text", "text": words}
