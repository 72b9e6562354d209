"""Requests that hold anything at all, and requests that are carried from dialect to dialect."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
from broken import with_other_values
from hypothesis import given
from hypothesis import strategies as st
from tests.corpus.difference import differences
from tests.corpus.exchange import DIALECTS, Exchange, exchanges
from tests.corpus.meaning import of_request
from tests.corpus.reading import QUIRKS
from tests.corpus.translation import carry_request

from dragoman.dialects.registry import dialect
from dragoman.ir import request as ir
from dragoman.ir.errors import GatewayError
from effort import EFFORT

ASKED = [golden for golden in exchanges(Path(__file__).parents[1] / "golden") if golden.call is not None]


@EFFORT
@given(st.sampled_from(ASKED), st.sampled_from(DIALECTS), st.data())
def test_a_request_with_values_of_another_kind_is_carried_or_refused(golden: Exchange, target: str, data: st.DataObject) -> None:
    assert golden.call is not None
    body = json.dumps(with_other_values(json.loads(golden.call.body), data)).encode()

    try:
        request = dialect(golden.dialect).read_request(msgspec.structs.replace(golden.call, body=body))
        if target == golden.dialect:
            dialect(target).write_request(request, QUIRKS)
        else:
            carry_request(request, target)
    except GatewayError:
        return


_WORDS = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="<>"), min_size=1, max_size=12).filter(
    lambda text: text.strip()
)
_NAMES = st.from_regex(r"[a-z][a-z0-9_]{0,10}", fullmatch=True)
_VALUES = st.recursive(st.none() | st.booleans() | st.integers(-9, 9) | _WORDS, lambda inner: st.lists(inner, max_size=2), max_leaves=3)
_ARGUMENTS = st.dictionaries(_NAMES, _VALUES, max_size=3).map(lambda value: msgspec.json.encode(value).decode())


@st.composite
def _turns(draw: st.DrawFn, names: list[str]) -> list[ir.Item]:
    """A user's question, then rounds of words and calls of the assistant with their results, as agents have them."""
    items: list[ir.Item] = [ir.Message("user", (ir.Text(draw(_WORDS)),))]
    for turn in range(draw(st.integers(0, 3))):
        if draw(st.booleans()):
            items.append(ir.Message("assistant", (ir.Text(draw(_WORDS)),)))
        calls = [f"call_{turn}_{number}" for number in range(draw(st.integers(0, 2 if names else 0)))]
        items += [ir.Call(call, draw(st.sampled_from(names)), draw(_ARGUMENTS)) for call in calls]
        items += [ir.Result(call, (ir.Text(draw(_WORDS)),)) for call in calls]
        items.append(ir.Message("user", (ir.Text(draw(_WORDS)),)))
    return items


@st.composite
def _requests(draw: st.DrawFn) -> ir.Request:
    names = draw(st.lists(_NAMES, max_size=3, unique=True))
    parameters = {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]}
    system = [ir.Message("system", (ir.Text(draw(_WORDS)),))] if draw(st.booleans()) else []
    return ir.Request(
        "some-model",
        (*system, *draw(_turns(names))),
        stream=draw(st.booleans()),
        tools=tuple(ir.FunctionTool(name, draw(_WORDS), parameters) for name in names),
        tool_choice=draw(st.sampled_from((None, ir.ToolChoice("auto"), ir.ToolChoice("none"), ir.ToolChoice("required"))))
        if names
        else None,
        max_tokens=draw(st.none() | st.integers(16, 9000)),
        extra=None,
    )


@EFFORT
@given(_requests(), st.sampled_from(DIALECTS))
def test_writing_a_request_and_reading_it_again_changes_nothing(request: ir.Request, target: str) -> None:
    carried = carry_request(request, target)

    back = dialect(target).read_request(carried.call)

    assert list(differences(of_request(carried.fitted, target), of_request(back, target))) == []
