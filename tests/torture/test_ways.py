"""The ways to a provider, end to end: TLS with an authority of our own, proxies from the environment, IPv6, early answers."""

from __future__ import annotations

import contextlib
import select
import socket
import ssl
import threading
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest
from bad_provider import END, STREAM, BadProvider, Peer, bad_provider, event
from living import Living, living
from wire_client import Caller, Told, get, post

from conftest import DEADLINES, ONCE, PATHS, is_success, question

TLS = Path(__file__).parent.parent / "test_upstream" / "tls"


def certified(name: str) -> ssl.SSLContext:
    """A server's context with one of the certificates of the tests."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(TLS / f"{name}.pem")
    return context


def configured(**addresses: str) -> dict[str, Any]:
    """A gateway with a provider for each address."""
    facts = {"kind": "openai-compatible", "dialect": "chat", "keys": ["a-key"]}
    providers = {name: {**facts, "base_url": f"{address}/v1"} for name, address in addresses.items()}
    deadlines = {**DEADLINES, "first_byte_s": 10.0}
    # Connections are counted by their files: no journal opens any.
    return {"providers": providers, "server": {"deadlines": deadlines}, "routing": ONCE, "database": "none", "log": {"exchanges": False}}


@contextlib.contextmanager
def leaving_nothing(folder: Path, config: dict[str, Any], *providers: BadProvider, **settings: Any) -> Generator[Living]:
    """A gateway that has nothing left of the block when it is over."""
    with living(folder, config, **settings) as gateway:
        with Caller(gateway.host, gateway.port) as caller:
            caller.ask(get("/v1/models"))
        before = gateway.at_rest()
        yield gateway
        for provider in providers:
            provider.hang_up()
        assert gateway.settled(before, any_threads=True) == before
        assert "Traceback" not in gateway.log.read_text()


def told(gateway: Living, provider: str, model: str = "any", *, stream: bool = False) -> Told:
    """What the gateway answers."""
    body = question(model, stream=stream).partition(b"\r\n\r\n")[2].replace(b'"up/', f'"{provider}/'.encode())
    with Caller(gateway.host, gateway.port) as caller:
        return caller.ask(post(PATHS["relay"], body))


def _speak_plainly(peer: Peer) -> bool:
    peer.send(b"HTTP/1.1 400 Bad Request\r\nconnection: close\r\n\r\n")
    return False


def cut_without_notice(peer: Peer) -> bool:
    """End a stream without TLS's own goodbye."""
    peer.send(STREAM + event("fi"))
    raw = socket.socket(fileno=peer.sock.detach())
    raw.close()
    return False


def unwrap(peer: Peer) -> bool:
    """End a stream with TLS's own goodbye, but no end."""
    peer.send(STREAM + event("fi"))
    assert isinstance(peer.sock, ssl.SSLSocket)
    with contextlib.suppress(OSError):
        peer.sock.unwrap()
    return False


def until_eof(peer: Peer) -> bool:
    """A body that only the end of the connection ends, cut without TLS's goodbye."""
    peer.send(
        STREAM.replace(b"transfer-encoding: chunked\r\n", b"") + b'data: {"id":"c1","object":"chat.completion.chunk","choices":[]}\n\n'
    )
    raw = socket.socket(fileno=peer.sock.detach())
    raw.close()
    return False


def test_tls_is_verified_and_its_endings_are_told_apart(tmp_path: Path) -> None:
    kinds = ("good", "expired", "other")
    with contextlib.ExitStack() as stack:
        servers = {kind: stack.enter_context(bad_provider(tls=certified(kind))) for kind in kinds}
        plain = servers["plain"] = stack.enter_context(bad_provider(greet=_speak_plainly))
        slams = servers["slams"] = stack.enter_context(bad_provider(greet=lambda peer: False))
        silent = servers["silent"] = stack.enter_context(bad_provider(greet=Peer.left))
        addresses = {kind: f"https://localhost:{server.port}" for kind, server in servers.items()}
        config = configured(**addresses)
        good = servers["good"]
        with leaving_nothing(tmp_path, config, *servers.values(), SSL_CERT_FILE=str(TLS / "ca.pem")) as gateway:
            assert told(gateway, "good").status == 200
            assert is_success(told(gateway, "good", stream=True), PATHS["relay"])
            assert good.connections == 1

            for kind, why in {"expired": "expired", "other": "mismatch", "plain": "http://", "slams": "", "silent": "handshake"}.items():
                answer = told(gateway, kind)
                assert answer.status in (502, 504) and why in answer.message.lower(), (kind, answer)
            assert not plain.heads and not slams.heads and not silent.heads

            for end in (cut_without_notice, unwrap, until_eof):
                assert not is_success(told(gateway, "good", good.on("ends", end), stream=True), PATHS["relay"])
            assert told(gateway, "good").status == 200


def test_an_authority_that_is_not_known_is_not_trusted(tmp_path: Path) -> None:
    with bad_provider(tls=certified("good")) as server:
        with leaving_nothing(tmp_path, configured(good=f"https://localhost:{server.port}"), server) as gateway:
            answer = told(gateway, "good")

            assert answer.status == 502 and "not trusted" in answer.message
            assert not server.heads


class Tunnel(BadProvider):
    """A proxy: CONNECT leads to `far` whatever name is asked for; plain requests are answered as a provider does."""

    far: BadProvider | None = None

    def __init__(self) -> None:
        self.asked: list[bytes] = []
        super().__init__(greet=self._meet)

    def _meet(self, peer: Peer) -> bool:
        first = peer.sock.recv(7, socket.MSG_PEEK)
        if first != b"CONNECT":
            return True
        peer.request()
        self.asked.append(peer.head)
        assert self.far is not None
        with socket.create_connection(("127.0.0.1", self.far.port)) as far:
            peer.send(b"HTTP/1.1 200 Connection established\r\n\r\n")
            _pump(peer.sock, far)
        return False


def _pump(left: socket.socket, right: socket.socket) -> None:
    other = {left: right, right: left}
    while True:
        ready, _, _ = select.select([left, right], [], [], 20)
        for sock in ready:
            data = sock.recv(65_536)
            if not data:
                return
            other[sock].sendall(data)


def test_proxies_of_the_environment_are_taken_end_to_end(tmp_path: Path) -> None:
    with bad_provider(tls=certified("good")) as far, bad_provider() as near, contextlib.closing(Tunnel()) as proxy:
        proxy.far = far
        config = configured(
            secret="https://localhost.test:443",
            plain="http://plain.test",
            near=f"http://127.0.0.1:{near.port}",
            excepted=f"http://excepted.test:{near.port}",
        )
        env = {
            "HTTPS_PROXY": f"http://user:pass@127.0.0.1:{proxy.port}",
            "http_proxy": f"http://user:pass@127.0.0.1:{proxy.port}",
            "NO_PROXY": "excepted.test",
            "SSL_CERT_FILE": str(TLS / "ca.pem"),
        }
        with leaving_nothing(tmp_path, config, far, near, proxy, **env) as gateway:
            secret = told(gateway, "secret")
            plain = told(gateway, "plain")
            direct = told(gateway, "near")
            excepted = told(gateway, "excepted")

            assert (
                proxy.asked[0].startswith(b"CONNECT localhost.test:443 HTTP/1.1\r\n") and b"proxy-authorization: Basic " in proxy.asked[0]
            )
            assert secret.status == 502 and "mismatch" in secret.message.lower()
            assert plain.status == 200 and proxy.heads[-1].startswith(b"POST http://plain.test/v1/chat/completions HTTP/1.1\r\n")
            assert (direct.status, len(near.heads)) == (200, 1) and b"proxy-" not in near.heads[0].lower()
            assert excepted.status == 502 and "excepted.test" in excepted.message
            assert len(proxy.asked) == 1
            for answer in (secret, plain, direct, excepted):
                assert b"pass" not in answer.body
        assert "user:pass" not in gateway.log.read_text()


def has_ipv6() -> bool:
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        return False
    return True


@pytest.mark.skipif(not has_ipv6(), reason="this machine has no IPv6 loopback")
def test_both_sides_speak_ipv6(tmp_path: Path) -> None:
    with bad_provider("::1") as provider:
        config = configured(six=f"http://[::1]:{provider.port}")
        with leaving_nothing(tmp_path, config, provider, host="::1") as gateway:
            assert gateway.host == "::1"
            with Caller(gateway.host, gateway.port) as caller:
                assert caller.ask(get().replace(b"host: 127.0.0.1", f"host: [::1]:{gateway.port}".encode())).status == 200
            assert told(gateway, "six").status == 200
            assert is_success(told(gateway, "six", stream=True), PATHS["relay"])
            assert f"host: [::1]:{provider.port}".encode() in provider.heads[0]


def test_an_early_answer_ends_the_sending_of_a_long_request(tmp_path: Path) -> None:
    seen = threading.Event()

    def early(peer: Peer) -> bool:
        peer.sock.recv(100)
        peer.send(
            b"HTTP/1.1 413 Too Large\r\ncontent-type: application/json\r\ncontent-length: 27\r\n\r\n" + b'{"error":{"message":"big"}}'
        )
        seen.wait(10)
        return False

    with bad_provider(greet=early) as provider:
        with leaving_nothing(tmp_path, configured(early=f"http://127.0.0.1:{provider.port}"), provider) as gateway:
            body = question(filler=20_000_000).partition(b"\r\n\r\n")[2].replace(b'"up/', b'"early/')
            for count in (1, 2):
                with Caller(gateway.host, gateway.port) as caller:
                    assert caller.ask(post(PATHS["relay"], body)).status == 413
                assert provider.connections == count
            seen.set()


def test_a_stream_may_begin_before_the_request_is_sent_whole(tmp_path: Path) -> None:
    def early(peer: Peer) -> bool:
        peer.sock.recv(100)
        peer.send(STREAM + event("fi"))
        assert peer.request()
        peer.send(event("ne") + END)
        return True

    with bad_provider(greet=early) as provider:
        with leaving_nothing(tmp_path, configured(early=f"http://127.0.0.1:{provider.port}"), provider) as gateway:
            body = question(filler=5_000_000, stream=True).partition(b"\r\n\r\n")[2].replace(b'"up/', b'"early/')
            with Caller(gateway.host, gateway.port) as caller:
                assert is_success(caller.ask(post(PATHS["relay"], body)), PATHS["relay"])
