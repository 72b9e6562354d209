"""What the environment does to Codex: variables that it ignores, and proxies that catch what is meant for the gateway. Pure."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Mapping
from urllib.parse import urlsplit

from dragoman.cli.codex.program import OLDEST_TESTED, Program
from dragoman.cli.codex.surroundings import proxies_before
from dragoman.cli.doctor.finding import Finding, ok, problem, warning
from dragoman.wire.hosts import is_loopback

_HONOURED_BASE_URL = (0, 42, 0)


def check_environment(env: Mapping[str, str], program: Program | None, gateway: str) -> Iterator[Finding]:
    """Every variable that Codex treats otherwise than its user may think."""
    yield from _base_url(env, program, gateway)
    yield from _openai_key(env)
    yield from _proxies(env, gateway)


def _base_url(env: Mapping[str, str], program: Program | None, gateway: str) -> Iterator[Finding]:
    value = env.get("OPENAI_BASE_URL")
    if not value:
        return
    if program and program.version and program.version <= _HONOURED_BASE_URL:
        yield ok("OPENAI_BASE_URL", f"is `{value}`; codex {program.version_text} goes there")
        return
    tested = ".".join(map(str, OLDEST_TESTED))
    yield warning(
        "OPENAI_BASE_URL",
        f"is set, and Codex ignores it without a word (measured with {tested}; releases such as 0.42 still went there)",
        f'use `dragoman codex`, or say `openai_base_url = "{_meant(value, gateway)}"` in config.toml',
    )


def _meant(url: str, gateway: str) -> str:
    """This address, and where it is only the gateway's, the path below it that Codex wants."""
    try:
        at, of = urlsplit(url), urlsplit(gateway)
    except ValueError:
        return url
    is_gateways = _machine(at.hostname) == _machine(of.hostname) and _port(at.netloc) == _port(of.netloc)
    return f"{url.rstrip('/')}/openai" if is_gateways and not at.path.strip("/") else url


def _machine(host: str | None) -> str:
    return "this one" if host is not None and is_loopback(host) else host or ""


def _port(place: str) -> str:
    return place.rpartition("@")[2].rpartition(":")[2]


def _openai_key(env: Mapping[str, str]) -> Iterator[Finding]:
    if env.get("OPENAI_API_KEY") and not env.get("CODEX_API_KEY"):
        yield ok("OPENAI_API_KEY", "is set; the gateway uses it as a provider key, Codex itself does not send it")


def _proxies(env: Mapping[str, str], gateway: str) -> Iterator[Finding]:
    named, host = proxies_before(env, gateway), urlsplit(gateway).hostname or ""
    if not named:
        return
    exempt = env.get("NO_PROXY") or env.get("no_proxy") or ""
    if is_exempt(host, exempt):
        yield ok("proxy", f"`{'`, `'.join(named)}` set, and NO_PROXY keeps {host} out of it")
        return
    yield problem(
        "proxy",
        f"`{'`, `'.join(named)}` would catch what Codex sends to {host}, loopback or not, since NO_PROXY does not name it",
        f"export NO_PROXY={','.join(filter(None, (exempt, host)))}\n(`dragoman codex` does this for Codex by itself)",
    )


def is_exempt(host: str, exempt: str) -> bool:
    """Does NO_PROXY name this host: itself, a domain above it, a network around it, or `*`?"""
    return any(_covers(entry.strip(), host) for entry in exempt.split(",") if entry.strip())


def _covers(entry: str, host: str) -> bool:
    if entry == "*" or entry == host or host.endswith("." + entry.lstrip(".")):
        return True
    try:
        return ipaddress.ip_address(host) in ipaddress.ip_network(entry, strict=False)
    except ValueError:
        return False
