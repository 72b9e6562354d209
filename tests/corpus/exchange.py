"""Finds exchanges in a folder and unwraps them to what a dialect sees: a call, and the bytes of a reply.

`<dialect>/<case>/` holds any of `request.json`, `response.json`, `stream.sse`, `stream.bin`, and a `meta.json` with status, model,
stream, url and twin where they are not plain.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import msgspec

from dragoman.dialects.contract import Call
from dragoman.dialects.registry import dialect

FOLDERS = {"openai-responses": "responses", "openai-chat": "chat", "anthropic-messages": "messages", "gemini": "generate"}
"""Names that recordings have for our dialects; a folder may also be called as the dialect is."""
DIALECTS = tuple(FOLDERS.values())


class Exchange(msgspec.Struct, frozen=True):
    """One recorded exchange. `call` is None for recordings of a reply only; either `whole` or `stream` is set, or none."""

    dialect: str
    name: str
    status: int
    call: Call | None
    whole: bytes | None
    stream: bytes | None
    twin: str | None = None
    other_api: bool = False
    """The reply is of another API of the same provider, which only shares its address."""


def exchanges(root: Path) -> Iterator[Exchange]:
    """Every exchange below `root`, in order."""
    for folder in sorted(path for path in root.iterdir() if path.is_dir()):
        name = FOLDERS.get(folder.name, folder.name)
        if name in DIALECTS:
            yield from (_exchange(name, case) for case in sorted(folder.iterdir()) if _is_case(case))


def _is_case(folder: Path) -> bool:
    return any((folder / name).exists() for name in ("request.json", "response.json", "stream.sse", "stream.bin"))


def _exchange(name: str, folder: Path) -> Exchange:
    meta: dict[str, Any] = json.loads(_bytes(folder / "meta.json") or b"{}")
    asked = _bytes(folder / "request.json")
    body: Any = None if asked is None else json.loads(asked)
    wrapped = _bytes(folder / "stream.bin")
    stream = _bytes(folder / "stream.sse") if wrapped is None else unwrap_aws(wrapped)
    return Exchange(
        dialect=name,
        name=folder.name,
        status=meta.get("status", 200),
        call=None if asked is None else _call(name, asked, body, meta, stream is not None),
        whole=_bytes(folder / "response.json"),
        stream=stream,
        twin=meta.get("twin_group"),
        other_api=isinstance(body, dict) and "prompt" in body and "messages" not in body,
    )


def _bytes(path: Path) -> bytes | None:
    return path.read_bytes() if path.exists() else None


def _call(name: str, asked: bytes, body: Any, meta: dict[str, Any], streamed: bool) -> Call:
    model = meta.get("model") or "some-model"
    if name == "generate":
        method = "streamGenerateContent" if streamed else "generateContent"
        return Call(f"/models/{quote(model)}:{method}", asked)
    if isinstance(body, dict) and "model" not in body:
        # A cloud's own address carries model and stream in the path; its profile puts them there.
        asked = json.dumps({**body, "model": model, **({"stream": True} if streamed else {})}).encode()
    return Call(dialect(name).path, asked)


def unwrap_aws(data: bytes) -> bytes:
    """An AWS event stream of `chunk` messages as the server-sent events that they wrap.

    https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_InvokeModelWithResponseStream.html
    """
    out: list[bytes] = []
    while len(data) >= 16:
        total, head = int.from_bytes(data[:4], "big"), int.from_bytes(data[4:8], "big")
        payload = json.loads(data[12 + head : total - 4])
        out.append(b"data: %b\n\n" % base64.b64decode(payload["bytes"]))
        data = data[total:]
    return b"".join(out)
