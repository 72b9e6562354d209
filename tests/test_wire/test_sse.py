"""Server-sent events: what a stream is split into, whatever the chunks are."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dragoman.wire.frame import Frame, WireError
from dragoman.wire.sse import SseFramer, encode

CASES: list[tuple[str, bytes, list[Frame]]] = [
    ("data only", b'data: {"a":1}\n\n', [Frame(b'{"a":1}')]),
    ("a name", b"event: delta\ndata: x\n\n", [Frame(b"x", "delta")]),
    ("name after data", b"data: x\nevent: delta\n\n", [Frame(b"x", "delta")]),
    ("an empty name is none", b"event: \ndata: x\n\n", [Frame(b"x")]),
    ("no blank after the colon", b"event:delta\ndata:x\n\n", [Frame(b"x", "delta")]),
    ("only one blank is taken off", b"data:   x\n\n", [Frame(b"  x")]),
    ("several data lines", b"data: a\ndata: b\ndata\n\n", [Frame(b"a\nb\n")]),
    ("CRLF", b"event: d\r\ndata: x\r\n\r\ndata: y\r\n\r\n", [Frame(b"x", "d"), Frame(b"y")]),
    ("CR", b"data: x\rdata: y\r\rdata: z\r\r", [Frame(b"x\ny"), Frame(b"z")]),
    ("mixed line ends", b"data: x\r\n\ndata: y\n\r\ndata: z\r\r\n", [Frame(b"x"), Frame(b"y"), Frame(b"z")]),
    ("a BOM", b"\xef\xbb\xbfdata: x\n\n", [Frame(b"x")]),
    ("only the first BOM", b"data: x\n\n\xef\xbb\xbfdata: y\n\n", [Frame(b"x")]),
    ("comments", b": hello\n\n:\ndata: x\n: y\n\n", [Frame(b"x")]),
    ("other fields", b"id: 7\nretry: 100\nfoo: bar\ndata: x\n\n", [Frame(b"x")]),
    ("frames without data", b"event: ping\n\ndata:\n\ndata: \n\nevent: e\ndata: \n\ndata: x\n\n", [Frame(b"x")]),
    ("a name does not outlive its event", b"event: a\n\ndata: x\n\n", [Frame(b"x")]),
    ("many blank lines", b"\n\n\ndata: x\n\n\n\n\ndata: y\n\n\n", [Frame(b"x"), Frame(b"y")]),
    ("U+2028 and U+0085 are no line ends", "data: a\u2028b\u0085c\n\n".encode(), [Frame("a\u2028b\u0085c".encode())]),
    ("a last event without its blank line", b"data: x\n\ndata: [DONE]", [Frame(b"x"), Frame(b"[DONE]")]),
    ("a last event with one line end", b"data: x\n", [Frame(b"x")]),
    ("nothing", b"", []),
    ("a colon in the data", b"data: a: b\n\n", [Frame(b"a: b")]),
    ("half a BOM is no BOM", b"\xef\xbb", []),
]


def split(stream: bytes, cuts: list[int]) -> list[bytes]:
    edges = [0, *sorted({cut % (len(stream) + 1) for cut in cuts}), len(stream)]
    return [stream[start:end] for start, end in pairwise(edges)]


def frames(chunks: list[bytes]) -> list[Frame]:
    framer = SseFramer()
    return [frame for chunk in chunks for frame in framer.feed(chunk)] + framer.close()


@pytest.mark.parametrize(("name", "stream", "expected"), CASES, ids=[case[0] for case in CASES])
def test_every_shape_is_read_whole_and_byte_by_byte(name: str, stream: bytes, expected: list[Frame]) -> None:
    whole = frames([stream])
    bytewise = frames([bytes([byte]) for byte in stream])

    assert (whole, bytewise) == (expected, expected)


def test_a_frame_is_given_with_the_byte_that_completes_it() -> None:
    framer = SseFramer()

    given_at = [len(framer.feed(bytes([byte]))) for byte in b"data: x\r\r"]

    assert given_at == [0, 0, 0, 0, 0, 0, 0, 0, 1]


LINES = st.sampled_from(
    [b"data: x", b"data:", b"data: long" * 20, b"event: e", b": c", b"", b"", b"", b"id: 1", b"data", "data: é\u2028".encode()]
)
STREAMS = st.lists(st.tuples(LINES, st.sampled_from([b"\n", b"\r", b"\r\n"]))).map(
    lambda lines: b"".join(line + end for line, end in lines)
)


@given(STREAMS, st.lists(st.integers(0, 10_000)))
def test_any_chunking_gives_the_same_frames(stream: bytes, cuts: list[int]) -> None:
    assert frames(split(stream, cuts)) == frames([stream])


@given(st.binary(), st.lists(st.integers(0, 10_000)))
def test_any_bytes_are_taken_and_chunking_changes_nothing(stream: bytes, cuts: list[int]) -> None:
    assert frames(split(stream, cuts)) == frames([stream])


@given(st.lists(st.tuples(st.text(min_size=1).filter(lambda t: not set(t) & {"\r"}), st.sampled_from([None, "a", "response.done"]))))
def test_what_is_encoded_is_read_again(events: list[tuple[str, str | None]]) -> None:
    stream = b"".join(encode(data.encode(), name.encode() if name else None) for data, name in events)

    assert frames([stream]) == [Frame(data.encode(), name) for data, name in events]


def test_a_name_with_a_line_end_is_refused() -> None:
    with pytest.raises(WireError):
        encode(b"x", b"a\ndata: y")


@pytest.mark.parametrize("chunk_bytes", [1, 7, 1000])
def test_an_event_up_to_the_bound_passes_and_one_byte_more_is_refused(chunk_bytes: int) -> None:
    def feed(stream: bytes) -> list[Frame]:
        framer = SseFramer(max_event_bytes=26)
        return [frame for start in range(0, len(stream), chunk_bytes) for frame in framer.feed(stream[start : start + chunk_bytes])]

    assert feed(b"data: " + b"x" * 20 + b"\n\ndata: y\n\n") == [Frame(b"x" * 20), Frame(b"y")]
    with pytest.raises(WireError):
        feed(b"data: " + b"x" * 21 + b"\n\ndata: y\n\n")


def test_an_event_without_end_is_refused_while_it_grows() -> None:
    framer = SseFramer(max_event_bytes=100)

    with pytest.raises(WireError):
        for _ in range(11):
            framer.feed(b"data: xxxx")
