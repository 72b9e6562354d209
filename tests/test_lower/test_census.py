"""What passes skip for want of anything to do is seen wherever it stands in a conversation."""

from __future__ import annotations

import pytest

from dragoman.ir.request import (
    Call,
    Citation,
    Compaction,
    CompactionTrigger,
    FunctionTool,
    Image,
    Inline,
    Item,
    Message,
    OpaqueItem,
    OpaquePart,
    Proof,
    Result,
    Settings,
    Text,
    ToolsAdded,
)
from dragoman.lower.census import Census

PICTURE = Image(Inline("image/png", "aaaa"))
CALL, RESULT = Call("c", "f", "{}"), Result("c", (Text("r"),))
PLAIN: tuple[Item, ...] = (Message("user", (Text("a"),)), CALL, RESULT)
RARE: list[tuple[Item, str]] = [
    (Call("d", "f", "{}", executor="provider"), "hosted"),
    (Result("d", (), executor="provider"), "hosted"),
    (Call("d", "f", "{}", proof=Proof("chat", "x")), "proven"),
    (Message("assistant", (Text("b", citations=(Citation("chat", {}),)),)), "cited"),
    (Result("d", (Text("b", citations=(Citation("chat", {}),)),)), "cited"),
    (Result("d", (), tools=(FunctionTool("g"),)), "brought"),
]


def test_a_plain_conversation_has_nothing_rare() -> None:
    census = Census(PLAIN)

    assert not (census.hosted or census.proven or census.cited or census.brought)
    assert not census.has(OpaqueItem, Settings, ToolsAdded, Compaction, CompactionTrigger)
    assert census.has(Call)
    assert census.shows(Text)
    assert not census.shows(Image, OpaquePart)


@pytest.mark.parametrize(("item", "found"), RARE)
@pytest.mark.parametrize("place", range(4))
def test_what_is_rare_is_found_anywhere(item: Item, found: str, place: int) -> None:
    census = Census((*PLAIN[:place], item, *PLAIN[place:]))

    flags = {name: getattr(census, name) for name in ("hosted", "proven", "cited", "brought")}
    assert flags == {name: name == found for name in flags}


@pytest.mark.parametrize(
    "item", [Message("assistant", (Text("b"), PICTURE)), Result("d", (PICTURE,)), OpaqueItem("x", "y", {}, Message("user", (PICTURE,)))]
)
def test_a_picture_is_found_wherever_it_is_shown(item: Item) -> None:
    assert Census((*PLAIN, item)).shows(Image)
