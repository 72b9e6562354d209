"""What could be read as two requests, or as another one than was meant, is refused; and what is allowed is read as one."""

from __future__ import annotations

import pytest
from bad_provider import BadProvider, Peer, answer_well
from living import Living
from wire_client import Caller, chunked, get

from conftest import asked, question

BODY = asked()
PATH = "/v1/chat/completions"
START = f"POST {PATH} HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\n".encode()
SECOND = get("/v1/models")
LENGTH = b"content-length: %d\r\n" % len(BODY)
CHUNKS = b"transfer-encoding: chunked\r\n"
IN_CHUNKS = b"%x\r\n%b\r\n0\r\n\r\n" % (len(BODY), BODY)


def framed(*lines: bytes, body: bytes = BODY) -> bytes:
    """A request with these framing lines, and another one right behind."""
    return START + b"".join(lines) + b"\r\n" + body + SECOND


REFUSED = {
    "length twice, the same": framed(LENGTH, LENGTH),
    "length twice, another": framed(LENGTH, b"content-length: 0\r\n"),
    "length before chunks": framed(LENGTH, CHUNKS, body=IN_CHUNKS),
    "length after chunks": framed(CHUNKS, LENGTH, body=IN_CHUNKS),
    "length with a plus": framed(b"content-length: +%d\r\n" % len(BODY)),
    "length with a minus": framed(b"content-length: -1\r\n"),
    "length with a blank inside": framed(b"content-length: 1 2\r\n"),
    "length in hex": framed(b"content-length: 0x10\r\n"),
    "length as a list": framed(b"content-length: %d, %d\r\n" % (len(BODY), len(BODY))),
    "length without digits": framed(b"content-length: \r\n"),
    "length with a fraction": framed(b"content-length: 5.0\r\n"),
    "length past 64 bits": framed(b"content-length: 18446744073709551617\r\n"),
    "length folded": framed(b"content-length:\r\n %d\r\n" % len(BODY)),
    "length after a blank": framed(b" content-length: 5\r\n"),
    "length before a blank": framed(b"content-length : 5\r\n"),
    "chunked not last": framed(b"transfer-encoding: chunked, gzip\r\n", body=IN_CHUNKS),
    "chunked with another": framed(b"transfer-encoding: gzip, chunked\r\n", body=IN_CHUNKS),
    "chunked and identity": framed(CHUNKS, b"transfer-encoding: identity\r\n", body=IN_CHUNKS),
    "chunked twice": framed(CHUNKS, CHUNKS, body=IN_CHUNKS),
    "chunked twice in one": framed(b"transfer-encoding: chunked, chunked\r\n", body=IN_CHUNKS),
    "nearly chunked": framed(b"transfer-encoding: xchunked\r\n", body=IN_CHUNKS),
    "chunked after a vertical tab": framed(b"transfer-encoding: \x0bchunked\r\n", body=IN_CHUNKS),
    "chunked in quotes": framed(b'transfer-encoding: "chunked"\r\n', body=IN_CHUNKS),
    "chunked before a blank": framed(b"transfer-encoding : chunked\r\n", body=IN_CHUNKS),
    "chunked folded": framed(b"transfer-encoding:\r\n chunked\r\n", body=IN_CHUNKS),
    "chunked in HTTP/1.0": framed(CHUNKS, body=IN_CHUNKS).replace(b"HTTP/1.1", b"HTTP/1.0", 1),
    "no transfer coding": framed(b"transfer-encoding: \r\n", body=IN_CHUNKS),
    "bare LF after the request line": framed(LENGTH).replace(b"\r\n", b"\n", 1),
    "bare LF after a header": framed(b"x: y\n", LENGTH),
    "bare LF at the end of the head": START + LENGTH + b"\n" + BODY + SECOND,
    "bare CR in a value": framed(b"x: a\rcontent-length: 0\r\n", LENGTH),
    "bare CR after a header": framed(b"x: a\r", LENGTH),
    "NUL in a value": framed(b"x: a\0b\r\n", LENGTH),
    "NUL in a name": framed(b"x\0y: a\r\n", LENGTH),
    "bell in a value": framed(b"x: a\x07b\r\n", LENGTH),
    "no colon": framed(b"x\r\n", LENGTH),
    "no name": framed(b": x\r\n", LENGTH),
    "folded": framed(b"x: a\r\n b\r\n", LENGTH),
    "space before the colon": framed(b"x : a\r\n", LENGTH),
    "a chunk size past 64 bits": framed(CHUNKS, body=b"10000000000000000\r\n" + BODY),
    "a negative chunk size": framed(CHUNKS, body=b"-1\r\n"),
    "a chunk size with a plus": framed(CHUNKS, body=b"+1\r\na\r\n0\r\n\r\n"),
    "a chunk size in C": framed(CHUNKS, body=b"0x1\r\na\r\n0\r\n\r\n"),
    "a chunk size after a blank": framed(CHUNKS, body=b" 1\r\na\r\n0\r\n\r\n"),
    "a chunk size with underscores": framed(CHUNKS, body=b"1_0\r\n" + b"a" * 16 + b"\r\n0\r\n\r\n"),
    "no chunk size": framed(CHUNKS, body=b"\r\n"),
    "a chunk longer than its size": framed(CHUNKS, body=b"1\r\nab\r\n0\r\n\r\n"),
    "a chunk shorter than its size": framed(CHUNKS, body=b"5\r\nab\r\n0\r\n\r\n"),
    "bare LF after a chunk size": framed(CHUNKS, body=b"1\na\r\n0\r\n\r\n"),
    "bare LF after a chunk": framed(CHUNKS, body=b"1\r\na\n0\r\n\r\n"),
    "bare CR after a chunk size": framed(CHUNKS, body=b"1\ra\r\n0\r\n\r\n"),
    "bare LF in a chunk extension": framed(CHUNKS, body=b"1;a\nb\r\na\r\n0\r\n\r\n"),
    "NUL in a chunk extension": framed(CHUNKS, body=b"1;a\0b\r\na\r\n0\r\n\r\n"),
    "bare LF at the end of trailers": framed(CHUNKS, body=b"0\r\n\n"),
    "a trailer with a length": framed(CHUNKS, body=b"%x\r\n%b\r\n0\r\ncontent-length: 5\r\n\r\n" % (len(BODY), BODY)),
    "a trailer with a coding": framed(CHUNKS, body=b"%x\r\n%b\r\n0\r\ntransfer-encoding: chunked\r\n\r\n" % (len(BODY), BODY)),
    "a trailer without colon": framed(CHUNKS, body=b"0\r\nx\r\n\r\n"),
    "HTTP/0.9": b"GET /health\r\n\r\n" + SECOND,
    "HTTP/2.0": get().replace(b"HTTP/1.1", b"HTTP/2.0") + SECOND,
    "HTTP/1.2": get().replace(b"HTTP/1.1", b"HTTP/1.2") + SECOND,
    "http in small letters": get().replace(b"HTTP/1.1", b"http/1.1") + SECOND,
    "a tab in the request line": get().replace(b" /health", b"\t/health") + SECOND,
    "an unknown method": get().replace(b"GET", b"GRAB") + SECOND,
    "CONNECT": get().replace(b"GET /health", b"CONNECT 127.0.0.1:1") + SECOND,
}


@pytest.mark.parametrize("sent", REFUSED.values(), ids=REFUSED.keys())
def test_what_is_ambiguous_is_refused_once_and_nothing_behind_it_is_answered(caller: Caller, provider: BadProvider, sent: bytes) -> None:
    heard = len(provider.heads)

    told = caller.ask(sent)

    assert (told.status, told.headers["connection"]) == (400, "close")
    assert caller.rest() == b""
    assert len(provider.heads) == heard


@pytest.mark.parametrize("sent", [b"GET /health HTTP/1.1\r\n\r\n", get("/health", "host: evil.example"), get("/health", "host: 127.0.0.1")])
def test_a_request_has_one_host(caller: Caller, sent: bytes) -> None:
    assert caller.ask(sent).status == 400


ALLOWED = {
    "a length": framed(LENGTH),
    "blanks around a length": framed(b"content-length: \t %d \t\r\n" % len(BODY)),
    "zeros before a length": framed(b"content-length: 000%d\r\n" % len(BODY)),
    "chunks": framed(CHUNKS, body=IN_CHUNKS),
    "capitals": framed(b"TRANSFER-ENCODING: CHUNKED\r\n", body=IN_CHUNKS),
    "zeros before a chunk size": framed(CHUNKS, body=b"0000" + IN_CHUNKS),
    "a byte in a chunk": framed(CHUNKS, body=b"".join(b"1\r\n%c\r\n" % byte for byte in BODY) + b"0\r\n\r\n"),
    "chunk extensions": framed(CHUNKS, body=b'%x;a=b;c="d e"\r\n%b\r\n0;last\r\n\r\n' % (len(BODY), BODY)),
    "trailers": framed(CHUNKS, body=b"%x\r\n%b\r\n0\r\nx-sum: 1\r\nx-b: 2\r\n\r\n" % (len(BODY), BODY)),
    "empty lines before": b"\r\n\r\n" + framed(LENGTH),
}


@pytest.mark.parametrize("sent", ALLOWED.values(), ids=ALLOWED.keys())
def test_what_is_allowed_is_one_request_and_goes_on_with_a_plain_length(caller: Caller, provider: BadProvider, sent: bytes) -> None:
    heard = len(provider.heads)

    first, second = caller.ask(sent), caller.answer()

    assert (first.status, second.status) == (200, 200)
    (head,) = provider.heads[heard:]
    framing = [
        line for line in head.lower().split(b"\r\n") if line.startswith((b"content-length", b"transfer-encoding", b"trailer", b"x-sum"))
    ]
    assert len(framing) == 1 and framing[0].startswith(b"content-length: ")


@pytest.mark.parametrize(
    "trailer", [b"host: evil.example", b"origin: http://evil.example", b"content-encoding: gzip", b"content-type: text/plain"]
)
def test_a_trailer_never_counts_as_a_header(caller: Caller, trailer: bytes) -> None:
    sent = framed(CHUNKS, body=b"%x\r\n%b\r\n0\r\n%b\r\n\r\n" % (len(BODY), BODY, trailer))

    assert caller.ask(sent).status == 200


@pytest.mark.parametrize("flood", [b"t: u\r\n", b"x" * 1000])
def test_trailers_without_end_are_refused(caller: Caller, flood: bytes) -> None:
    caller.send(START + CHUNKS + b"\r\n%x\r\n%b\r\n0\r\n" % (len(BODY), BODY))
    for _ in range(400):
        caller.send(flood * 100)

    assert caller.answer().status == 431


def test_a_chunk_extension_without_end_is_refused(caller: Caller) -> None:
    caller.send(START + CHUNKS + b"\r\n1;")
    for _ in range(400):
        caller.send(b"x" * 100_000)

    assert caller.answer().status == 431


@pytest.mark.parametrize("hidden", [b"\r\n\r\nGET /evil HTTP/1.1\r\n", b"HTTP/1.1 200 OK\r\n\r\n"])
def test_what_stands_in_a_body_stays_there(caller: Caller, gateway: Living, provider: BadProvider, hidden: bytes) -> None:
    heard = len(provider.heads)
    body = BODY.replace(b"hello", hidden.replace(b"\r\n", b"\\r\\n"))

    told = caller.ask(START + b"content-length: %d\r\n\r\n" % len(body) + body)

    assert (told.status, len(provider.heads)) == (200, heard + 1)


@pytest.mark.parametrize("where", ["model", "path", "query"])
@pytest.mark.parametrize("evil", ["%0d%0ax: y", "%0a", "\\r\\nx: y", " HTTP/1.1"])
def test_no_line_end_of_a_client_reaches_a_providers_head(caller: Caller, provider: BadProvider, where: str, evil: str) -> None:
    heard = len(provider.heads)
    path = f"{PATH}{evil}" if where == "path" else f"{PATH}?q={evil}" if where == "query" else PATH
    sent = question(path=path.replace(" ", "%20")) if where != "model" else question(evil.replace("\\r\\n", "\r\n"))

    caller.ask(sent)

    for head in provider.heads[heard:]:
        assert b"\r\nx:" not in head.lower() and head.count(b" HTTP/1.1") == 1


def test_a_providers_head_cannot_add_headers_of_its_own_to_ours(caller: Caller, provider: BadProvider) -> None:
    def evil(peer: Peer) -> bool:
        peer.send(b"HTTP/1.1 200 OK\r\nx-request-id: a\rset-cookie: b\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}")
        return False

    told = caller.ask(question(provider.on("evil", evil)))

    assert (told.status, "set-cookie" in told.headers) == (502, False)


def test_hop_by_hop_headers_end_here_both_ways(caller: Caller, provider: BadProvider) -> None:
    seen: list[bytes] = []

    def note(peer: Peer) -> bool:
        seen.append(peer.head.lower())
        return answer_well(peer)

    name = provider.on("hops", note)
    extra = ("connection: keep-alive, x-private", "x-private: 1", "te: trailers", "proxy-authorization: Basic x", "keep-alive: timeout=9")
    told = caller.ask(question(name, PATH, *extra))

    assert told.status == 200
    assert not any(word in seen[0] for word in (b"x-private", b"\r\nte:", b"proxy-authorization", b"keep-alive"))


def test_chunked_heads_of_ours_are_read_by_our_own_client(caller: Caller) -> None:
    assert caller.ask(chunked(PATH) + IN_CHUNKS).status == 200
