"""Freeform tools as functions, and their raw text back out of JSON that arrives in pieces."""

from __future__ import annotations

import json
from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from dragoman.ir import events as ev
from dragoman.ir.request import Call, CustomTool, FunctionTool, Request, Result, Text
from dragoman.lower.capabilities import Capabilities
from dragoman.lower.lower import lower
from dragoman.lower.unescape import Unescape

PATCH = CustomTool("patch", "Patches files.", {"type": "grammar", "syntax": "lark", "definition": "start: /.+/"}, namespace="functions")
REQUEST = Request("m", (), tools=(PATCH,))


def unescaped(pieces: list[str]) -> str:
    unescape = Unescape()
    return "".join([unescape.feed(piece) for piece in pieces]) + unescape.close()


def split(text: str, cuts: list[int]) -> list[str]:
    places = [0, *sorted(cut % (len(text) + 1) for cut in cuts), len(text)]
    return [text[start:end] for start, end in pairwise(places)]


RAW = st.text(st.characters(exclude_categories=("Cs",)), max_size=30) | st.text(st.sampled_from('"\\/bfnrtu{}: \n😀é0dD8'), max_size=30)
CUTS = st.lists(st.integers(0, 400), max_size=8)


@given(RAW, CUTS, st.booleans(), st.sampled_from(["%s", " %s ", "\n%s\n"]))
@example("😀", [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25], True, "%s")
def test_any_split_gives_what_json_says(raw: str, cuts: list[int], ascii_only: bool, around: str) -> None:
    text = around % json.dumps({"input": raw}, ensure_ascii=ascii_only)

    assert unescaped(split(text, cuts)) == raw


@given(RAW)
def test_letter_by_letter_gives_what_json_says(raw: str) -> None:
    assert unescaped(list(json.dumps({"input": raw}, separators=(" , ", " : ")))) == raw


@given(RAW, CUTS)
def test_every_split_gives_the_same_whatever_the_text_is(raw: str, cuts: list[int]) -> None:
    assert unescaped(split(raw, cuts)) == unescaped([raw])


@given(RAW, st.dictionaries(st.text(max_size=3).filter(lambda name: name != "input"), st.text(max_size=3), max_size=2), CUTS, st.booleans())
def test_other_properties_are_passed_over(raw: str, more: dict[str, str], cuts: list[int], last: bool) -> None:
    value = {**more, "input": raw} if last else {"input": raw, **more}

    assert unescaped(split(json.dumps(value), cuts)) == raw


@pytest.mark.parametrize(
    ("text", "raw"),
    [
        ("*** Begin Patch\n{}", "*** Begin Patch\n{}"),
        ("  indented", "  indented"),
        ('"input": "x"', '"input": "x"'),
        ("const a = {b: 1};", "const a = {b: 1};"),
        ("{ const a = 1; }", "{ const a = 1; }"),
        ('{"patch": "text"}', "text"),
        ('{"a": "x", "b": "y"}', '{"a": "x", "b": "y"}'),
        ('{"input": {"cmd": 1}}', '{"cmd":1}'),
        ('{"input": null}', "null"),
        ("{}", ""),
        ("", ""),
        ("[1]", "[1]"),
        ('{"input": "cut he', "cut he"),
        ('{"input": "cut\\', "cut"),
        ('{"input": "cut\\u00', "cut"),
        ('{"inp', '{"inp'),
        (r'{"input": "\d+ \ud83d lone \ude00"}', "\\d+ \ufffd lone \ufffd"),
        (r'{"input": "\ud83dx"}', "\ufffdx"),
        (r'{"input": "\uZZZZ"}', "\\uZZZZ"),
        ('{"input": "raw\nline"}', "raw\nline"),
    ],
)
def test_weak_models_are_taken_at_their_word(text: str, raw: str) -> None:
    assert unescaped([text]) == raw
    assert unescaped(list(text)) == raw


def test_text_arrives_as_soon_as_it_is_known() -> None:
    unescape = Unescape()

    assert [unescape.feed(piece) for piece in ['{"inp', 'ut": "a', "b\\", "nc", '"}']] == ["", "a", "b", "\nc", ""]


def test_a_freeform_tool_becomes_a_function_with_its_grammar_in_words() -> None:
    (tool,) = lower(REQUEST, Capabilities()).request.tools

    assert isinstance(tool, FunctionTool)
    assert (tool.name, tool.namespace) == ("functions__patch", None)
    assert tool.parameters == {
        "type": "object",
        "properties": {"input": {"type": "string", "description": "The raw text."}},
        "required": ["input"],
        "additionalProperties": False,
    }
    assert tool.description is not None
    assert tool.description.startswith("Patches files.\n\n")
    assert tool.description.endswith("lark grammar:\nstart: /.+/")


def test_calls_come_back_as_raw_text() -> None:
    restore = lower(REQUEST, Capabilities()).restore
    events = [
        ev.CallStarted(0, "c", "functions__patch"),
        ev.CallDelta(0, '{"input":'),
        ev.CallDelta(0, '"a\\n'),
        ev.CallDelta(0, 'b"}'),
        ev.PartEnded(0),
        ev.TextStarted(1),
    ]

    assert [restored for event in events for restored in restore.feed(event)] == [
        ev.CallStarted(0, "c", "patch", kind="custom", namespace="functions"),
        ev.CallDelta(0, "a\n"),
        ev.CallDelta(0, "b"),
        ev.PartEnded(0),
        ev.TextStarted(1),
    ]


def test_what_is_held_back_comes_before_the_end() -> None:
    restore = lower(REQUEST, Capabilities()).restore
    events = [ev.CallStarted(0, "c", "functions__patch"), ev.CallDelta(0, '{"patch":"x"}'), ev.PartEnded(0)]

    assert [restored for event in events for restored in restore.feed(event)][1:] == [ev.CallDelta(0, "x"), ev.PartEnded(0)]


def test_a_whole_call_comes_back_too() -> None:
    restore = lower(REQUEST, Capabilities()).restore

    (event,) = restore.feed(ev.ItemGiven(0, Call("c", "functions__patch", '{"input":"x"}')))

    assert event == ev.ItemGiven(0, Call("c", "patch", "x", "custom", "functions"))


def test_the_history_keeps_the_form_in_which_the_model_spoke() -> None:
    items = (Call("c", "patch", 'a "b"\n', "custom", "functions"), Result("c", (Text("ok"),), "custom"))

    lowered = lower(Request("m", items, tools=(PATCH,)), Capabilities())

    assert lowered.request.items == (Call("c", "functions__patch", '{"input":"a \\"b\\"\\n"}'), Result("c", (Text("ok"),)))


def test_an_item_id_goes_with_the_kind_that_it_names() -> None:
    asked = Request("m", (Call("c1", "patch", "*** Begin", kind="custom", namespace="functions", id="ctc_1"),), tools=(PATCH,))

    lowered = lower(asked, Capabilities(), "up/m")
    sent = lowered.request.items[0]
    assert isinstance(sent, Call)
    started = next(iter(lowered.restore.feed(ev.CallStarted(0, "c2", sent.name, id="fc_1"))))
    whole = next(iter(lowered.restore.feed(ev.ItemGiven(0, Call("c3", sent.name, '{"input":"x"}', id="fc_2")))))

    assert (sent.kind, sent.id) == ("function", None)
    assert isinstance(started, ev.CallStarted) and (started.kind, started.id) == ("custom", None)
    assert isinstance(whole, ev.ItemGiven) and isinstance(whole.item, Call) and (whole.item.kind, whole.item.id) == ("custom", None)
