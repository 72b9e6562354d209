"""Checks of the section `providers`: names, kinds, addresses, dialects, keys, headers."""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import SplitResult, urlsplit

from dragoman.config.check_headers import KEY_HEADERS, check_headers
from dragoman.config.check_keys import check_pool, url_fault
from dragoman.config.names import skeleton
from dragoman.config.problems import Findings, Path, any_of, did_you_mean
from dragoman.config.schema import Config, Provider
from dragoman.dialects.registry import names as dialects
from dragoman.profiles.contract import Profile
from dragoman.profiles.registry import kinds, profile
from dragoman.wire.hosts import is_loopback

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


def check_providers(config: Config, findings: Findings) -> None:
    """Note what is wrong with any provider."""
    check_alike(config.providers, ("providers",), findings)
    for name, provider in config.providers.items():
        path: Path = ("providers", name)
        if not _NAME.fullmatch(name):
            findings.refuse(
                path, "is no name for a provider", "use letters, digits, `.`, `_` and `-` (a `/` ends the name in `provider/model`)"
            )
        if provider.kind not in kinds():
            _refuse_kind(provider.kind, path, findings)
            continue
        facts = profile(provider.kind)
        for check in _CHECKS:
            check(provider, facts, path, findings)
        _check_loop(provider, facts, config, path, findings)


def check_alike(names: Mapping[str, object], path: Path, findings: Findings) -> None:
    """Warn of two names that are easily mistaken for each other."""
    seen: dict[str, str] = {}
    for name in names:
        twin = seen.setdefault(skeleton(name), name)
        if twin != name:
            findings.warn((*path, name), f"is easily mistaken for `{twin}`", "give it a name that differs in more than marks or case")


def _refuse_kind(kind: str, path: Path, findings: Findings) -> None:
    remedy = did_you_mean(kind, kinds()) or f"the kinds are {', '.join(f'`{known}`' for known in kinds())}"
    findings.refuse((*path, "kind"), "is no kind of provider" if not kind else f"`{kind}` is no kind of provider", remedy)


def _check_url(provider: Provider, facts: Profile, path: Path, findings: Findings) -> None:
    where = (*path, "base_url")
    if provider.base_url is None:
        if facts.base_url is None and not facts.builtin:
            findings.refuse(
                where, f"is missing: the kind `{facts.kind}` has no address of its own", "write it, as `http://127.0.0.1:8000/v1`"
            )
        return
    if provider.base_url and (fault := url_fault(provider.base_url)) is not None:
        findings.refuse(where, *fault)
        return
    url = urlsplit(provider.base_url)
    if url.scheme == "http" and provider.keys and not _is_local(url):
        findings.warn(where, "sends the key unencrypted", "use `https://`")


def _check_loop(provider: Provider, facts: Profile, config: Config, path: Path, findings: Findings) -> None:
    address = provider.base_url or facts.base_url
    if not address or findings.blames((*path, "base_url")):
        return
    url = urlsplit(address)
    if _is_local(url) and url.port == config.server.port:
        findings.warn(
            (*path, "base_url"), f"has the port that this gateway listens on ({url.port})", "move one of them, or requests run in a circle"
        )


def _check_dialects(provider: Provider, facts: Profile, path: Path, findings: Findings) -> None:
    spoken = (*(facts.dialects if provider.dialects is None else provider.dialects), *facts.when_chosen)
    if provider.dialects is not None and not provider.dialects:
        findings.refuse((*path, "dialects"), "is empty", f"name at least one of {any_of(dialects())}, or leave it out")
    for name, place in (provider.dialects or {}).items():
        if name not in dialects():
            findings.refuse((*path, "dialects", name), f"`{name}` is no dialect", f"the dialects are {any_of(dialects())}")
        elif place is not None and not place.startswith("/"):
            findings.refuse((*path, "dialects", name), "does not begin with `/`", "write the path below `base_url`, as `/chat/completions`")
    chosen = provider.dialect
    if chosen is None or not chosen or chosen in spoken:
        return
    if chosen not in dialects():
        remedy = did_you_mean(chosen, dialects()) or f"the dialects are {any_of(dialects())}"
        findings.refuse((*path, "dialect"), f"`{chosen}` is no dialect", remedy)
        return
    findings.refuse((*path, "dialect"), f"`{chosen}` is not spoken by the kind `{facts.kind}`", f"it speaks {any_of(spoken)}")


def _check_keys(provider: Provider, facts: Profile, path: Path, findings: Findings) -> None:
    where = (*path, "keys")
    auth = provider.auth or facts.auth
    optional = facts.key_optional if provider.key_optional is None else provider.key_optional
    in_header = any(name.lower() in KEY_HEADERS for name in provider.headers)
    if not (provider.keys or optional or in_header or auth == "none"):
        variable = facts.env[0] if facts.env else "THE_KEY"
        findings.refuse(where, "is missing", f"write `keys: [${variable}]`, or `key_optional: true` if it needs none")
    if provider.keys and auth == "none":
        findings.warn(where, f"is not used: the kind `{facts.kind}` sends no key", "leave it out, or say how with `auth`")
    check_pool(provider, facts, path, findings)


def _check_headers(provider: Provider, facts: Profile, path: Path, findings: Findings) -> None:
    check_headers(provider.headers, (*path, "headers"), findings)
    for name in provider.headers:
        if name.lower() in KEY_HEADERS and provider.keys:
            remedy = "keep one; `auth` says in which header the key goes"
            findings.refuse((*path, "headers", name), "would be a second key beside `keys`", remedy)


def _check_metadata(provider: Provider, facts: Profile, path: Path, findings: Findings) -> None:
    if provider.metadata and not facts.metadata:
        findings.refuse(
            (*path, "metadata"),
            f"is not for the kind `{facts.kind}`",
            "it names the user's paths and commits, which only OpenAI's own API may get",
        )
    elif provider.metadata and provider.base_url and urlsplit(provider.base_url).netloc != urlsplit(facts.base_url or "").netloc:
        findings.refuse((*path, "metadata"), "goes only to the kind's own address", "leave out `metadata` or `base_url`")


def _check_relay(provider: Provider, facts: Profile, path: Path, findings: Findings) -> None:
    for field in ("families", "models"):
        for index, text in enumerate(getattr(provider, field) or ()):
            if "*" in text:
                findings.refuse(
                    (*path, field, index), "has a `*`", "families are plain beginnings, models plain names; globs belong in `models:`"
                )


def _is_local(url: SplitResult) -> bool:
    return is_loopback((url.hostname or "").lower())


_CHECKS = (_check_url, _check_dialects, _check_keys, _check_headers, _check_metadata, _check_relay)
