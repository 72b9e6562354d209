"""Streams tell their token counts only to who asks for them, in a last chunk of their own.

https://platform.openai.com/docs/api-reference/chat/create#chat-create-stream_options
"""

from __future__ import annotations

import msgspec

from dragoman.dialects.chat.usage import told_usage
from dragoman.dialects.contract import StreamUsage
from dragoman.dialects.remainder import object_in

_ASKS = b'{"include_usage":true}'


def _asking(options: bytes | None) -> bytes | None:
    if options is None:
        return _ASKS
    given = object_in(options)
    if given is None:
        # null says nothing; what is no object is the provider's to refuse, in its own words.
        return _ASKS if options.strip() == b"null" else None
    return None if given.get("include_usage") is True else msgspec.json.encode({**given, "include_usage": True})


def _tells_only(frame: bytes) -> bool:
    # Azure opens its streams with a chunk that has no choices either, but what its filters found.
    if frame.find(b'"usage"') < 0:
        return False
    data = [line[5:] for line in frame.splitlines() if line.startswith(b"data:")]
    value = object_in(data[0]) if len(data) == 1 else None
    return value is not None and value.get("choices") == [] and told_usage(value) is not None


STREAM_USAGE = StreamUsage("stream_options", _asking, _tells_only)
