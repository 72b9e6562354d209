"""Checks of headers that config adds to requests to providers."""

from __future__ import annotations

import re
from collections.abc import Iterable

from dragoman.config.problems import Findings, Path
from dragoman.config.schema import Target

KEY_HEADERS = frozenset({"authorization", "x-api-key", "x-goog-api-key", "api-key"})
"""Headers in which providers take their keys."""
_TOKEN = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
OWN_HEADERS = frozenset({"host", "content-length", "transfer-encoding", "connection", "content-type", "accept-encoding"})
"""Headers that the gateway sets itself."""


def check_headers(names: Iterable[str], path: Path, findings: Findings) -> None:
    """Note names that are none, and those that the gateway sets itself."""
    seen: dict[str, str] = {}
    for name in names:
        where = (*path, name)
        if not _TOKEN.fullmatch(name):
            findings.refuse(where, "is no name of a header", "use letters, digits and `-`")
        elif name.lower() in OWN_HEADERS:
            findings.refuse(where, "is a header that the gateway sets itself", "leave it out")
        elif seen.setdefault(name.lower(), name) != name:
            findings.refuse(where, f"is the same header as `{seen[name.lower()]}`", "keep one of them")


def check_target_headers(target: Target, path: Path, findings: Findings) -> None:
    """Note what is wrong with the headers of one target."""
    check_headers(target.headers, (*path, "headers"), findings)
    for name in target.headers:
        if name.lower() in KEY_HEADERS:
            findings.refuse((*path, "headers", name), "is where the provider key goes", "choose a key with `key`")
