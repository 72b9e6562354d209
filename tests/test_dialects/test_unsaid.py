"""What of an answer each API has no form for, as it is told on record."""

from __future__ import annotations

import pytest

from dragoman.dialects.registry import dialect
from dragoman.ir.request import (
    Audio,
    Call,
    Compaction,
    Image,
    Inline,
    Item,
    Message,
    OpaqueItem,
    OpaquePart,
    Proof,
    Reasoning,
    Result,
    Text,
)

SAID = Message("assistant", (Text("hi"),))
THOUGHT = Reasoning(("why",))
CALL = Call("c1", "look", "{}")
PICTURE = Message("assistant", (Image(Inline("image/png", "AAAA")),))
SOUND = Message("assistant", (Text("hi"), Audio(Inline("audio/wav", "AAAA"))))
RUN = Call("c2", "lookup", "{}", executor="provider")
CAME = Result("c2", (Text("found"),), executor="provider")
SHORT = Compaction(Proof("messages", '{"type":"compaction","content":"so far"}', "compaction"))
OWN = {name: OpaqueItem(name, "novelty", {"type": "novelty"}) for name in ("chat", "generate", "messages", "responses")}
TOOLS, PICTURES, SOUNDS = "what tools did that the provider ran itself", "pictures in an answer", "sound in an answer"


@pytest.mark.parametrize("name", sorted(OWN))
def test_words_thoughts_calls_and_what_is_its_own_are_told_by_every_api(name: str) -> None:
    given = [SAID, THOUGHT, CALL] + ([OWN[name]] if name != "chat" else [])

    assert [dialect(name).unsaid(item) for item in given] == [None] * len(given)


@pytest.mark.parametrize(
    ("name", "item", "lost"),
    [
        ("chat", PICTURE, PICTURES), ("messages", PICTURE, PICTURES), ("generate", PICTURE, None), ("responses", PICTURE, None),
        ("chat", SOUND, SOUNDS), ("messages", SOUND, SOUNDS), ("generate", SOUND, None), ("responses", SOUND, SOUNDS),
        ("chat", RUN, TOOLS), ("chat", CAME, TOOLS), ("responses", RUN, None), ("responses", CAME, None),
        ("chat", SHORT, "a compaction of the conversation"), ("messages", SHORT, None),
        ("chat", OWN["responses"], "`novelty` of `responses`"), ("messages", OWN["generate"], "`novelty` of `generate`"),
        ("messages", Message("assistant", (OpaquePart("generate", {}),)), "some of what `generate` answers"),
    ],
)  # fmt: skip
def test_what_an_api_has_no_form_for_is_named(name: str, item: Item, lost: str | None) -> None:
    assert dialect(name).unsaid(item) == lost
