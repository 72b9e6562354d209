"""Which proxy the environment names, and how a request goes through it."""

from __future__ import annotations

import socket
import ssl
from pathlib import Path

import pytest
from scripted import OK, Answer, Peer, Run, Server, ask, failure

from dragoman.ir.errors import GatewayError, Kind
from dragoman.upstream.deadlines import Deadlines
from dragoman.upstream.origin import Origin
from dragoman.upstream.pool import Pool, PoolSettings, PoolStats
from dragoman.upstream.proxy import Proxies, Proxy

TLS = Path(__file__).parent / "tls"
API = Origin("https", "api.example.com", 443)
PLAIN = Origin("http", "api.example.com", 80)
ONE = Proxy("one", 3128)
TWO = Proxy("two", 3128)


@pytest.mark.parametrize(
    ("environment", "origin", "proxy"),
    [
        ({}, API, None),
        ({"HTTPS_PROXY": "http://one:3128"}, API, ONE),
        ({"https_proxy": "http://one:3128", "HTTPS_PROXY": "http://two:3128"}, API, ONE),
        ({"https_proxy": "", "HTTPS_PROXY": "http://two:3128"}, API, None),
        ({"HTTP_PROXY": "http://one:3128"}, API, None),
        ({"HTTP_PROXY": "http://one:3128"}, PLAIN, ONE),
        ({"HTTP_PROXY": "http://one:3128", "REQUEST_METHOD": "GET"}, PLAIN, None),
        ({"ALL_PROXY": "one:3128"}, API, ONE),
        ({"all_proxy": "one:3128", "HTTPS_PROXY": "two:3128"}, API, TWO),
        ({"HTTPS_PROXY": "http://one"}, API, Proxy("one", 1080)),
        ({"HTTPS_PROXY": "http://[::1]:8"}, API, Proxy("::1", 8)),
        ({"HTTPS_PROXY": "http://user:p%40ss@one:3128"}, API, Proxy("one", 3128, "Basic dXNlcjpwQHNz")),
        ({"HTTPS_PROXY": "http://one:3128", "NO_PROXY": "*"}, API, None),
        ({"HTTPS_PROXY": "http://one:3128", "NO_PROXY": "x.com, example.com"}, API, None),
        ({"HTTPS_PROXY": "http://one:3128", "no_proxy": "x.com .Example.com"}, API, None),
        ({"HTTPS_PROXY": "http://one:3128", "no_proxy": "", "NO_PROXY": "*"}, API, ONE),
        ({"HTTPS_PROXY": "http://one:3128", "NO_PROXY": "ample.com"}, API, ONE),
        ({"HTTPS_PROXY": "http://one:3128", "NO_PROXY": "api.example.com:8443"}, API, ONE),
        ({"HTTPS_PROXY": "http://one:3128", "NO_PROXY": "api.example.com:443"}, API, None),
        ({"HTTPS_PROXY": "http://one:3128", "NO_PROXY": "10.0.0.0/8"}, Origin("https", "10.1.2.3", 443), None),
        ({"HTTPS_PROXY": "http://one:3128", "NO_PROXY": "10.1.2.3"}, Origin("https", "10.1.2.3", 443), None),
        ({"HTTPS_PROXY": "http://one:3128", "NO_PROXY": "10.1.2"}, Origin("https", "10.1.2.3", 443), ONE),
        ({"HTTPS_PROXY": "http://one:3128", "NO_PROXY": "[2001:db8::1]:443"}, Origin("https", "2001:db8::1", 443), None),
        ({"HTTPS_PROXY": "http://one:3128", "NO_PROXY": "2001:db8::/32"}, Origin("https", "2001:db8::1", 443), None),
        ({"ALL_PROXY": "http://one:3128"}, Origin("http", "localhost", 1), None),
        ({"ALL_PROXY": "http://one:3128"}, Origin("http", "127.0.0.1", 1), None),
        ({"ALL_PROXY": "http://one:3128"}, Origin("https", "::1", 1), None),
    ],
)
def test_the_environment_says_which_proxy(environment: dict[str, str], origin: Origin, proxy: Proxy | None) -> None:
    assert Proxies.from_environment(environment).pick(origin) == proxy


@pytest.mark.parametrize(
    "value",
    [
        "socks5://user:secret@one:1",
        "https://user:secret@one:1",
        "http://user:secret@:1",
        "http://user:secret@one:x",
        "http://user:secret@[one:1",
    ],
)
def test_a_proxy_that_cannot_be_used_is_told_about_by_its_variable(value: str) -> None:
    proxies = Proxies.from_environment({"HTTPS_PROXY": value})

    with pytest.raises(GatewayError) as caught:
        proxies.pick(API)

    assert caught.value.kind is Kind.CONFIG
    assert "`HTTPS_PROXY`" in caught.value.message
    assert "secret" not in caught.value.message


def test_no_repr_shows_a_password() -> None:
    proxies = Proxies.from_environment({"ALL_PROXY": "http://user:secret@one:3128", "NO_PROXY": "x"})

    shown = f"{proxies!r} {proxies} {proxies.pick(API)!r} {PoolSettings(proxies=proxies)!r}"

    assert "secret" not in shown
    assert "c2VjcmV0" not in shown
    assert "dXNlcjpzZWNyZXQ" not in shown


def pool_through(port: int, credentials: str = "user:secret@") -> Pool:
    proxies = Proxies.from_environment({"ALL_PROXY": f"http://{credentials}127.0.0.1:{port}"})
    return Pool(PoolSettings(proxies=proxies, tls=ssl.create_default_context(cafile=TLS / "ca.pem")))


def test_plain_http_goes_to_the_proxy_with_the_whole_address(run: Run) -> None:
    seen: list[bytes] = []

    async def script(peer: Peer) -> None:
        for _ in range(2):
            seen.append(await peer.request())
            await peer.send(OK)
        await peer.left()

    async def body() -> None:
        async with Server(script) as server:
            pool = pool_through(server.port)

            await ask(pool, Origin("http", "api.example.com", 8000), target="/v1")
            await ask(pool, Origin("http", "api.example.com", 8000), target="/v1")

            request = (
                b"POST http://api.example.com:8000/v1 HTTP/1.1\r\nhost: api.example.com:8000\r\n"
                b"proxy-authorization: Basic dXNlcjpzZWNyZXQ=\r\ncontent-length: 2\r\n\r\n{}"
            )
            assert (seen, server.connections) == ([request, request], 1)
            await pool.close()

    run(body())


def test_https_goes_through_a_tunnel_and_tls_is_with_the_far_side(run: Run) -> None:
    seen: list[bytes] = []

    async def script(peer: Peer) -> None:
        seen.append(await peer.head())
        await peer.send(b"HTTP/1.1 200 Connection ", b"established\r\nvia: x\r\n\r\n")
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(TLS / "other.pem")
        await peer.writer.start_tls(context)
        seen.append(await peer.request())
        await peer.send(OK)
        await peer.left()

    async def body() -> None:
        async with Server(script) as server:
            pool = pool_through(server.port)

            answer = await ask(pool, Origin("https", "other.example", 8443), target="/v1")

            assert answer == Answer(200, (("content-length", "2"),), b"ok")
            assert seen == [
                b"CONNECT other.example:8443 HTTP/1.1\r\nhost: other.example:8443\r\nproxy-authorization: Basic dXNlcjpzZWNyZXQ=\r\n\r\n",
                b"POST /v1 HTTP/1.1\r\nhost: other.example:8443\r\ncontent-length: 2\r\n\r\n{}",
            ]
            await pool.close()

    run(body())


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (
            b"HTTP/1.1 407 Auth\r\ncontent-length: 0\r\n\r\n",
            "it asks for a user and a password (407); write the proxy as `http://user:password@host:port`",
        ),
        (b"HTTP/1.1 403 No\r\ncontent-length: 3\r\n\r\nno!", "it answered with status 403"),
        (b"HTTP/1.1 200 OK\r\n\r\nXX", "it sent bytes before the tunnel was in use"),
        (b"HTTP/1.1 200 OK\r\n", "it closed the connection"),
        (b"<html>\r\n\r\n", "its answer is not HTTP"),
        (b"HTTP/1.1 200 OK\r\nx: " + b"x" * 20_000, "its answer is too long"),
    ],
    ids=["407", "403", "bytes", "cut", "html", "long"],
)
def test_a_proxy_that_gives_no_tunnel_is_named(run: Run, answer: bytes, why: str) -> None:
    async def script(peer: Peer) -> None:
        await peer.head()
        await peer.send(answer)
        peer.close()

    async def body() -> None:
        async with Server(script) as server:
            pool = pool_through(server.port)

            assert await failure(ask(pool, API)) == (
                "unreachable",
                f"the proxy `127.0.0.1:{server.port}` gave no tunnel to `api.example.com:443`: {why}; check the proxy variables",
            )
            assert pool.stats() == PoolStats(0, 0, 0)

    run(body())


def test_a_proxy_that_refuses_or_stalls_is_named(run: Run) -> None:
    async def stalling(peer: Peer) -> None:
        await peer.left()

    async def body() -> None:
        async with Server(stalling) as server:
            stalled = await failure(ask(pool_through(server.port), API, deadlines=Deadlines(connect_s=0.3)))
        # Bound for as long as it is asked: a port that was let go may be another's in a moment.
        with socket.socket() as bound:
            bound.bind(("127.0.0.1", 0))
            port = bound.getsockname()[1]
            refused = await failure(ask(pool_through(port), API))

        assert stalled == (
            "timeout",
            f"could not connect to `api.example.com:443` through the proxy `127.0.0.1:{server.port}` within 0.3 s "
            "(no end of the tunnel through the proxy); check the proxy variables and the network",
        )
        assert refused == (
            "unreachable",
            f"the proxy `127.0.0.1:{port}` refused the connection; check that something listens there, and the proxy variables",
        )

    run(body())
