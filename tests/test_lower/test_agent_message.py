"""Messages between agents: kept where they are understood, else told as the user's."""

from __future__ import annotations

import pytest

from dragoman.ir.request import Item, Message, OpaqueItem, OpaquePart, Request, Text
from dragoman.lower.capabilities import Capabilities
from dragoman.lower.lower import lower

TASK = Message("user", (Text("Payload:\n"), Text("Pick the pears.")))
SEALED = Message("user", (Text("Payload:\n"), OpaquePart("responses", {"type": "encrypted_content"})))


def lowered(instead: Message, **caps: object) -> tuple[tuple[Item, ...], list[tuple[str, str]]]:
    request = Request("m", (Message("system", (Text("Help."),)), OpaqueItem("responses", "agent_message", {"a": 1}, instead)))
    found = lower(request, Capabilities(**caps))  # type: ignore[arg-type]
    return found.request.items[1:], found.warnings


def test_it_stays_where_it_is_understood() -> None:
    assert lowered(SEALED, dialect="responses", agent_messages=True) == ((OpaqueItem("responses", "agent_message", {"a": 1}, SEALED),), [])


@pytest.mark.parametrize("dialect", ["responses", "chat", "messages", "generate"])
def test_others_are_told_it_in_words(dialect: str) -> None:
    assert lowered(TASK, dialect=dialect) == ((TASK,), [])


@pytest.mark.parametrize("dialect", ["responses", "chat"])
def test_what_nobody_else_can_read_is_told_of(dialect: str) -> None:
    items, warnings = lowered(SEALED, dialect=dialect)

    assert items == (Message("user", (Text("Payload:\n"), Text("[left out: this model cannot read it]"))),)
    assert warnings == [("items", "a message between agents was written for another model, which alone can read it")]
