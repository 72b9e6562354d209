"""Checks of a provider's keys: no key and no name twice, addresses of their own, regions, the models they may be used for."""

from __future__ import annotations

from urllib.parse import urlsplit

from dragoman.config.effective import effective_keys
from dragoman.config.problems import Findings, Path
from dragoman.config.routing_schema import ProviderKey
from dragoman.config.schema import Provider
from dragoman.profiles.contract import Profile
from dragoman.wire.hosts import ascii_host

_CALLS = ("/chat/completions", "/responses", "/completions", "/messages", "/models", "/embeddings")
_REGION = "{region}"


def check_pool(provider: Provider, facts: Profile, path: Path, findings: Findings) -> None:
    """Note what is wrong with any key of a provider."""
    places: dict[tuple[bytes, str | None, str | None], int] = {}
    names: dict[str, int] = {}
    for index, (given, key) in enumerate(zip(provider.keys, effective_keys(provider), strict=True)):
        where = (*path, "keys", index)
        first = places.setdefault((key.key.digest(), key.base_url, key.region), index)
        if key.key and first != index:
            findings.refuse(where, f"is the same key as keys[{first}]", "take one of them out")
        if names.setdefault(key.name, index) != index:
            findings.refuse(
                (*where, "name") if given.name else where,
                f"`{key.name}` is the name of keys[{names[key.name]}] already",
                "give each key its own name",
            )
        _check_name(given, where, findings)
        _check_address(key, provider, facts, where, findings)


def _check_name(key: ProviderKey, path: Path, findings: Findings) -> None:
    if any(letter.isspace() or letter in "/@#`" or not letter.isprintable() for letter in key.name):
        findings.refuse((*path, "name"), "is no name for a key", "use letters, digits, `.`, `_` and `-`")


def _check_address(key: ProviderKey, provider: Provider, facts: Profile, path: Path, findings: Findings) -> None:
    if key.base_url is not None and key.base_url and (fault := url_fault(key.base_url)) is not None:
        findings.refuse((*path, "base_url"), *fault)
        return
    address = key.base_url or provider.base_url or facts.base_url or ""
    if _REGION in address and not key.region:
        findings.refuse((*path, "region"), f"is missing: the base URL has `{_REGION}` in it", "write it, as `{key: $KEY, region: eastus}`")
    elif key.region and _REGION not in address:
        findings.refuse(
            (*path, "region"), f"is not used: the base URL has no `{_REGION}`", f"put `{_REGION}` into `base_url`, or leave it out"
        )


def url_fault(text: str) -> tuple[str, str] | None:
    """What is wrong with a base URL, and what would be right; never quotes it, as it may hold a password."""
    try:
        url = urlsplit(text)
        port = url.port
    except ValueError:
        return ("is no URL (host or port cannot be read)", "write it as `https://api.example.com/v1`")
    if url.scheme not in ("http", "https"):
        return ("has no `http://` or `https://`", "write it as `https://api.example.com/v1`")
    if not url.hostname or port == 0 or any(letter.isspace() for letter in text):
        return ("names no host", "write it as `https://api.example.com/v1`")
    try:
        ascii_host(url.hostname.replace(_REGION, "region"))
    except ValueError:
        return ("names a host that there cannot be", "write it as `https://api.example.com/v1`")
    if not url.path.isascii():
        return ("has letters in its path that no URL has", "percent-encode them")
    if url.username is not None:
        return ("has a user or a password in it", "put the key into `keys`")
    if url.query or url.fragment:
        return ("has a `?` or a `#`", "write scheme, host, port and path only")
    call = next((call for call in _CALLS if url.path.rstrip("/").endswith(call)), None)
    if call is not None:
        return (f"ends with `{call}`", "leave that out: the gateway adds it for each call")
    return None
