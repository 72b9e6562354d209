"""Dialect `messages`: Anthropic's Messages API and every server that is compatible with it.

https://platform.claude.com/docs/en/api/messages
"""

from __future__ import annotations

from dragoman.dialects.contract import Dialect
from dragoman.dialects.messages.errors import read_error, write_error
from dragoman.dialects.messages.frames import PING
from dragoman.dialects.messages.reader import Reader, read_response
from dragoman.dialects.messages.remainder import NAME
from dragoman.dialects.messages.request import PATH, peek, read_request, splice_model, state_fields, write_request
from dragoman.dialects.messages.response import write_response
from dragoman.dialects.messages.tap import Tap, write_failure
from dragoman.dialects.messages.writer import Writer
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
    # A data event of the API itself: comments don't reset the idle timer of some agents.
    keep_alive=PING,
    carry_headers=("anthropic-beta", "anthropic-version", "anthropic-user-profile-id"),
)
