"""Pictures and sound in answers of Chat: shown to clients of other APIs where these can, and to its own clients as they came."""

from __future__ import annotations

import json
from typing import Any

import pytest
from spoken_in import folded, heard, streamed, whole

from dragoman.dialects.contract import Quirks
from dragoman.dialects.registry import dialect
from dragoman.ir.request import Audio, Image, Inline, Message, Request, Text

QUIRKS = Quirks()
ASKED = Request("m", (), stream=True)
PICTURE: dict[str, Any] = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}
HEAD: dict[str, Any] = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m"}


def chunk(delta: dict[str, Any], reason: str | None = None) -> dict[str, Any]:
    return {**HEAD, "choices": [{"index": 0, "delta": delta, "finish_reason": reason}]}


def reply(**message: Any) -> dict[str, Any]:
    choice = {"index": 0, "message": {"role": "assistant", "content": "Figs.", **message}, "finish_reason": "stop"}
    return {"id": "c", "object": "chat.completion", "created": 1, "model": "m", "choices": [choice]}


def written(name: str, value: dict[str, Any]) -> Any:
    return json.loads(dialect(name).write_response(whole("chat", value), ASKED))


@pytest.mark.parametrize("field", [{"images": [PICTURE]}, {"content": [{"type": "text", "text": "Figs."}, PICTURE]}])
def test_a_picture_is_shown_to_clients_that_can_see_it(field: dict[str, Any]) -> None:
    parts = written("generate", reply(**field))["candidates"][0]["content"]["parts"]

    assert sorted(parts, key=str) == [{"inlineData": {"mimeType": "image/png", "data": "AAAA"}}, {"text": "Figs."}]
    assert [item["type"] for item in written("responses", reply(**field))["output"]].count("image_generation_call") == 1


def test_a_streamed_picture_is_an_item_of_its_own() -> None:
    told = streamed("chat", chunk({"content": "Figs."}), chunk({"content": "", "images": [PICTURE]}), chunk({}, "stop"))

    shown = [part for item in told.choices[0].items if isinstance(item, Message) for part in item.parts if isinstance(part, Image)]
    assert [part.where for part in shown] == [Inline("image/png", "AAAA")]


def test_clients_of_the_same_api_get_a_picture_as_it_came_and_once() -> None:
    events = heard("chat", chunk({"images": [PICTURE]}), chunk({}, "stop"), b"[DONE]")
    writer = dialect("chat").writer(ASKED)

    said = b"".join(writer.feed(event) for event in events)

    assert said.count(b'"images":[{"type":"image_url","image_url":{"url":"data:image/png;base64,AAAA"}}]') == said.count(b"AAAA") == 1
    assert written("chat", reply(images=[PICTURE]))["choices"][0]["message"]["images"] == [PICTURE]
    assert [dialect("chat").unsaid(item) for item in folded(events).choices[0].items] == [None]


def test_the_words_of_sound_reach_clients_that_hear_nothing() -> None:
    sound = {"id": "audio_1", "data": "UklGRg==", "transcript": "Figs.", "expires_at": 9}

    (message,) = whole("chat", reply(content=None, audio=sound)).choices[0].items
    told = streamed(
        "chat",
        chunk({"audio": {"id": "audio_1", "transcript": "Fi"}}),
        chunk({"audio": {"data": "UklG"}}),
        chunk({"audio": {"transcript": "gs.", "data": "Rg=="}}),
        chunk({"audio": {"expires_at": 9}}, "stop"),
    )

    assert isinstance(message, Message)
    text, audio = message.parts
    assert isinstance(text, Text)
    assert isinstance(audio, Audio)
    assert (text.text, audio.where) == ("Figs.", Inline("audio/wav", "UklGRg=="))
    assert told.choices[0].items == (message,)
    assert written("messages", reply(content=None, audio=sound))["content"] == [{"type": "text", "text": "Figs."}]
    assert dialect("messages").unsaid(message) == "sound in an answer"


def test_clients_of_the_same_api_get_sound_as_it_came_and_no_words_beside_it() -> None:
    sound = {"id": "audio_1", "data": "UklGRg==", "transcript": "Figs.", "expires_at": 9}

    message = written("chat", reply(content=None, audio=sound))["choices"][0]["message"]

    assert (message["audio"], message["content"] or None) == (sound, None)


def test_words_that_were_said_anyway_are_not_told_twice() -> None:
    (said, sounded) = whole("chat", reply(audio={"id": "a", "data": "UklGRg==", "transcript": "Figs."})).choices[0].items

    assert isinstance(said, Message)
    assert isinstance(sounded, Message)
    assert [type(part) for part in (*said.parts, *sounded.parts)] == [Text, Audio]


def test_what_is_no_picture_goes_to_clients_of_the_same_api_as_it_came() -> None:
    events = heard("chat", chunk({"images": [{"b64": "AAAA"}, PICTURE]}), chunk({}, "stop"), b"[DONE]")
    writer = dialect("chat").writer(ASKED)

    said = b"".join(writer.feed(event) for event in events)

    assert said.count(b'"images":[{"b64":"AAAA"}]') == said.count(b'"images":[{"type":"image_url"') == 1


def test_sound_that_came_whole_is_streamed_in_one_piece_and_streamed_sound_told_whole() -> None:
    sound = {"id": "audio_1", "data": "UklGRg==", "transcript": "Figs.", "expires_at": 9}
    writer = dialect("chat").writer(ASKED)
    pieces = [
        chunk({"audio": {"id": "audio_1", "data": "UklG", "transcript": "Fi"}}),
        chunk({"audio": {"data": "Rg==", "transcript": "gs."}}),
    ]
    events = heard("chat", *pieces, chunk({"audio": {"expires_at": 9}}, "stop"), b"[DONE]")

    said = b"".join(
        writer.feed(event) for event in dialect("chat").read_response(json.dumps(reply(content=None, audio=sound)).encode(), QUIRKS)
    )
    told = json.loads(dialect("chat").write_response(folded(events), ASKED))["choices"][0]["message"]
    again = dialect("chat").writer(ASKED)

    assert said.count(b'"audio":') == 1
    assert json.dumps(sound, separators=(",", ":")).encode() in said
    assert told["audio"] == sound
    assert b"".join(again.feed(event) for event in events).count(b'"audio":') == 3
