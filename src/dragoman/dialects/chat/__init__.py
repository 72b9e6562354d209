"""Dialect `chat`: OpenAI Chat Completions and every server that is compatible with it.

https://platform.openai.com/docs/api-reference/chat
"""

from __future__ import annotations

from dragoman.dialects.chat.errors import read_error, write_error
from dragoman.dialects.chat.reader import Reader, read_response
from dragoman.dialects.chat.remainder import NAME
from dragoman.dialects.chat.request import PATH, peek, read_request, splice_model, state_fields, write_request
from dragoman.dialects.chat.response import write_response
from dragoman.dialects.chat.tap import Tap, write_failure
from dragoman.dialects.chat.writer import Writer
from dragoman.dialects.contract import Dialect
from dragoman.wire.sse import SseFramer

DIALECT = Dialect(
    name=NAME,
    path=PATH,
    stream_type="text/event-stream",
    peek=peek,
    read_request=read_request,
    write_request=write_request,
    read_response=read_response,
    write_response=write_response,
    framer=SseFramer,
    reader=Reader,
    writer=Writer,
    read_error=read_error,
    write_error=write_error,
    splice_model=splice_model,
    tap=Tap,
    write_failure=write_failure,
    state_fields=state_fields,
)
