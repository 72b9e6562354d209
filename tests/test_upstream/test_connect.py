"""Making connections: TLS, addresses, and a sentence for each way to fail."""

from __future__ import annotations

import asyncio
import errno
import socket
import ssl
from pathlib import Path

import pytest
from scripted import OK, Answer, Peer, Run, Server, answering, ask, failure, noting, post

from dragoman.tasks import Tasks, spawn
from dragoman.upstream import faults
from dragoman.upstream.deadlines import Deadlines
from dragoman.upstream.origin import Origin
from dragoman.upstream.pool import Pool, PoolSettings, PoolStats

TLS = Path(__file__).parent / "tls"
OKAY = Answer(200, (("content-length", "2"),), b"ok")


def serving(name: str) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(TLS / f"{name}.pem")
    return context


def trusting() -> Pool:
    return Pool(PoolSettings(tls=ssl.create_default_context(cafile=TLS / "ca.pem")))


def test_tls_connections_are_used_again(run: Run) -> None:
    async def body() -> None:
        async with Server(answering(OK, OK), tls=serving("good")) as server:
            pool = trusting()

            # The first tickets of a TLS 1.3 session come after the handshake: they are no unasked bytes.
            assert [await ask(pool, server), await ask(pool, server), server.connections] == [OKAY, OKAY, 1]
            await pool.close()

    run(body())


def test_the_system_trust_store_can_be_named_by_environment(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    async def body() -> None:
        async with Server(answering(OK), tls=serving("good")) as server:
            pool = Pool()

            assert await ask(pool, server) == OKAY
            await pool.close()

    monkeypatch.setenv("SSL_CERT_FILE", str(TLS / "ca.pem"))
    run(body())


def test_a_name_is_sent_in_the_handshake(run: Run) -> None:
    names: list[str | None] = []

    async def body() -> None:
        context = serving("good")
        context.sni_callback = lambda sock, name, context: names.append(name)
        async with Server(answering(OK), tls=context, host="localhost") as server:
            pool = trusting()

            assert (await ask(pool, server), names) == (OKAY, ["localhost"])
            await pool.close()

    run(body())


@pytest.mark.parametrize("size", [10, 10_000, 100_000, 1_000_000])
def test_what_is_put_into_a_body_on_its_way_is_sent_over_tls_too(run: Run, size: int) -> None:
    seen: list[bytes] = []

    async def body() -> None:
        content = b'{"model":"a","x":"%b"}' % (b"x" * size)
        async with Server(noting(seen), tls=serving("good")) as server:
            pool = trusting()

            reply = await pool.open(server.origin, "POST", "/", (), content, Deadlines(), (9, 12, b'"another"'))

            assert await reply.read_all(10) == b"ok"
            assert seen == [content.replace(b'"a"', b'"another"')]
            await pool.close()

    run(body())


@pytest.mark.long
def test_long_bodies_and_slow_readers_are_paced_over_tls_too(run: Run) -> None:
    size = 24_000_000

    async def script(peer: Peer) -> None:
        body = (await peer.request()).partition(b"\r\n\r\n")[2] * 6
        peer.writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % size)
        for start in range(0, size, 65536):
            sent.append(len(body[start : start + 65536]))
            await peer.send(body[start : start + 65536])
        await peer.left()

    sent: list[int] = []

    async def body() -> None:
        content = b"".join(number.to_bytes(4, "big") for number in range(size // 24))
        async with Server(script, tls=serving("good")) as server:
            pool = trusting()
            reply = await post(pool, server, content)
            await reply.head()
            before = -1
            while before != len(sent):  # until the server can send no more
                before = len(sent)
                for _ in range(200):
                    await asyncio.sleep(0)

            assert sum(sent) < size
            assert await reply.read_all(size) == content * 6
            assert pool.stats() == PoolStats(1, 1, 0)
            await pool.close()

    run(body())


@pytest.mark.parametrize(
    ("certificate", "trusted", "why"),
    [
        ("good", False, "unable to get local issuer certificate"),
        ("expired", True, "certificate has expired"),
        ("other", True, "IP address mismatch, certificate is not valid for '127.0.0.1'"),
    ],
)
def test_a_certificate_that_proves_nothing_is_refused(run: Run, certificate: str, trusted: bool, why: str) -> None:
    async def body() -> None:
        async with Server(answering(OK), tls=serving(certificate)) as server:
            pool = trusting() if trusted else Pool()

            assert await failure(ask(pool, server)) == (
                "unreachable",
                f"the certificate of `{server.place}` is not trusted: {why}; check `base_url`, or name your own authority's file in "
                "`SSL_CERT_FILE`",
            )
            assert pool.stats() == PoolStats(0, 0, 0)

    run(body())


def test_a_server_without_tls_is_told_apart(run: Run) -> None:
    async def script(peer: Peer) -> None:
        await peer.reader.read(1)
        await peer.send(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    async def body() -> None:
        async with Server(script) as server:
            assert await failure(ask(Pool(), Origin("https", "127.0.0.1", server.port))) == (
                "unreachable",
                f"no TLS with `{server.place}`: wrong version number; check whether `base_url` should begin with `http://`",
            )

    run(body())


def test_a_server_that_hangs_up_during_the_handshake_is_unreachable(run: Run) -> None:
    async def script(peer: Peer) -> None:
        await peer.reader.read(1)
        peer.reset()

    async def body() -> None:
        async with Server(script) as server:
            kind, message = await failure(ask(Pool(), Origin("https", "127.0.0.1", server.port)))

            assert kind == "unreachable"
            assert message.startswith(f"`{server.place}` broke the connection while it was being made (")

    run(body())


def test_a_handshake_without_end_is_a_timeout(run: Run) -> None:
    async def script(peer: Peer) -> None:
        await peer.left()

    async def body() -> None:
        async with Server(script) as server:
            pool = Pool()

            assert await failure(ask(pool, Origin("https", "127.0.0.1", server.port), deadlines=Deadlines(connect_s=0.3))) == (
                "timeout",
                f"could not connect to `{server.place}` within 0.3 s (no end of the TLS handshake); check `base_url` and the network",
            )
            assert pool.stats() == PoolStats(0, 0, 0)

    run(body())


def test_leaving_while_connecting_leaves_nothing_behind(run: Run) -> None:
    async def script(peer: Peer) -> None:
        await peer.left()

    async def body() -> None:
        async with Server(script) as server:
            pool, tasks = Pool(), Tasks("test")
            asking = spawn(ask(pool, Origin("https", "127.0.0.1", server.port)), name="ask", owner=tasks)
            while not server.connections:
                await asyncio.sleep(0)

            asking.cancel()
            await asyncio.wait([asking])

            assert (asking.cancelled(), pool.stats()) == (True, PoolStats(0, 0, 0))

    run(body())


def test_nobody_there_is_refused(run: Run) -> None:
    async def body() -> None:
        # Bound for as long as it is asked: a port that was let go may be another's in a moment.
        with socket.socket() as bound:
            bound.bind(("127.0.0.1", 0))
            port, pool = bound.getsockname()[1], Pool()

            assert await failure(ask(pool, Origin("http", "127.0.0.1", port))) == (
                "unreachable",
                f"`127.0.0.1:{port}` refused the connection; check that something listens there, and `base_url`",
            )
            assert pool.stats() == PoolStats(0, 0, 0)

    run(body())


def test_a_name_with_several_addresses_is_reached_where_somebody_listens(run: Run) -> None:
    async def body() -> None:
        async with Server(answering(OK)) as server:
            pool = Pool()

            assert await ask(pool, Origin("http", "localhost", server.port)) == OKAY
            await pool.close()

    run(body())


@pytest.mark.skipif(not socket.has_ipv6, reason="no IPv6 here")
def test_an_ipv6_address_is_reached(run: Run) -> None:
    seen: list[bytes] = []

    async def script(peer: Peer) -> None:
        seen.append(await peer.request())
        await peer.send(OK)

    async def body() -> None:
        async with Server(script, host="::1") as server:
            assert await ask(Pool(), server) == OKAY
            assert f"\r\nhost: [::1]:{server.port}\r\n".encode() in seen[0]

    run(body())


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (socket.gaierror(-2, "Name or service not known"), "could not find the address of `h:1`: name or service not known; "),
        (OSError(errno.ENETUNREACH, "Network is unreachable"), "could not connect to `h:1`: network is unreachable; "),
        (
            ConnectionAbortedError(errno.ECONNABORTED, "Software caused connection abort"),
            "`h:1` broke the connection while it was being made (",
        ),
        (TimeoutError(errno.ETIMEDOUT, "Connection timed out"), "could not connect to `h:1`: connection timed out; "),
        (UnicodeError("label too long"), "could not connect to `h:1`: UnicodeError; "),
    ],
)
def test_each_way_to_fail_has_its_sentence(error: Exception, said: str) -> None:
    fault = faults.connect_fault(error, "h:1")

    assert (fault.kind.value, fault.source) == ("unreachable", "upstream")
    assert fault.message.startswith(said)
    assert fault.message.endswith("check `base_url` and the network")
