"""Bodies are read whole, within their limit, whatever they are wrapped in."""

from __future__ import annotations

import asyncio
import gzip
import zlib
from typing import Any

import pytest
from house import BODY, go, house, post
from hypothesis import given
from hypothesis import strategies as st

from dragoman.ir.errors import GatewayError
from dragoman.server.asked import read_headers
from dragoman.server.inbound import read_body


def read(chunks: list[bytes], headers: dict[str, str] | None = None, limit_bytes: int = 100) -> bytes:
    left = list(chunks)

    async def next_piece() -> tuple[bytes, bool]:
        return left.pop(0), bool(left)

    return asyncio.run(read_body(next_piece, headers or {}, limit_bytes))


@given(st.lists(st.binary(max_size=30), min_size=1, max_size=3))
def test_chunks_are_put_together(chunks: list[bytes]) -> None:
    assert read(chunks) == b"".join(chunks)


def test_a_body_in_one_piece_is_not_copied() -> None:
    body = b"x" * 50

    assert read([body]) is body


def test_the_limit_is_met_by_declared_and_by_counted_bytes() -> None:
    assert read([b"x" * 60, b"x" * 40]) == b"x" * 100
    for chunks, headers in (([b"x" * 60, b"x" * 41], {}), ([b""], {"content-length": "101"})):
        with pytest.raises(GatewayError) as refused:
            read(chunks, headers)
        assert refused.value.message == "the request's body is larger than 100 bytes; the limit is `server.limits.body_bytes`"


@pytest.mark.parametrize(
    ("encoding", "pack"), [("gzip", gzip.compress), ("GZIP ", gzip.compress), ("deflate", zlib.compress), ("identity", bytes)]
)
def test_packed_bodies_are_unpacked(encoding: str, pack: Any) -> None:
    assert read([pack(BODY)], {"content-encoding": encoding}) == BODY


def test_the_limit_holds_for_the_unpacked_body() -> None:
    with pytest.raises(GatewayError) as refused:
        read([gzip.compress(b"x" * 5_000_000)], {"content-encoding": "gzip"}, limit_bytes=10_000)

    assert refused.value.honest_status == 413


@pytest.mark.parametrize("body", [b"", b"plain", gzip.compress(BODY, mtime=0)[:-3], gzip.compress(BODY, mtime=0) + b"more"])
def test_a_packed_body_that_is_not_whole_is_refused(body: bytes) -> None:
    with pytest.raises(GatewayError) as refused:
        read([body], {"content-encoding": "gzip"})

    assert refused.value.message == "the request's body is not whole, proper `gzip`"


def test_an_unknown_encoding_is_refused() -> None:
    with pytest.raises(GatewayError) as refused:
        read([b""], {"content-encoding": "zstd"})

    assert refused.value.honest_status == 415
    assert refused.value.message == "the content encoding `zstd` of the request is not known; send it plain, as `gzip` or as `deflate`"


def test_repeated_headers_are_joined() -> None:
    assert read_headers([(b"a", b"1"), (b"b", b"\xe9"), (b"a", b"2")]) == {"a": "1, 2", "b": "é"}
    assert read_headers([(b"A-b", b"1"), (b"a-B", b"2")]) == {"a-b": "1, 2"}


def test_a_packed_body_reaches_the_exchange_unpacked() -> None:
    async def story() -> None:
        async with house() as it:
            answer = await it.ask(post("/v1/responses", gzip.compress(BODY), "Content-Encoding: gzip"))

            assert answer.json["size"] == len(BODY)

    go(story())
