"""The static files: read once, named by what they hold, so that a browser may keep them for ever."""

from __future__ import annotations

from hashlib import blake2s
from pathlib import Path

import msgspec

from dragoman.wire.frame import Headers

FOLDER = Path(__file__).parent / "static"
MOUNT = "/static/"
_TYPES = {".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml"}


class Asset(msgspec.Struct, frozen=True):
    """A static file: where it is, and its answer."""

    address: str
    headers: Headers
    body: bytes


def load() -> dict[str, Asset]:
    """All static files by name."""
    return {path.name: _asset(path) for path in sorted(FOLDER.iterdir()) if path.suffix in _TYPES}


def _asset(path: Path) -> Asset:
    body = path.read_bytes()
    digest = blake2s(body, digest_size=6).hexdigest()
    headers: Headers = (("content-type", _TYPES[path.suffix]), ("cache-control", "public, max-age=31536000, immutable"))
    return Asset(f"{MOUNT}{path.name}?{digest}", headers, body)
