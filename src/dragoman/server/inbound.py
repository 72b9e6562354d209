"""A request's body, read whole, unpacked, within its limit."""

from __future__ import annotations

import zlib
from collections.abc import Awaitable, Callable, Mapping

from dragoman.ir.errors import GatewayError, Kind

_INFLATE_STEP = 1024 * 1024
# zlib's wbits: 16 + 15 expects gzip; 15 expects zlib, which is what `deflate` means (RFC 9110, section 8.4.1.2).
_WINDOWS = {"gzip": 31, "x-gzip": 31, "deflate": 15}


Read = Callable[[], Awaitable[tuple[bytes, bool]]]
"""The next piece of a body, and whether more follows."""


async def read_body(read: Read, headers: Mapping[str, str], limit_bytes: int) -> bytes:
    """The whole body, decompressed. The deadline is the connection's affair (`Limits.body_s`).

    Raises GatewayError too_large, or invalid_request for a content encoding that is unknown or broken; what `read` raises.
    """
    declared = headers.get("content-length", "")
    if declared.isdigit() and int(declared) > limit_bytes:
        raise _too_large(limit_bytes)
    encoding = headers.get("content-encoding")
    if encoding is not None and encoding.strip().lower() not in ("identity", *_WINDOWS):
        raise _unknown_encoding(encoding)
    body = await _read_all(read, limit_bytes)
    if encoding is None:
        return body
    return _decode(body, encoding.strip().lower(), limit_bytes)


async def _read_all(read: Read, limit_bytes: int) -> bytes:
    chunks: list[bytes] = []
    size = 0
    while True:
        chunk, more = await read()
        size += len(chunk)
        if size > limit_bytes:
            raise _too_large(limit_bytes)
        if not more:
            return b"".join([*chunks, chunk]) if chunks else chunk
        chunks.append(chunk)


def _decode(body: bytes, encoding: str, limit_bytes: int) -> bytes:
    if encoding == "identity":
        return body
    inflater = zlib.decompressobj(wbits=_WINDOWS[encoding])
    chunks: list[bytes] = []
    size = 0
    try:
        while body and not inflater.eof:
            chunk = inflater.decompress(body, _INFLATE_STEP)
            body = inflater.unconsumed_tail
            chunks.append(chunk)
            size += len(chunk)
            if size > limit_bytes:
                raise _too_large(limit_bytes)
    except zlib.error as error:
        raise _broken(encoding) from error
    if not inflater.eof or inflater.unused_data:
        raise _broken(encoding)
    return b"".join(chunks)


def _too_large(limit_bytes: int) -> GatewayError:
    message = f"the request's body is larger than {limit_bytes} bytes; the limit is `server.limits.body_bytes`"
    return GatewayError(Kind.TOO_LARGE, message, source="client")


def _unknown_encoding(encoding: str) -> GatewayError:
    message = f"the content encoding `{encoding[:100]}` of the request is not known; send it plain, as `gzip` or as `deflate`"
    return GatewayError(Kind.INVALID_REQUEST, message, source="client", status=415)


def _broken(encoding: str) -> GatewayError:
    return GatewayError(Kind.INVALID_REQUEST, f"the request's body is not whole, proper `{encoding}`", source="client")
