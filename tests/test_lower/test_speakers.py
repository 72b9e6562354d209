"""Pictures, documents and sound of those who may show none: an assistant's follow in a user message, instructions become one."""

from __future__ import annotations

from dragoman.ir.request import Call, File, Image, Inline, Item, Message, Reasoning, Request, Result, Text
from dragoman.lower.capabilities import Capabilities
from dragoman.lower.lower import lower

PICTURE = Image(Inline("image/png", "aGk="))
PAPER = File(Inline("application/pdf", "aGk="))
DRAWN = Message("assistant", (Text("Here:"), PICTURE))
HINT = Text("[image: see the next user message]")
SHOWN = Message("user", (Text("From the assistant's message:"), PICTURE))
HI = Message("user", (Text("hi"),))
ON = Message("user", (Text("go on"),))


def fitted(*items: Item) -> tuple[Item, ...]:
    return lower(Request("m", items), Capabilities()).request.items


def test_a_picture_of_the_assistant_follows_in_a_user_message() -> None:
    assert fitted(HI, DRAWN, ON) == (HI, Message("assistant", (Text("Here:"), HINT)), SHOWN, ON)


def test_a_picture_at_the_end_follows_too() -> None:
    assert fitted(HI, DRAWN) == (HI, Message("assistant", (Text("Here:"), HINT)), SHOWN)


def test_calls_of_the_same_turn_are_answered_before_its_picture_is_shown() -> None:
    call, result = Call("c", "f", "{}"), Result("c", (Text("ok"),))

    assert fitted(HI, DRAWN, call, result, ON) == (HI, Message("assistant", (Text("Here:"), HINT)), call, result, SHOWN, ON)


def test_pictures_of_a_turn_and_of_its_results_follow_together_before_the_next_turn() -> None:
    call, result, thought = Call("c", "f", "{}"), Result("c", (PICTURE,), plain=False), Reasoning(("hm",))

    moved = Message("user", (*SHOWN.parts, Text("From the result of c:"), PICTURE))
    emptied = Result("c", (HINT,), plain=False)
    assert fitted(HI, DRAWN, call, result, thought, DRAWN) == (
        *(HI, Message("assistant", (Text("Here:"), HINT)), call, emptied, moved),
        *(thought, Message("assistant", (Text("Here:"), HINT)), SHOWN),
    )


def test_instructions_with_a_document_are_a_marked_user_message() -> None:
    told = (Text("<system_message>"), Text("Keep to this:"), PAPER, Text("</system_message>"))

    assert fitted(Message("system", (Text("Keep to this:"), PAPER)), HI) == (Message("user", told), HI)


def test_whoever_may_show_pictures_goes_on_showing_them() -> None:
    caps = Capabilities(media_speakers=frozenset({"user", "assistant", "system"}))
    request = Request("m", (Message("system", (PAPER,)), HI, DRAWN, ON))

    assert lower(request, caps).request is request
