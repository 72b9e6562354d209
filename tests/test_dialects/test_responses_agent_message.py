"""`agent_message`: what Codex's agents tell each other stays what it is for OpenAI's own models and is told to others in words."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from dragoman.dialects.contract import Call, Quirks
from dragoman.dialects.responses import DIALECT
from dragoman.ir.request import Message, OpaqueItem, OpaquePart, Request, Text

HEAD = {"type": "input_text", "text": "Message Type: NEW_TASK\nPayload:\n"}
CIPHERTEXT = {"type": "encrypted_content", "encrypted_content": "gAAAAAB" + "x-Y_9" * 40 + "=="}


def sealed(words: str) -> dict[str, Any]:
    return {"type": "encrypted_content", "encrypted_content": words}


def item(*content: Any) -> dict[str, Any]:
    return {"type": "agent_message", "id": "amsg_1", "author": "/a", "recipient": "/a/pears", "content": list(content)}


def read(*content: Any) -> Request:
    return DIALECT.read_request(Call("/responses", msgspec.json.encode({"model": "m", "input": [item(*content)]})))


def written(request: Request) -> Any:
    call, _ = DIALECT.write_request(request, Quirks())
    return msgspec.json.decode(call.body)["input"]


@pytest.mark.parametrize("words", ["Pick the pears.", "pears", "", "gAAAA is how it begins\nbut it goes on", "Größe" * 30])
def test_plain_words_are_told_as_such(words: str) -> None:
    request = read(HEAD, sealed(words))

    plain = {"type": "input_text", "text": words}
    instead = Message("user", (Text(HEAD["text"]), Text(words)))
    assert request.items == (OpaqueItem("responses", "agent_message", item(HEAD, plain), instead),)
    assert written(request) == [item(HEAD, plain)]


def test_ciphertext_stays_as_it_came() -> None:
    request = read(HEAD, CIPHERTEXT)

    instead = Message("user", (Text(HEAD["text"]), OpaquePart("responses", CIPHERTEXT)))
    assert request.items == (OpaqueItem("responses", "agent_message", item(HEAD, CIPHERTEXT), instead),)
    assert written(request) == [item(HEAD, CIPHERTEXT)]


@pytest.mark.parametrize("content", [None, "words", {}])
def test_other_content_stays_as_it_came(content: Any) -> None:
    came = {**item(), "content": content}
    request = DIALECT.read_request(Call("/responses", msgspec.json.encode({"model": "m", "input": [came]})))

    assert written(request) == [came]
