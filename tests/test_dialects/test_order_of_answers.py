"""Conversations whose calls are answered at once are written without looking for anything to move; it comes to the same."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dragoman.dialects.contract import Quirks
from dragoman.dialects.registry import dialect
from dragoman.dialects.turns import answered_at_once
from dragoman.ir.request import Call, Item, Message, Reasoning, Request, Result, Text

USER, SAID, THOUGHT = Message("user", (Text("a"),)), Message("assistant", (Text("b"),)), Reasoning(("t",))
IDS = st.sampled_from(["c1", "c2", "c3"])
ITEMS: st.SearchStrategy[Item] = st.one_of(
    st.sampled_from([USER, SAID, THOUGHT, Message("system", (Text("s"),))]),
    st.builds(Call, IDS, st.just("f"), st.just("{}"), executor=st.sampled_from(["client", "client", "provider"])),
    st.builds(Result, IDS, st.just((Text("r"),)), executor=st.sampled_from(["client", "client", "provider"])),
)
ONE, TWO = Call("c1", "f", "{}"), Call("c2", "f", "{}")
FIRST, SECOND = Result("c1", (Text("r"),)), Result("c2", (Text("r"),))


@pytest.mark.parametrize(
    "items",
    [(), (USER, ONE, FIRST, TWO, SECOND, USER), (THOUGHT, ONE, SAID, TWO, FIRST, SECOND, SAID), (USER, SAID)],
)
def test_what_agents_send_needs_no_moving(items: tuple[Item, ...]) -> None:
    assert answered_at_once(items)


@pytest.mark.parametrize(
    "items",
    [
        (ONE,),
        (FIRST,),
        (ONE, FIRST, ONE, FIRST),
        (ONE, TWO, SECOND, FIRST),
        (ONE, USER, FIRST),
        (ONE, TWO, FIRST, SAID, SECOND),
        (ONE, Result("c1", (), executor="provider")),
        (Call("c1", "f", "{}", executor="provider"), FIRST),
    ],
)
def test_anything_else_is_looked_at(items: tuple[Item, ...]) -> None:
    assert not answered_at_once(items)


@given(st.lists(ITEMS, max_size=8).map(tuple), st.sampled_from(["chat", "messages", "generate"]))
def test_what_needs_no_moving_is_written_as_if_it_had_been_looked_at(items: tuple[Item, ...], name: str) -> None:
    request = Request("m", (USER, *items))

    written = dialect(name).write_request(request, Quirks())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(f"dragoman.dialects.{name}.turns.answered_at_once", lambda _: False)  # pyright: ignore[reportUnknownLambdaType,reportUnknownArgumentType]
        looked_at = dialect(name).write_request(request, Quirks())

    assert written == looked_at
