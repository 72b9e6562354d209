"""Streams that arrive in any pieces, and streams that arrive broken."""

from __future__ import annotations

import json
from collections.abc import Iterable
from itertools import pairwise
from pathlib import Path

from broken import with_other_values
from hypothesis import given
from hypothesis import strategies as st
from tests.corpus.exchange import Exchange, exchanges
from tests.corpus.reading import QUIRKS, read_pieces, read_stream, read_whole, told

from dragoman.dialects.registry import dialect
from dragoman.ir import events as ev
from dragoman.ir.errors import GatewayError
from dragoman.wire.frame import Frame, WireError
from effort import EFFORT

GOLDENS = list(exchanges(Path(__file__).parents[1] / "golden"))
STREAMS = [golden for golden in GOLDENS if golden.stream is not None]
WHOLES = [golden for golden in GOLDENS if golden.whole is not None and golden.status < 300]

# What announces the proper end in each dialect: a stream that is cut before it cannot be a success.
_ENDS = {
    "responses": (b"event: response.completed", b"event: response.incomplete", b"event: response.failed"),
    "chat": (b'"finish_reason":"', b"[DONE]"),
    "messages": (b"event: message_stop",),
    "generate": (b'"finishReason"',),
}


def _data(golden: Exchange) -> bytes:
    assert golden.stream is not None
    return golden.stream


@EFFORT
@given(st.sampled_from(STREAMS), st.data())
def test_any_split_gives_the_same_events(golden: Exchange, data: st.DataObject) -> None:
    stream = _data(golden)
    cuts = sorted({0, len(stream), *data.draw(st.lists(st.integers(0, len(stream)), max_size=60))})

    pieces = [stream[start:end] for start, end in pairwise(cuts)]

    assert told(read_pieces(dialect(golden.dialect), pieces)) == told(read_stream(dialect(golden.dialect), stream))


@EFFORT
@given(st.sampled_from(STREAMS), st.data())
def test_a_stream_cut_before_its_end_is_no_success(golden: Exchange, data: st.DataObject) -> None:
    stream = _data(golden)
    end = min(at for mark in _ENDS[golden.dialect] if (at := stream.find(mark)) >= 0) if golden.name != "error-in-the-stream" else 0
    cut = data.draw(st.integers(0, end))

    assert isinstance(read_stream(dialect(golden.dialect), stream[:cut])[-1], ev.Failed)


def _broken(stream: bytes, data: st.DataObject) -> bytes:
    """Bytes flipped, taken away or put in; frames twice, gone or in another order."""
    frames = stream.split(b"\n\n")
    for _ in range(data.draw(st.integers(1, 4))):
        at, other = (data.draw(st.integers(0, len(frames) - 1)) for _ in range(2))
        match data.draw(st.sampled_from(("twice", "gone", "swap", "flip", "cut", "put"))):
            case "twice":
                frames.insert(other, frames[at])
            case "gone" if len(frames) > 1:
                del frames[at]
            case "swap":
                frames[at], frames[other] = frames[other], frames[at]
            case "put":
                frames[at] += data.draw(st.binary(max_size=8))
            case what if frames[at]:
                place = data.draw(st.integers(0, len(frames[at]) - 1))
                frame = frames[at]
                frames[at] = frame[:place] + (bytes([data.draw(st.integers(0, 255))]) + frame[place + 1 :] if what == "flip" else b"")
            case _:
                pass
    return b"\n\n".join(frames)


@EFFORT
@given(st.sampled_from(STREAMS), st.data())
def test_a_broken_stream_keeps_to_the_grammar_and_ends_once(golden: Exchange, data: st.DataObject) -> None:
    _holds(golden, [_broken(_data(golden), data)])


def _holds(golden: Exchange, pieces: Iterable[bytes]) -> None:
    try:
        events = read_pieces(dialect(golden.dialect), pieces)
    except (GatewayError, WireError):
        return
    assert isinstance(events[-1], ev.Ended | ev.Failed)


@EFFORT
@given(st.sampled_from(STREAMS), st.data())
def test_frames_with_values_of_another_kind_keep_to_the_grammar(golden: Exchange, data: st.DataObject) -> None:
    spoken = dialect(golden.dialect)
    framer = spoken.framer()
    frames = [frame for frame in (*framer.feed(_data(golden)), *framer.close()) if frame.data != b"[DONE]"]
    at = data.draw(st.integers(0, len(frames) - 1))
    frames[at] = Frame(json.dumps(with_other_values(json.loads(frames[at].data), data)).encode(), frames[at].name)

    stream = b"".join(b"%sdata: %s\n\n" % (b"event: %s\n" % frame.name.encode() if frame.name else b"", frame.data) for frame in frames)

    _holds(golden, [stream])


@EFFORT
@given(st.sampled_from(WHOLES), st.data())
def test_a_whole_reply_with_values_of_another_kind_is_read_or_refused(golden: Exchange, data: st.DataObject) -> None:
    body = json.dumps(with_other_values(json.loads(golden.whole or b""), data)).encode()

    try:
        events = read_whole(dialect(golden.dialect), body)
    except GatewayError:
        return
    assert isinstance(events[-1], ev.Ended)


@EFFORT
@given(st.sampled_from(WHOLES), st.data())
def test_bytes_that_are_no_reply_are_refused(golden: Exchange, data: st.DataObject) -> None:
    whole = golden.whole or b""
    body = whole[: data.draw(st.integers(0, len(whole.rstrip()) - 1))]

    try:
        dialect(golden.dialect).read_response(body, QUIRKS)
    except GatewayError:
        return
    raise AssertionError("half a reply was taken for a whole one")
