"""Judges an address that Codex was given against the gateway's own: host, port, scheme, path. Pure but for the look that it is handed."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import SplitResult, urlsplit

from dragoman.cli.doctor.finding import Finding, ok, problem
from dragoman.cli.gateway import Look, Sight

PATHS = ("/openai/v1", "/openai", "/v1")
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1", "0.0.0.0"})

Looker = Callable[[str], Look]


def judge_base_url(about: str, url: str, gateway: str, look: Looker) -> Finding:
    """Does `url` lead to the gateway at `gateway`? `look` says what stands at another address."""
    try:
        asked, known = urlsplit(url), urlsplit(gateway)
        same_place = (_host(asked), _port(asked)) == (_host(known), _port(known))
    except ValueError:
        return problem(about, f"`{url}` is no address", f"write {_right(gateway)}")
    if asked.scheme not in ("http", "https") or not asked.hostname:
        return problem(about, f"`{url}` is no http address", f"write {_right(gateway)}")
    if not same_place:
        return _judge_other_place(about, url, asked, gateway, look)
    if asked.scheme != known.scheme:
        return problem(about, f"`{url}` says {asked.scheme}, the gateway speaks {known.scheme}", f"write {_right(gateway)}")
    return _judge_path(about, url, asked, gateway)


def is_at(url: str, gateway: str) -> bool:
    """Do these two name the same host and port?"""
    try:
        one, other = urlsplit(url), urlsplit(gateway)
        return (_host(one), _port(one)) == (_host(other), _port(other))
    except ValueError:
        return False


def _judge_other_place(about: str, url: str, asked: SplitResult, gateway: str, look: Looker) -> Finding:
    seen = look(f"{asked.scheme}://{asked.netloc}")
    if seen.sight in (Sight.GATEWAY, Sight.LOCKED):
        return _judge_path(about, url, asked, f"{asked.scheme}://{asked.netloc}")
    return problem(
        about, f"`{url}` is not where the gateway is: {_SEEN[seen.sight].format(detail=seen.detail)}", f"write {_right(gateway)}"
    )


def _judge_path(about: str, url: str, asked: SplitResult, gateway: str) -> Finding:
    if asked.path.rstrip("/") in PATHS:
        return ok(about, f"`{url}` is the gateway's address")
    wrong = f"has the path `{asked.path}`" if asked.path.strip("/") else "has no path"
    return problem(about, f"`{url}` {wrong}, and Codex adds only `/responses` to it", f"write {_right(gateway)}")


def _right(gateway: str) -> str:
    return f'"{gateway}{PATHS[0]}"'


def _host(url: SplitResult) -> str:
    host = url.hostname or ""
    return "loopback" if host in _LOOPBACK else host


def _port(url: SplitResult) -> int:
    return url.port or (443 if url.scheme == "https" else 80)


_SEEN = {
    Sight.OTHER: "another program answers there ({detail})",
    Sight.NOT_HTTP: "what answers there does not speak plain HTTP",
    Sight.NOBODY: "nothing answers there ({detail})",
    Sight.SILENT: "what listens there does not answer",
    Sight.NOT_TLS: "what answers there speaks no TLS; perhaps http was meant",
    Sight.BAD_ADDRESS: "{detail}",
}
