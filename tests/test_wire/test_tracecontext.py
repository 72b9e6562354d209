"""The headers of W3C Trace Context."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dragoman.wire.tracecontext import Parent, read_parent, read_state, write_parent

TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"


@pytest.mark.parametrize(
    ("text", "is_sampled"),
    [
        (f"00-{TRACE}-{SPAN}-01", True),
        (f"00-{TRACE}-{SPAN}-00", False),
        (f"00-{TRACE}-{SPAN}-03", True),
        (f" 00-{TRACE}-{SPAN}-01\t", True),
        (f"cc-{TRACE}-{SPAN}-01", True),
        (f"cc-{TRACE}-{SPAN}-01-what-comes-later", True),
    ],
)
def test_a_parent_is_read(text: str, is_sampled: bool) -> None:
    assert read_parent({"traceparent": text}) == Parent(TRACE, SPAN, is_sampled)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "00",
        f"ff-{TRACE}-{SPAN}-01",
        f"00-{TRACE}-{SPAN}-01-more",
        f"00-{TRACE}-{SPAN}-1",
        f"00-{TRACE.upper()}-{SPAN}-01",
        f"00-{'0' * 32}-{SPAN}-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"00-{TRACE}-{SPAN}-01, 00-{TRACE}-{SPAN}-01",
        f"cc-{TRACE}-{SPAN}-01.what-comes-later",
        f"00-{TRACE[:-1]}é-{SPAN}-01",
    ],
)
def test_what_is_no_parent_is_none(text: str) -> None:
    assert read_parent({"traceparent": text, "tracestate": "a=1"}) is None


def test_without_headers_there_is_none() -> None:
    assert read_parent({"tracestate": "a=1"}) is None


@pytest.mark.parametrize(
    ("text", "state"),
    [
        ("rojo=00f067aa0ba902b7,congo=t61rcWkgMzE", "rojo=00f067aa0ba902b7,congo=t61rcWkgMzE"),
        ("rojo=1 , ,\tcongo=2", "rojo=1,congo=2"),
        ("fw529a3039@dt=FfAAAA==", ""),
        ("fw529a3039@dt=FfAAAA", "fw529a3039@dt=FfAAAA"),
        ("a=1,a=2", ""),
        ("A=1", ""),
        ("a=", ""),
        ("a=x\ny", ""),
        ("a=1\r\nauthorization: x", ""),
        (",".join(f"k{number}=1" for number in range(33)), ""),
    ],
)
def test_a_state_is_kept_or_left_out_as_a_whole(text: str, state: str) -> None:
    assert read_state(text) == state


def test_a_long_state_loses_its_last_entries() -> None:
    entries = [f"k{number}={'v' * 100}" for number in range(8)]

    assert read_state(",".join(entries)) == ",".join(entries[:4])


@given(st.integers(1, 2**128 - 1), st.integers(1, 2**64 - 1), st.booleans())
def test_what_is_written_is_read(trace: int, span: int, is_sampled: bool) -> None:
    trace_id, span_id = f"{trace:032x}", f"{span:016x}"

    assert read_parent({"traceparent": write_parent(trace_id, span_id, is_sampled=is_sampled)}) == Parent(trace_id, span_id, is_sampled)


@given(st.text())
def test_no_text_breaks_the_reading(text: str) -> None:
    read_parent({"traceparent": text, "tracestate": text})
    assert "\n" not in read_state(text)
