"""Dialect `chat`: OpenAI Chat Completions and every server that is compatible with it.

https://platform.openai.com/docs/api-reference/chat
"""

from __future__ import annotations

from dragoman.dialects.chat.asked_usage import STREAM_USAGE
from dragoman.dialects.chat.errors import read_error, write_error
from dragoman.dialects.chat.glance import GLANCE
from dragoman.dialects.chat.reader import Reader, read_response
from dragoman.dialects.chat.remainder import NAME
from dragoman.dialects.chat.request import PATH, keeps, read_request, write_request
from dragoman.dialects.chat.response import write_response
from dragoman.dialects.chat.tap import Tap, write_failure
from dragoman.dialects.chat.writer import Writer, unsaid_of
from dragoman.dialects.contract import Dialect
from dragoman.dialects.peeking import peek_body
from dragoman.wire.sse import SseFramer

DIALECT = Dialect(
    name=NAME,
    path=PATH,
    stream_type="text/event-stream",
    peek=peek_body,
    read_request=read_request,
    write_request=write_request,
    read_response=read_response,
    write_response=write_response,
    framer=SseFramer,
    reader=Reader,
    writer=Writer,
    read_error=read_error,
    write_error=write_error,
    tap=Tap,
    write_failure=write_failure,
    glance=GLANCE,
    unsaid=unsaid_of,
    keeps=keeps,
    stream_usage=STREAM_USAGE,
    cites_pages=True,
)
